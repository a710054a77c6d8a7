"""Transactions on a real server: lone or explicit, cancelled, broken, and without a connection."""

import asyncio
import time
from contextlib import AsyncExitStack, suppress

import asyncpg
import pytest
from sqlalchemy import select

from shared.storage.db import PoolExhausted, Runtime, seen_through
from shared.values.identifiers import uuid7
from tests.shared.desk import Base, Thing

INSERT = "INSERT INTO desk.thing (id, name) VALUES ($1, $2) RETURNING name"
SLOWLY = """
    WITH slept AS (SELECT pg_sleep(0.25))
    INSERT INTO desk.thing (id, name) SELECT $1, $2 FROM slept RETURNING name
"""


async def names(desk):
    return sorted(row["name"] for row in await desk.eye.fetch("SELECT name FROM desk.thing"))


async def clean(desk):
    """Every connection is back, and none of them stands in a transaction."""
    async with asyncio.timeout(1):
        while not desk.free():  # noqa: ASYNC110 - a statement may still be being cancelled
            await asyncio.sleep(0.01)
    async with AsyncExitStack() as stack:
        for _ in range(desk.runtime.pool.get_max_size()):
            lent = await stack.enter_async_context(desk.runtime.pool.acquire(timeout=1))
            assert not lent.is_in_transaction()
            assert await lent.fetchval("SELECT 1") == 1


# Lone writes


async def test_a_lone_write_commits_itself_and_gives_its_connection_back(desk):
    async with desk.runtime.transaction() as tx:
        await tx.fetchrow("SELECT 1")
        assert desk.free()  # nothing is held while somebody outside is asked
        await tx.write(INSERT, uuid7(), "one")
        assert desk.free()
        assert await names(desk) == ["one"]


async def test_a_second_lone_write_is_refused(desk):
    async def twice():
        async with desk.runtime.transaction() as tx:
            await tx.write(INSERT, uuid7(), "one")
            await tx.write(INSERT, uuid7(), "two")

    with pytest.raises(RuntimeError):
        await twice()
    assert await names(desk) == ["one"]


@pytest.mark.parametrize("way", ["begin", "scalar", "add"])
async def test_after_a_lone_write_no_transaction_is_opened(desk, way):
    async with desk.runtime.transaction() as tx:
        await tx.write(INSERT, uuid7(), "one")
        ways = {
            "begin": tx.begin,
            "scalar": lambda: tx.scalar(select(Thing)),
            "add": lambda: tx.add(Thing(id=uuid7(), name="two")),
        }
        with pytest.raises(RuntimeError):
            await ways[way]()
    assert await names(desk) == ["one"]
    await clean(desk)


# The explicit transaction


async def test_all_that_is_written_in_the_explicit_transaction_goes_together(desk):
    async def both():
        async with desk.runtime.transaction(lone=False) as tx:
            await tx.write(INSERT, uuid7(), "by the driver")
            await tx.add(Thing(id=uuid7(), name="by the session"))
            inside = {row["name"] for row in await tx.fetch("SELECT name FROM desk.thing")}
            assert inside == {"by the driver", "by the session"}
            assert await names(desk) == []
            raise LookupError

    with pytest.raises(LookupError):
        await both()
    assert await names(desk) == []
    await clean(desk)


async def test_what_the_session_still_holds_is_written_at_the_commit(desk):
    async with desk.runtime.transaction() as tx:
        row = Thing(id=uuid7(), name="one")
        await tx.add(row)
        found = await tx.scalar(select(Thing).where(Thing.name == "one").with_for_update())
        assert found is row
        row.note = "changed at the commit"
        assert await names(desk) == []
    assert await desk.eye.fetchval("SELECT note FROM desk.thing") == "changed at the commit"
    await clean(desk)


async def test_after_a_statement_that_failed_everything_is_undone(desk):
    thing = uuid7()

    async def twice():
        async with desk.runtime.transaction(lone=False) as tx:
            await tx.write(INSERT, thing, "one")
            await tx.write(INSERT, thing, "two")

    with pytest.raises(asyncpg.UniqueViolationError):
        await twice()
    assert await names(desk) == []
    await clean(desk)


async def test_a_commit_that_fails_is_an_error_and_leaves_nothing(desk):
    async with desk.runtime.transaction() as tx:
        await tx.add(Thing(id=uuid7(), name="one"))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with desk.runtime.transaction() as tx:
            await tx.add(Thing(id=uuid7(), name="one"))
    assert await names(desk) == ["one"]
    await clean(desk)


# Whoever hangs up


async def test_what_has_begun_is_seen_through_however_often_it_is_cancelled():
    done = []

    async def work():
        await asyncio.sleep(0.1)
        done.append(True)

    task = asyncio.create_task(seen_through(work()))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_a_cancelled_lone_write_is_seen_through(desk):
    async def work():
        async with desk.runtime.transaction() as tx:
            await tx.write(SLOWLY, uuid7(), "one")

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(desk) == ["one"]
    await clean(desk)


async def test_a_cancelled_commit_is_seen_through(desk):
    await desk.eye.execute(
        """
        CREATE OR REPLACE FUNCTION desk.slowly() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.25); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON desk.thing
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION desk.slowly()
        """
    )

    async def work():
        async with desk.runtime.transaction() as tx:
            await tx.add(Thing(id=uuid7(), name="one"))

    async with desk.runtime.transaction() as tx:
        before = await tx.fetchrow("SELECT pg_backend_pid()")
    try:
        task = asyncio.create_task(work())
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        await desk.eye.execute("DROP TRIGGER slowly ON desk.thing")
    assert await names(desk) == ["one"]
    async with desk.runtime.transaction() as tx:
        assert await tx.fetchrow("SELECT pg_backend_pid()") == before  # it was not broken off
    await clean(desk)


async def test_cancelled_at_any_moment_it_is_all_or_nothing_and_no_connection_is_lost(desk, caplog):
    async def work(number):
        async with desk.runtime.transaction() as tx:
            await tx.fetchrow("SELECT 1")
            await tx.add(Thing(id=uuid7(), name=f"{number} by the session"))
            await tx.write(INSERT, uuid7(), f"{number} by the driver")

    await clean(desk)  # all connections are there: the driver is noisy when one is being made
    for number in range(120):
        task = asyncio.create_task(work(number))
        if number % 2:
            for _ in range(number // 2):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(number / 10_000)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # somebody is impatient
        with suppress(asyncio.CancelledError):
            await task
    found = await names(desk)
    assert 0 < len(found) < 240  # some were too late to be cancelled, some were not
    by_session = {name.split()[0] for name in found if name.endswith("session")}
    assert by_session == {name.split()[0] for name in found if name.endswith("driver")}
    assert not caplog.records  # the driver had nothing to put in order
    await clean(desk)


# Without a connection


async def test_where_every_connection_is_lent_the_caller_is_told_within_a_second(desk):
    async with AsyncExitStack() as stack:
        for _ in range(desk.runtime.pool.get_max_size()):
            await stack.enter_async_context(desk.runtime.pool.acquire())
        for way in ("fetchrow", "begin"):
            start = time.monotonic()
            with pytest.raises(PoolExhausted):
                async with desk.runtime.transaction() as tx:
                    await (tx.begin() if way == "begin" else tx.fetchrow("SELECT 1"))
            assert 0.9 < time.monotonic() - start < 1.5
    async with desk.runtime.transaction() as tx:
        assert (await tx.fetchrow("SELECT 1 AS one"))["one"] == 1
    await clean(desk)


async def test_a_connection_that_breaks_hides_nothing_of_what_went_wrong_first(desk):
    async def work():
        async with desk.runtime.transaction() as tx:
            await tx.begin()
            pid = (await tx.fetchrow("SELECT pg_backend_pid() AS pid"))["pid"]
            await desk.eye.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)  # the pool has noticed
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    await clean(desk)


@pytest.mark.parametrize("where", ["in the middle", "at the commit"])
async def test_a_connection_that_breaks_is_replaced(desk, where):
    async def work():
        async with desk.runtime.transaction() as tx:
            await tx.add(Thing(id=uuid7(), name="lost"))
            pid = (await tx.fetchrow("SELECT pg_backend_pid() AS pid"))["pid"]
            await desk.eye.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
            if where == "in the middle":
                await tx.write(INSERT, uuid7(), "lost too")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await work()
    assert await names(desk) == []
    await clean(desk)


async def test_closing_lets_what_is_in_hand_come_to_its_commit(desk):
    runtime = Runtime(desk.settings, service="desk", metadata=Base.metadata)
    await runtime.open()
    async with runtime.transaction() as tx:
        await tx.add(Thing(id=uuid7(), name="one"))
        closing = asyncio.create_task(runtime.close())
        await asyncio.sleep(0.05)
        with pytest.raises((asyncpg.InterfaceError, PoolExhausted)):
            async with runtime.transaction() as late:
                await late.fetchrow("SELECT 1")
    await asyncio.wait_for(closing, 1)
    assert await names(desk) == ["one"]
