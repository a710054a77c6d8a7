"""A month is opened once, its list is frozen, and who is held in it is held for a reason."""

import asyncio
import hashlib
from collections import Counter
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.livelihood.runs.actions import snapshot
from tests.livelihood.runs.month import RATES, a_month

FOREIGN = uuid4()


# Opening


@pytest.mark.req("LV-02", "LV-20")
async def test_a_month_is_opened_and_its_list_taken_by_itself(month):
    awards = await month.households(12, sizes=5)
    answer = await month.open()
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["run_id"]
    assert answer.headers["location"] == f"/v1/livelihood/runs/{run_id}"
    assert answer.json()["status"] == "open"
    assert answer.json()["snapshot_hash"] is None
    assert answer.json()["progress"] == {"shards": 0, "done": 0, "taken": 0}
    await month.desk.fire()
    run = await month.shown(run_id)
    total = sum(RATES[award["covered_size"] - 1] for award in awards)
    assert (run["status"], run["period"], run["kind"]) == ("snapshot", month.period, "regular")
    assert run["counts"] == {"items": 12, "planned": 12, "held": 0}
    assert run["totals_rial"] == {"approved": total, "planned": total, "held": 0}
    assert run["progress"]["done"] == run["progress"]["shards"] > 0
    assert run["progress"]["taken"] == 12
    assert [past["step"] for past in run["history"]] == ["open", "take_snapshot"]
    items = await month.items(run_id, limit=5)
    assert {UUID(item["award_id"]) for item in items} == {award["id"] for award in awards}
    assert len(items) == 12
    assert sum(item["amount_rial"] for item in items) == total
    assert {item["status"] for item in items} == {"planned"}


@pytest.mark.req("LV-02")
async def test_a_second_run_of_a_month_is_refused_and_names_the_first(month):
    key = str(uuid4())
    first = await month.open(month.desk.caller("finance_preparer", sub="prep-1"), key=key)
    again = await month.open()
    assert again.status_code == 409
    assert again.json()["code"] == "run_exists"
    assert again.json()["run_id"] == first.json()["run_id"]
    replayed = await month.open(month.desk.caller("finance_preparer", sub="prep-1"), key=key)
    assert (replayed.status_code, replayed.content) == (202, first.content)
    assert replayed.headers["idempotency-replayed"] == "true"


@pytest.mark.req("LV-02")
async def test_twenty_at_once_open_one_run(month):
    answers = await asyncio.gather(*(month.open() for _ in range(20)))
    assert Counter(a.status_code for a in answers) == {202: 1, 409: 19}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"run_exists"}
    assert len({a.json()["run_id"] for a in answers}) == 1


@pytest.mark.req("LV-02", "LV-03")
async def test_the_month_is_the_one_that_is_said_whatever_the_day(month):
    here = await month.households(3)
    other = month.next()
    await other.households(2)
    month.desk.move_clock(date.today() + timedelta(days=40))  # noqa: DTZ011
    run = await month.frozen()
    assert {UUID(item["award_id"]) for item in await month.items(run["run_id"])} == {
        award["id"] for award in here
    }
    assert {row["period"] for row in await month.kept()} == {month.as_number}
    assert (await other.frozen())["counts"]["items"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "regular"},
        {"period": "1405-13", "kind": "regular"},
        {"period": 140508, "kind": "regular"},
        {"period": "1405-08", "kind": "bonus"},
        {"period": "1405-08", "kind": "regular", "amount_rial": 1},
    ],
)
async def test_what_names_no_month_is_refused(month, body):
    answer = await month.preparer.post("/runs", body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.req("LV-21")
@pytest.mark.parametrize("role", ["finance_approver", "finance_sender", "approver", "citizen"])
async def test_only_a_preparer_opens_a_month(month, role):
    answer = await month.open(month.desk.caller(role))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_runs_are_for_finance_and_those_who_look_after_it(month):
    run_id = await month.opened()
    for role, status in (("auditor", 200), ("finance_sender", 200), ("citizen", 403)):
        caller = month.desk.caller(role)
        for path in ("/runs", f"/runs/{run_id}", f"/runs/{run_id}/items"):
            assert (await caller.get(path)).status_code == status, (role, path)
    for path, asked, answered in (
        (f"/runs/{uuid4()}", {}, (404, "not_found")),
        (f"/runs/{uuid4()}/items", {}, (404, "not_found")),
        (f"/runs/{run_id}/items", {"cursor": "x"}, (400, "invalid_cursor")),
        ("/runs", {"cursor": "WyJ4Il0"}, (400, "invalid_cursor")),
        ("/runs", {"status": "open"}, (400, "invalid_query")),
        (f"/runs/{run_id}/items", {"status": "nice"}, (400, "invalid_query")),
    ):
        answer = await month.preparer.get(path, **asked)
        assert (answer.status_code, answer.json()["code"]) == answered, path


async def test_runs_are_listed_the_latest_month_first(month):
    later = month.next()
    ids = [str(await month.opened()), str(await later.opened())]
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await month.preparer.get("/runs", limit=2, **more)).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    periods = [run["period"] for run in found]
    assert periods == sorted(periods, reverse=True)
    assert [run["run_id"] for run in found if run["run_id"] in ids] == ids[::-1]


# Rates


@pytest.mark.req("LV-04", "LV-12", "H08")
async def test_five_and_more_are_one_step_of_the_rates(month):
    await month.household(covered_size=5)
    await month.household(covered_size=6)
    await month.household(covered_size=11)
    run = await month.frozen()
    items = await month.items(run["run_id"])
    assert sorted(item["covered_size"] for item in items) == [5, 6, 11]
    assert {item["amount_rial"] for item in items} == {RATES[-1]}


@pytest.mark.req("LV-04")
async def test_a_month_is_paid_by_its_own_rate(desk):
    month = a_month(desk)
    first = month.year * 100
    for size, amount in enumerate(RATES, start=1):
        await month.rate(size, amount, first + 1, first + 5)
        await month.rate(size, 2 * amount, first + 6, first + 12)
    later = month.next()
    await month.households(1)
    await later.households(1)
    old, new = await month.frozen(), await later.frozen()
    assert old["totals_rial"]["approved"] == RATES[0]
    assert new["totals_rial"]["approved"] == 2 * RATES[0]
    assert old["rate_version"] != new["rate_version"]


@pytest.mark.req("LV-04")
async def test_without_an_approved_rate_for_every_size_no_month_is_opened(desk):
    month = a_month(desk)
    for size in (1, 2, 4):
        await month.rate(size, 1_000, month.as_number, month.as_number)
    answer = await month.open()
    assert (answer.status_code, answer.json()["code"]) == (409, "rates_incomplete")
    assert answer.json()["covered_sizes"] == [3, 5]


# Who is in it, and who is held


@pytest.mark.req("LV-22", "H02", "H22")
async def test_who_cannot_be_paid_is_held_with_a_reason_and_still_owed(month):
    paid = await month.household()
    suspended = await month.household(status="suspended")
    successor = await month.household(payee_id=FOREIGN)  # the account is the former payee's
    reviewed = await month.household(status="exit_review")
    run = await month.frozen()
    found = {UUID(item["award_id"]): item for item in await month.items(run["run_id"])}
    stands = {award: (item["status"], item["reason"]) for award, item in found.items()}
    assert stands == {
        paid["id"]: ("planned", None),
        suspended["id"]: ("held", "suspended"),
        successor["id"]: ("held", "account_missing"),
        reviewed["id"]: ("planned", None),
    }
    assert run["counts"] == {"items": 4, "planned": 2, "held": 2}
    assert run["totals_rial"] == {
        "approved": 4 * RATES[0],
        "planned": 2 * RATES[0],
        "held": 2 * RATES[0],
    }
    held = await month.items(run["run_id"], status="held")
    assert {UUID(item["award_id"]) for item in held} == {suspended["id"], successor["id"]}


@pytest.mark.req("LV-03")
async def test_only_an_award_that_stands_in_the_month_is_in_the_list(month):
    here = await month.household()
    await month.household(status="stopped")
    await month.household(start_period=month.next().period)
    await month.household(ends_on=date(1920, 1, 1))
    await month.household(created_at=month.desk.runtime.clock.now() + timedelta(hours=1))
    run = await month.frozen()
    assert [UUID(i["award_id"]) for i in await month.items(run["run_id"])] == [here["id"]]


@pytest.mark.req("LV-02")
async def test_a_month_without_anybody_is_a_list_of_nothing(month):
    run = await month.frozen()
    assert run["counts"] == {"items": 0, "planned": 0, "held": 0}
    assert run["snapshot_hash"]
    assert (await month.fund(run["run_id"])).json()["status"] == "funded"


@pytest.mark.req("LV-02")
async def test_no_household_is_twice_in_a_month(month):
    [award] = await month.households(1)
    await month.frozen()
    [item] = await month.kept()
    columns = "period, run_id, kind, component, award_id, household_id, covered_size, amount_rial"
    again = (
        f"INSERT INTO livelihood.item (id, state, {columns})"
        f" SELECT gen_random_uuid(), 'planned', {columns} FROM livelihood.item"
        " WHERE period = $1 AND id = $2"
    )
    with pytest.raises(asyncpg.UniqueViolationError, match="household"):
        await month.desk.eye.execute(again, month.as_number, item["id"])
    assert item["household_id"] == award["household_id"]


# Frozen


@pytest.mark.req("LV-20")
async def test_what_is_frozen_stays_whatever_happens_afterwards(month):
    awards = await month.households(6, sizes=3)
    run = await month.frozen()
    before = await month.kept()
    await month.household()
    await month.desk.eye.execute(
        "UPDATE livelihood.award SET covered_size = 5, status = 'suspended' WHERE id = $1",
        awards[0]["id"],
    )
    assert await snapshot.take(month.desk.runtime, UUID(run["run_id"]))
    await month.desk.fire()
    assert await month.kept() == before
    assert await month.shown(run["run_id"]) == run


@pytest.mark.req("LV-20")
async def test_taken_anew_from_the_same_awards_the_list_has_the_same_rows_and_hash(month):
    await month.households(7, sizes=5)
    run_id = await month.opened()
    async with month.desk.eye.acquire() as connection:
        undone = connection.transaction()  # a runner's whole work, lost before its commit
        await undone.start()
        await _by_hand(connection, month, run_id)
        first = await _rows(connection, month)
        await undone.rollback()
        assert await month.kept() == []
        await month.desk.fire()
        assert await _rows(connection, month) == first
        assert len(first) == 7
    assert (await month.shown(run_id))["snapshot_hash"] == _hash_of([first])


async def _by_hand(connection, month, run_id):
    """Plan the run and take its shards on this connection, as a runner does."""
    async with month.desk.runtime.transaction() as tx:
        run = await snapshot.queries.find_run(tx, run_id)

    class Lent:
        def acquire(self):
            return self

        async def __aenter__(self):
            return connection

        async def __aexit__(self, *_):
            """It stays with the test."""

    await snapshot._plan(Lent(), run)
    while await snapshot._take_shard(connection, run, at=run.opened_at):
        pass


async def _rows(connection, month):
    return await connection.fetch(
        "SELECT id, household_id, amount_rial FROM livelihood.item WHERE period = $1 ORDER BY id",
        month.as_number,
    )


def _hash_of(shards):
    """The hash of a list, as anybody can make it from its rows."""
    digests = [
        hashlib.sha256(
            b"".join(
                row["id"].bytes + row["household_id"].bytes + row["amount_rial"].to_bytes(8, "big")
                for row in rows
            )
        ).digest()
        for rows in shards
    ]
    return hashlib.sha256(b"".join(digests)).hexdigest()


@pytest.mark.req("LV-20")
async def test_the_hash_can_be_made_from_the_rows_by_anybody(month, monkeypatch):
    monkeypatch.setattr(snapshot, "SHARD_ROWS", 3)
    awards = await month.households(10, sizes=4)
    run = await month.frozen()
    eye = month.desk.eye
    shards = await eye.fetch(
        "SELECT from_id, until_id FROM livelihood.run_shard WHERE run_id = $1 ORDER BY number",
        UUID(run["run_id"]),
    )
    kept = await month.kept()
    cut = [
        [
            row for row in kept
            if row["award_id"] >= shard["from_id"]
            and (shard["until_id"] is None or row["award_id"] < shard["until_id"])
        ]
        for shard in shards
    ]  # fmt: skip
    assert sum(map(len, cut)) == len(awards)
    assert sum(1 for rows in cut if rows) > 2
    assert run["snapshot_hash"] == _hash_of(cut)


@pytest.mark.req("LV-20")
@pytest.mark.parametrize("login", ["app", "batch"])
async def test_no_role_that_runs_the_service_changes_a_list(month, login):
    await month.households(1)
    await month.frozen()
    connection = await asyncpg.connect(month.desk.settings.dsn("livelihood", role=login))
    try:
        for change in (
            "UPDATE item SET amount_rial = 1",
            "DELETE FROM item",
            "TRUNCATE item",
            f"INSERT INTO item_{month.as_number} SELECT * FROM item LIMIT 1",
            f"DROP TABLE item_{month.as_number}",
            "DELETE FROM run_shard",
            "DELETE FROM run",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()


@pytest.mark.parametrize("period", [0, 140513, 140500, 999999999])
async def test_a_partition_is_made_for_a_month_and_nothing_else(month, period):
    connection = await asyncpg.connect(month.desk.settings.dsn("livelihood", role="batch"))
    try:
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await connection.execute("SELECT livelihood.make_item_partition($1)", period)
    finally:
        await connection.close()
