"""The one statement of a step: compiled once for each shape, all of it or none of it."""

import asyncpg
import pytest

from shared.storage import step
from shared.storage.step import Row, row_of, write
from shared.storage.timers import timer_values
from shared.values.identifiers import uuid7
from tests.shared.desk import Case, Thing, case

TABLE = Case.__table__


def guard(row, **more):
    return {"id": row.id, "version": 1, "status": "open", "actor": "somebody"} | more


def thing(name, *, on_conflict="refuse", **more):
    return row_of(Thing(**{"id": uuid7(), "name": name} | more), on_conflict=on_conflict)


def timer(tx, subject, due_at):
    values = timer_values("call", subject_id=subject, due_at=due_at)
    return Row(tx.tables.timer, values, on_conflict="replace")


async def move(desk, row, *rows, status="seen", version=2, not_by=(), **more):
    """The statement by itself, committing by itself."""
    async with desk.runtime.transaction() as tx:
        changed = {"status": status, "version": version}
        return await write(
            tx, TABLE, changed, guard=guard(row, **more), not_by=not_by, rows=[*rows]
        )


async def things(desk):
    rows = await desk.eye.fetch("SELECT name, note FROM desk.thing ORDER BY name")
    return [tuple(row) for row in rows]


async def test_a_shape_is_compiled_once_and_another_shape_anew(desk):
    rows = [await desk.opened() for _ in range(3)]
    step._compile.cache_clear()
    for row in rows[:2]:
        assert (await move(desk, row, thing(str(row.id)), thing(f"{row.id}b")))["version"] == 2
    assert (step._compile.cache_info().misses, step._compile.cache_info().hits) == (1, 1)
    await move(desk, rows[2], thing("one"))
    assert step._compile.cache_info().misses == 2


async def test_all_of_it_is_one_statement_in_one_transaction(desk):
    row = await desk.opened()
    await move(desk, row, thing("one"), thing("two"))
    written = await desk.eye.fetch(
        "SELECT xmin::text, cmin::text FROM desk.thing"
        " UNION ALL SELECT xmin::text, cmin::text FROM desk.case"
    )
    assert len(written) == 3
    assert len({tuple(one) for one in written}) == 1


@pytest.mark.parametrize(
    "wrong", [{"id": uuid7()}, {"version": 0}, {"version": 2}, {"status": "seen"}]
)
async def test_a_guard_that_fails_writes_nothing_at_all(desk, wrong):
    row = await desk.opened()
    before = await desk.written(["history", "audit", "outbox", "timer"])
    async with desk.runtime.transaction() as tx:
        rows = [thing("one"), thing("two", on_conflict="skip"), timer(tx, row.id, tx.now)]
        changed = {"status": "seen", "version": 2}
        done = await write(tx, TABLE, changed, guard=guard(row, **wrong), rows=rows)
    assert done is None
    assert await desk.stands(row) == ("open", 1)
    assert await things(desk) == []
    assert await desk.written(["history", "audit", "outbox", "timer"]) == before


async def test_duties_are_asked_of_the_history_in_the_same_statement(desk):
    row = await desk.opened()
    sub = await desk.eye.fetchval("SELECT actor_sub FROM desk.history")
    assert await move(desk, row, thing("one"), not_by=("open", "look"), actor=sub) is None
    assert await things(desk) == []
    assert await move(desk, row, not_by=("look",), actor=sub) is not None
    assert await desk.stands(row) == ("seen", 2)


async def test_a_conflict_that_is_refused_undoes_the_step(desk):
    first, row = await desk.opened(), await desk.opened()
    known = uuid7()
    await move(desk, first, thing("one", id=known))
    with pytest.raises(asyncpg.UniqueViolationError):
        await move(desk, row, thing("two"), thing("three", id=known))
    assert await desk.stands(row) == ("open", 1)
    assert await things(desk) == [("one", None)]


async def test_a_conflict_that_is_skipped_leaves_the_old_row_and_the_step_is_taken(desk):
    first, row = await desk.opened(), await desk.opened()
    known = uuid7()
    await move(desk, first, thing("one", id=known))
    await move(desk, row, thing("two", id=known, on_conflict="skip"), thing("three"))
    assert await desk.stands(row) == ("seen", 2)
    assert await things(desk) == [("one", None), ("three", None)]


async def test_what_is_skipped_may_be_there_by_any_unique_column(desk):
    known, row = await desk.opened(), await desk.opened()
    twin = case(status="open", version=1, tracking_code=known.tracking_code)
    twin.opened_at = twin.changed_at = known.opened_at
    await move(desk, row, row_of(twin, on_conflict="skip"))
    assert await desk.stands(row) == ("seen", 2)
    assert (await desk.written(["case"]))[0] == 2


async def test_a_conflict_that_replaces_writes_what_is_given_and_keeps_the_rest(desk):
    first, row = await desk.opened(), await desk.opened()
    known = uuid7()
    await move(desk, first, thing("one", id=known, note="kept"))
    await move(desk, row, thing("two", id=known, on_conflict="replace"))
    assert await things(desk) == [("two", "kept")]


async def test_a_reminder_that_is_set_anew_in_a_step_is_due_and_free_again(desk):
    row = await desk.opened()
    now = desk.runtime.clock.now()
    await desk.eye.execute(
        "INSERT INTO desk.timer (kind, subject_id, due_at, leased_until, attempts, fence)"
        " VALUES ('call', $1, now(), now() + interval '1 hour', 7, 3)",
        row.id,
    )
    async with desk.runtime.transaction() as tx:
        again = timer(tx, row.id, now)
    await move(desk, row, again)
    found = await desk.eye.fetchrow("SELECT * FROM desk.timer")
    assert (found["due_at"], found["leased_until"], found["attempts"]) == (now, None, 0)
    assert found["fence"] == 3  # whoever had it in hand is still told apart


async def test_a_row_that_is_new_is_written_with_what_follows_or_not_at_all(desk):
    row = case(status="open", version=1, opened_at=desk.runtime.clock.now())
    row.changed_at = row.opened_at
    values = row_of(row).values
    async with desk.runtime.transaction() as tx:
        assert (await write(tx, TABLE, values, guard=None, rows=[thing("one")]))["version"] == 1
    with pytest.raises(asyncpg.UniqueViolationError):
        async with desk.runtime.transaction() as tx:
            await write(tx, TABLE, values, guard=None, rows=[thing("two")])
    assert await things(desk) == [("one", None)]


async def test_a_row_by_itself_minds_its_conflicts_too(desk):
    known = uuid7()
    async with desk.runtime.transaction() as tx:
        await tx.execute(thing("one", id=known, note="kept").insert())
        await tx.execute(thing("two", id=known, on_conflict="skip").insert())
    assert await things(desk) == [("one", "kept")]
    async with desk.runtime.transaction() as tx:
        await tx.execute(thing("three", id=known, on_conflict="replace").insert())
    assert await things(desk) == [("three", "kept")]
