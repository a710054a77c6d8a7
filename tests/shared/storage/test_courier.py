"""From commit to the hearer's inbox: never lost, never twice, through loss of the database."""

import asyncio
import statistics
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from shared.running.settings import SERVICES
from shared.storage.courier import Courier, must_know
from shared.storage.outbox import event_id, hearers_of, outbox_values, tell
from shared.topics import TOPICS

DUE = "giver.outbox WHERE moved_at IS NULL"


def test_the_same_change_tells_the_same_event():
    subject = uuid4()
    assert event_id(subject, 3, "loans.approved") == event_id(subject, 3, "loans.approved")
    others = {event_id(subject, 4, "loans.approved"), event_id(subject, 3, "loans.refused")}
    assert len({*others, event_id(uuid4(), 3, "loans.approved")}) == 3


async def test_rollback_leaves_no_event(agency):
    async def told_and_failed():
        async with agency.giver.transaction() as tx:
            await tell(tx, "a.b", subject_id=uuid4(), version=1, payload={}, hearers=["hearer"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await told_and_failed()
    assert await agency.count("giver.outbox") == 0
    await agency.tell("a.b")
    assert await agency.count(DUE) == 1


async def test_one_change_cannot_tell_twice(agency):
    subject = await agency.tell("a.b", version=1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await agency.tell("a.b", subject=subject, version=1)


async def test_each_hearer_gets_the_event_and_nobody_else(agency):
    subject = await agency.tell("a.b", version=7, to=("hearer", "giver"), case_id="42")
    assert await agency.courier().move_once() == 1
    for schema in ("hearer", "giver"):
        row = await agency.eye.fetchrow(f"SELECT * FROM {schema}.inbox")
        told = await agency.eye.fetchrow("SELECT * FROM giver.outbox")
        assert (row["source"], row["subject_id"], row["version"]) == ("giver", subject, 7)
        for name in ("event_id", "topic", "payload", "trace", "at"):
            assert row[name] == told[name]
        assert row["done_at"] is None
    assert await agency.count("third.inbox") == 0
    assert await agency.count(DUE) == 0


async def test_an_event_that_nobody_hears_leaves_the_outbox(agency):
    await agency.tell(to=())
    assert await agency.courier().move_once() == 1
    assert await agency.count(DUE) == 0


async def test_moving_again_leaves_the_inbox_as_it_is(agency):
    await agency.tell()
    courier = agency.courier()
    await courier.move_once()
    await agency.eye.execute("UPDATE hearer.inbox SET done_at = now(), attempts = 3")
    await agency.eye.execute("UPDATE giver.outbox SET moved_at = NULL")
    assert await courier.move_once() == 1
    row = await agency.eye.fetchrow("SELECT done_at, attempts FROM hearer.inbox")
    assert row["done_at"] is not None
    assert row["attempts"] == 3


async def test_two_couriers_at_once_move_each_event_once(agency):
    rows = [
        outbox_values(
            "a.b",
            subject_id=uuid4(),
            version=1,
            payload={},
            at=agency.giver.clock.now(),
            trace=None,
            hearers=["hearer", "third"],
        )
        for _ in range(600)
    ]
    await agency.eye.executemany(
        "INSERT INTO giver.outbox (event_id, topic, subject_id, version, hearers, payload, at) "
        "VALUES ($1, 'a.b', $2, 1, $3, '{}', $4)",
        [(row["event_id"], row["subject_id"], row["hearers"], row["at"]) for row in rows],
    )

    async def carry(courier):
        moved = 0
        while await agency.count(DUE):
            moved += await courier.move_once()
        return moved

    moved = await asyncio.gather(*(carry(agency.courier(batch=40)) for _ in range(2)))
    assert sum(moved) == 600
    assert await agency.count("hearer.inbox") == await agency.count("third.inbox") == 600


async def test_a_courier_waits_while_another_works_on_the_same_outbox(agency):
    # Two batches of one outbox at once could overtake each other within a subject.
    await agency.tell()
    courier = agency.courier()
    async with agency.eye.acquire() as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('giver.outbox', 0))")
        assert await courier.move_once() == 0
    assert await courier.move_once() == 1


async def test_they_go_in_the_order_in_which_they_were_written_whatever_the_business_clock_says(
    agency,
):
    for seconds, topic in ((30, "first.done"), (10, "second.done"), (20, "third.done")):
        agency.move_clock(seconds)
        await agency.tell(topic)
    courier = agency.courier(batch=2)
    await courier.move_once()
    topics = {row["topic"] for row in await agency.eye.fetch("SELECT topic FROM hearer.inbox")}
    assert topics == {"first.done", "second.done"}


async def test_a_topic_for_an_unknown_hearer_is_refused_at_the_start(agency):
    must_know(["loans"], {"a.b": ["loans"]})
    with pytest.raises(LookupError, match="stranger"):
        agency.courier(heard_by={"a.b": ["hearer", "stranger"]})


def test_every_topic_of_the_agency_is_heard_by_services_that_exist():
    topic, declared = next((name, topic) for name, topic in TOPICS.items() if topic.heard_by)
    assert hearers_of(topic) == sorted(declared.heard_by)
    Courier("", SERVICES)
    with pytest.raises(LookupError, match="not installed"):
        Courier("", [name for name in SERVICES if name not in declared.heard_by])
    with pytest.raises(LookupError, match="not among the topics"):
        hearers_of("nobody.declared")


async def test_an_event_for_a_stranger_waits_and_holds_nobody_up(agency):
    await agency.tell("a.b", to=("hearer", "stranger"))
    await agency.tell("c.d")
    assert await agency.courier(batch=1).move_once() == 1
    assert await agency.eye.fetchval("SELECT topic FROM hearer.inbox") == "c.d"
    assert await agency.count(DUE) == 1


async def test_a_schema_in_trouble_does_not_silence_the_others(agency):
    await agency.tell(to=("third",))
    async with agency.hearer.transaction() as tx:
        await tell(tx, "c.d", subject_id=uuid4(), version=1, payload={}, hearers=["giver"])
    await agency.eye.execute("ALTER TABLE giver.outbox RENAME COLUMN trace TO gone")
    courier = agency.courier()
    try:
        assert await courier.move_once() == 1
        assert await agency.count("giver.inbox") == 1
    finally:
        await agency.eye.execute("ALTER TABLE giver.outbox RENAME COLUMN gone TO trace")
    courier._ailing.clear()
    assert await courier.move_once() == 1
    assert await agency.count("third.inbox") == 1


async def test_the_courier_may_touch_outbox_and_inbox_and_nothing_else(agency):
    courier = await asyncpg.connect(agency.settings.dsn("courier"))
    try:
        for forbidden in (
            "SELECT payload FROM hearer.inbox",
            "UPDATE hearer.inbox SET done_at = now()",
            "DELETE FROM hearer.inbox",
            "UPDATE giver.outbox SET payload = '{}'",
            "SELECT FROM giver.timer",
            "SELECT FROM giver.effect",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await courier.execute(forbidden)
    finally:
        await courier.close()


async def test_the_courier_outlives_a_lost_database(agency):
    async with agency.running(agency.courier()):
        await agency.tell()
        await agency.until(lambda: agency.count("hearer.inbox"))
        assert await agency.hang_up_on("soha_courier") == 1
        await agency.tell()
        await agency.until(lambda: agency.count("hearer.inbox HAVING count(*) = 2"))


async def test_a_stopped_courier_hangs_up(agency):
    mine = "pg_stat_activity WHERE usename = 'soha_courier'"
    async with agency.running(agency.courier()):
        await agency.until(lambda: agency.count(mine))
    await agency.until(lambda: agency.eye.fetchval(f"SELECT count(*) = 0 FROM {mine}"))


async def waits(agency, courier, *, events):
    """Milliseconds between commit and inbox, as the hearer sees them."""
    found = []
    async with agency.running(courier):
        await asyncio.sleep(0.3)
        for number in range(events):
            await agency.tell(f"told.{number}")
            told_at = await agency.eye.fetchval("SELECT clock_timestamp()")
            await asyncio.sleep(0.11 + number * 0.007)
            moved_at = await agency.eye.fetchval(
                "SELECT received_at FROM hearer.inbox WHERE topic = $1", f"told.{number}"
            )
            assert moved_at is not None
            found.append((moved_at - told_at) / timedelta(milliseconds=1))
    return found


async def test_an_event_is_there_within_a_tenth_of_a_second(agency):
    found = await waits(agency, agency.courier(), events=12)
    assert statistics.median(found) <= 100
    assert max(found) <= 1000


async def test_a_poked_courier_comes_at_once_and_wakes_the_hearer(agency):
    poke, heard, other = asyncio.Event(), asyncio.Event(), asyncio.Event()
    agency.giver.poke = poke
    courier = agency.courier(poke=poke, wake={"hearer": heard, "third": other})
    found = await waits(agency, courier, events=7)
    assert statistics.median(found) <= 25
    assert heard.is_set()
    assert not other.is_set()


async def test_only_events_moved_long_ago_are_pruned(agency):
    for topic in ("old.moved", "new.moved", "old.due"):
        await agency.tell(topic)
    await agency.eye.execute(
        "UPDATE giver.outbox SET at = now() - interval '60 days', moved_at = CASE topic "
        "WHEN 'old.moved' THEN now() - interval '8 days' WHEN 'new.moved' THEN now() END"
    )
    assert await agency.courier().prune() == 1
    left = await agency.eye.fetch("SELECT topic FROM giver.outbox ORDER BY topic")
    assert [row["topic"] for row in left] == ["new.moved", "old.due"]
