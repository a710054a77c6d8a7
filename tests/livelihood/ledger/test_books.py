"""The books: every entry balances, nothing is ever taken out, and balances are exact."""

from collections import Counter
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.livelihood.ledger.actions import counter, post
from services.livelihood.ledger.queries import balances, entry
from services.livelihood.ledger.rules import Line, mirrored, transfer

BOTH = ("journal_entry", "posting")
GROWS = {"support": "debit", "payable": "credit", "funds": "debit", "clearing.017": "credit"}


@pytest.fixture
def runtime(whole_desk):
    return whole_desk.runtime


async def entered(runtime, lines, *, kind="test", reference=None):
    async with runtime.transaction() as tx:
        return await post(tx, kind, reference or str(uuid4()), lines)


async def stand(runtime):
    async with runtime.transaction() as tx:
        return Counter(await balances(tx))


# What an entry is


async def test_an_entry_that_does_not_balance_is_refused_at_the_commit(runtime, whole_desk):
    name = str(uuid4())
    lines = [Line("support", "debit", 1_000), Line("payable", "credit", 999)]
    async with runtime.transaction() as tx:
        await post(tx, "test", name, lines)  # only the commit sees the whole of it
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await tx.commit()
    assert refused.value.constraint_name == "entry_balances"
    assert not await whole_desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.journal_entry WHERE reference = $1", name
    )


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no lines"),
        pytest.param([Line("support", "debit", 5)], id="one line"),
        pytest.param(transfer(0, debit="support", credit="payable"), id="nothing"),
        pytest.param(transfer(-5, debit="support", credit="payable"), id="less than nothing"),
        pytest.param(
            [Line("support", "debit", 5), Line("payable", "owed", 5)], id="an unknown side"
        ),
        pytest.param(
            [Line("support", "debit", 5), Line("payable", "debit", 5)], id="one side only"
        ),
    ],
)
async def test_what_is_no_entry_is_refused(runtime, lines):
    with pytest.raises(asyncpg.CheckViolationError):
        await entered(runtime, lines)


async def test_a_strange_account_is_refused(runtime):
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await entered(runtime, transfer(5, debit="support", credit="pocket"))


async def test_no_line_joins_an_entry_later_even_if_it_balances(runtime, whole_desk):
    made = await entered(runtime, transfer(500, debit="support", credit="payable"))
    late = (
        "INSERT INTO livelihood.posting (entry_id, line, account, side, amount_rial)"
        " VALUES ($1, 3, 'support', 'debit', 7), ($1, 4, 'payable', 'credit', 7)"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await whole_desk.eye.execute(late, made)


async def test_the_same_thing_is_entered_once(runtime):
    lines = transfer(500, debit="support", credit="payable")
    name = str(uuid4())
    await entered(runtime, lines, reference=name)
    before = await stand(runtime)
    with pytest.raises(asyncpg.UniqueViolationError):
        await entered(runtime, lines, reference=name)
    assert await stand(runtime) == before


# What was entered stays


@pytest.mark.parametrize("table", BOTH)
@pytest.mark.parametrize("login", ["app", "batch", "reader"])
async def test_no_role_that_runs_the_service_changes_the_books(runtime, login, table):
    await entered(runtime, transfer(500, debit="support", credit="payable"))
    connection = await asyncpg.connect(runtime.settings.dsn("livelihood", role=login))
    try:
        await connection.execute("SET default_transaction_read_only = off")
        for change in (
            f"UPDATE {table} SET {'at = at' if table == 'journal_entry' else 'line = line'}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
            f"ALTER TABLE {table} DISABLE TRIGGER only_added_to",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()


@pytest.mark.parametrize("table", BOTH)
async def test_not_even_a_superuser_changes_them_in_passing(runtime, whole_desk, table):
    await entered(runtime, transfer(500, debit="support", credit="payable"))
    column = "at" if table == "journal_entry" else "line"
    for change in (
        f"UPDATE livelihood.{table} SET {column} = {column}",
        f"DELETE FROM livelihood.{table}",
        f"TRUNCATE livelihood.{table} CASCADE",
    ):
        for replica in ("origin", "replica"):  # how a table's triggers are commonly passed by
            async with whole_desk.eye.acquire() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL session_replication_role = {replica}")
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added to"):
                    async with connection.transaction():
                        await connection.execute(change)


async def test_a_counter_entry_takes_back_and_leaves_both_to_be_seen(runtime):
    before = await stand(runtime)
    lines = [
        Line("payable", "debit", 900),
        Line("clearing.017", "credit", 600),
        Line("clearing.018", "credit", 300),
    ]
    made = await entered(runtime, lines)
    async with runtime.transaction() as tx:
        back = await counter(tx, made)
        assert await entry(tx, back) == (None, mirrored(lines))
        assert await entry(tx, made) == (None, lines)
    assert +await stand(runtime) == +before
    with pytest.raises(asyncpg.UniqueViolationError):
        async with runtime.transaction() as tx:
            await counter(tx, made)
    with pytest.raises(LookupError):
        async with runtime.transaction() as tx:
            await counter(tx, uuid4())


# Balances


amounts = st.integers(min_value=1, max_value=10**15)
entries = st.lists(
    st.tuples(st.permutations(sorted(GROWS)), st.lists(amounts, min_size=1, max_size=3)),
    min_size=1,
    max_size=6,
)


def lines_of(accounts, parts):
    """One account against up to three others."""
    first, *others = accounts
    return [
        Line(first, "debit", sum(parts)),
        *(Line(other, "credit", part) for other, part in zip(others, parts, strict=False)),
    ]


@given(history=entries, taken_back=st.integers(min_value=0, max_value=6))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_balances_are_what_a_plain_model_says(runtime, history, taken_back):
    model = await stand(runtime)
    made = []
    for accounts, parts in history:
        lines = lines_of(accounts, parts)
        made.append((await entered(runtime, lines), lines))
    for entry_id, _ in made[:taken_back]:
        async with runtime.transaction() as tx:
            await counter(tx, entry_id)
    for _, lines in made[taken_back:]:
        for account, side, amount in lines:
            model[account] += amount if GROWS[account] == side else -amount
    found = await stand(runtime)
    assert {code: found[code] for code in GROWS} == {code: model[code] for code in GROWS}
