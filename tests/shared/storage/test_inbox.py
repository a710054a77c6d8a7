"""Heard once and in order, whatever dies, stalls or fails in between."""

import asyncio
import itertools
import os
import signal
import sys
from uuid import uuid4

import pytest

from shared.storage import loop
from shared.storage.inbox import Inbox
from shared.storage.loop import STUCK_AFTER, delay_s, said_of
from shared.storage.outbox import tell
from shared.web.errors import StepNotAllowed

TOPIC = "loans.approved"


def leaving(agency, who=""):
    """A handler that leaves one effect for each event."""

    async def handler(tx, event):
        await agency.leave(tx, event.subject_id, version=event.version, who=who)

    return handler


async def test_an_event_is_handled_once_and_with_all_it_says(agency):
    seen = []

    async def handler(tx, event):
        seen.append(event)
        await agency.leave(tx, event.subject_id)

    subject = await agency.tell(TOPIC, version=4, case_id="17", tracking_code="SH-0123456789")
    await agency.courier().move_once()
    inbox = Inbox(agency.hearer, {TOPIC: handler})
    assert await inbox.run_once() == 1
    assert await inbox.run_once() == 0
    (event,) = seen
    assert (event.source, event.topic, event.subject_id, event.version) == (
        *("giver", TOPIC),
        *(subject, 4),
    )
    assert event.payload == {"case_id": "17", "tracking_code": "SH-0123456789"}
    assert event.at.tzinfo is not None
    assert await agency.effects() == [(subject, 0)]


async def test_an_event_that_is_delivered_again_is_handled_once(agency):
    subject = await agency.tell(TOPIC)
    inbox, courier = Inbox(agency.hearer, {TOPIC: leaving(agency)}), agency.courier()
    for _ in range(3):
        await courier.move_once()
        await inbox.run_once()
        await agency.eye.execute("UPDATE giver.outbox SET moved_at = NULL")
    assert await agency.effects() == [(subject, 1)]


@pytest.mark.req("X-09")
async def test_coverage_events_doubled_and_disordered_have_their_effect_once_and_in_order(agency):
    person = uuid4()
    topics = {1: "coverage.started", 2: "person.married", 3: "coverage.ended"}
    courier = agency.courier()
    for version in (3, 1, 2):
        await agency.tell(topics[version], subject=person, version=version, to=("hearer", "third"))
    for _ in range(2):
        await courier.move_once()
        await agency.eye.execute("UPDATE giver.outbox SET moved_at = NULL")
    for service in ("hearer", "third"):
        handlers = dict.fromkeys(topics.values(), leaving(agency))
        inbox = Inbox(agency.services[service], handlers)
        for _ in range(5):
            await inbox.run_once()
        rows = await agency.eye.fetch(
            f"SELECT subject_id, version FROM {service}.effect ORDER BY at"
        )
        assert [tuple(row) for row in rows] == [(person, 1), (person, 2), (person, 3)]


async def test_effect_and_mark_go_together(agency):
    async def handler(tx, event):
        await agency.leave(tx, event.subject_id)
        await tell(tx, "a.b", subject_id=event.subject_id, version=1, payload={}, hearers=[])
        raise ValueError("the national code 0499370899 is in this sentence")

    subject = await agency.deliver(TOPIC)
    await Inbox(agency.hearer, {TOPIC: handler}).run_once()
    row = await agency.inbox_row(subject)
    assert (row["done_at"], row["attempts"], row["last_error"]) == (None, 1, "ValueError")
    assert 0 < row["due_in"] <= 0.25
    assert await agency.count("hearer.outbox") == 0
    assert await agency.effects() == []
    await agency.leases_run_out()
    await Inbox(agency.hearer, {TOPIC: leaving(agency)}).run_once()
    row = await agency.inbox_row(subject)
    assert row["done_at"] is not None
    assert row["last_error"] is None
    assert await agency.effects() == [(subject, 1)]


async def test_events_of_a_subject_are_handled_in_the_order_of_their_versions(agency):
    subjects = [uuid4() for _ in range(3)]
    for version in (4, 2, 5, 1, 3):
        for subject in subjects:
            await agency.deliver(TOPIC, subject=subject, version=version)
    crew = [
        Inbox(runtime, {TOPIC: leaving(agency)})
        for runtime in (agency.hearer, await agency.twin("hearer"))
    ]
    async with agency.running(crew[0]), agency.running(crew[1]):
        await agency.until(lambda: agency.count("hearer.effect HAVING count(*) >= 15"))
    effects = await agency.effects()
    assert len(effects) == 15
    for subject in subjects:
        assert [version for who, version in effects if who == subject] == [1, 2, 3, 4, 5]


async def test_a_later_event_is_not_even_started_while_an_earlier_one_is_in_hand(agency):
    subject = uuid4()
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx, event):
        started.set()
        await go_on.wait()
        await leaving(agency)(tx, event)

    for version in (1, 2):
        await agency.deliver(TOPIC, subject=subject, version=version)
    first = asyncio.create_task(Inbox(agency.hearer, {TOPIC: slow}).run_once())
    await started.wait()
    assert await Inbox(await agency.twin("hearer"), {TOPIC: leaving(agency)}).run_once() == 0
    go_on.set()
    await first
    assert await agency.effects() == [(subject, 1)]


async def test_different_subjects_are_handled_together(agency):
    everybody = asyncio.Barrier(4)

    async def handler(tx, event):
        await everybody.wait()
        await leaving(agency)(tx, event)

    for _ in range(4):
        await agency.deliver(TOPIC)
    await asyncio.wait_for(Inbox(agency.hearer, {TOPIC: handler}, at_once=4).run_once(), 5)
    assert len(await agency.effects()) == 4


async def test_no_more_than_so_many_at_once(agency):
    inside = itertools.count(1)
    most, now = 0, 0

    async def handler(_tx, _event):
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002 * next(inside))
        now -= 1

    for _ in range(8):
        await agency.deliver(TOPIC)
    assert await Inbox(agency.hearer, {TOPIC: handler}, at_once=2).run_once() == 8
    assert most == 2


async def test_a_slow_event_holds_one_place_only(agency):
    go_on = asyncio.Event()
    await agency.deliver("slow.told")
    async with agency.running(
        Inbox(
            agency.hearer,
            {"slow.told": lambda *_: go_on.wait(), TOPIC: leaving(agency)},
            at_once=2,
        )
    ):
        await asyncio.sleep(0.05)
        for _ in range(3):
            await agency.deliver(TOPIC)
        await agency.until(lambda: agency.count("hearer.effect HAVING count(*) = 3"))
        assert await agency.count("hearer.inbox WHERE done_at IS NULL") == 1
        go_on.set()


async def test_a_poisonous_event_holds_up_its_own_subject_only(agency):
    async def poison(_tx, _event):
        raise StepNotAllowed(current_status="closed")

    sick = await agency.deliver("poison.told", version=1)
    await agency.deliver(TOPIC, subject=sick, version=2)
    healthy = [await agency.deliver(TOPIC) for _ in range(3)]
    inbox = Inbox(agency.hearer, {TOPIC: leaving(agency), "poison.told": poison})
    for _ in range(3):
        await inbox.run_once()
        await agency.leases_run_out()
    assert {subject for subject, _ in await agency.effects()} == set(healthy)
    row = await agency.inbox_row(sick)
    assert (row["attempts"], row["last_error"]) == (3, "StepNotAllowed:step_not_allowed")


async def test_a_poisonous_event_is_tried_once_a_minute_and_counted(agency):
    async def poison(_tx, _event):
        raise OSError

    sick = await agency.deliver(TOPIC)
    inbox = Inbox(agency.hearer, {TOPIC: poison})
    assert await inbox.stuck() == 0
    await agency.eye.execute("UPDATE hearer.inbox SET attempts = $1", STUCK_AFTER - 1)
    assert await inbox.stuck() == 0
    await inbox.run_once()
    assert await inbox.stuck() == 1
    row = await agency.inbox_row(sick)
    assert 45 < row["due_in"] <= 72


def test_delays_double_up_to_a_minute():
    means = [sum(delay_s(attempt) for _ in range(200)) / 200 for attempt in range(1, 40)]
    assert 0.16 <= delay_s(1) <= 0.24
    assert means == sorted(means[:9]) + means[9:]
    assert all(48 <= delay_s(attempt) <= 72 for attempt in (10, 20, 5000))


def test_a_failure_is_named_without_its_words():
    class Wrapped(Exception):
        def __init__(self, orig):
            self.orig = orig

    class Lock(Exception):
        sqlstate = "55P03"

    class Careless(Exception):
        def __init__(self, code):
            super().__init__(code)
            self.code = self.sqlstate = code

    assert said_of(Lock("0499370899")) == "Lock:55P03"
    assert said_of(Wrapped(Lock())) == "Wrapped:55P03"
    assert said_of(Careless("0499370899")) == "Careless"


async def test_a_topic_that_nobody_handles_is_done(agency):
    subject = await agency.deliver("a.b")
    await Inbox(agency.hearer, {}).run_once()
    assert (await agency.inbox_row(subject))["done_at"] is not None


MORTAL = """
import asyncio, os, signal, sys
from pathlib import Path
from shared.running.settings import Settings
from shared.storage.db import Runtime
from shared.storage.inbox import Inbox
from shared.storage.tables import service_metadata

async def handler(tx, event):
    await tx.write("INSERT INTO hearer.effect (subject_id, who) VALUES ($1, 'mortal')",
                   event.subject_id)
    print("dying", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = Settings(_env_file=None, env="test", data_dir=Path(sys.argv[1]),
                        run_dir=Path(sys.argv[2]), database_url=sys.stdin.read())
    runtime = Runtime(settings, service="hearer", metadata=service_metadata("hearer"))
    await runtime.open()
    await Inbox(runtime, {"loans.approved": handler}).run_once()

asyncio.run(main())
"""


async def test_killed_between_claim_and_done_it_comes_again_and_counts_once(agency):
    subject = await agency.deliver(TOPIC)
    settings = agency.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MORTAL, str(settings.data_dir), str(settings.run_dir)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."},
    )
    said, _ = await asyncio.wait_for(process.communicate(settings.database_url.encode()), 30)
    assert (said, process.returncode) == (b"dying\n", -signal.SIGKILL)
    assert await agency.effects() == []
    inbox = Inbox(agency.hearer, {TOPIC: leaving(agency, "heir")})
    assert await inbox.run_once() == 0, "the lease of the dead still holds"
    row = await agency.inbox_row(subject)
    assert 20 < row["due_in"] <= 30
    await agency.leases_run_out()
    assert await inbox.run_once() == 1
    assert await agency.effects("heir") == await agency.effects() == [(subject, 1)]


async def test_a_zombie_with_an_old_fence_writes_nothing(agency):
    written, go_on = asyncio.Event(), asyncio.Event()

    async def zombie(tx, event):
        await agency.leave(tx, event.subject_id, who="zombie")
        written.set()
        await go_on.wait()

    subject = await agency.deliver(TOPIC)
    asleep = asyncio.create_task(Inbox(agency.hearer, {TOPIC: zombie}).run_once())
    await written.wait()
    await agency.leases_run_out()
    heir = Inbox(await agency.twin("hearer"), {TOPIC: leaving(agency, "heir")})
    assert await heir.run_once() == 1
    go_on.set()
    await asleep
    assert await agency.effects() == await agency.effects("heir") == [(subject, 1)]
    row = await agency.inbox_row(subject)
    assert (row["fence"], row["attempts"], row["last_error"]) == (2, 2, None)


async def test_a_zombie_that_fails_does_not_put_off_what_another_has(agency):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def zombie(_tx, _event):
        started.set()
        await go_on.wait()
        raise OSError

    subject = await agency.deliver(TOPIC)
    asleep = asyncio.create_task(Inbox(agency.hearer, {TOPIC: zombie}).run_once())
    await started.wait()
    await agency.leases_run_out()
    heir = Inbox(await agency.twin("hearer"), {TOPIC: leaving(agency)})
    (claimed,) = await heir._claim(1)
    go_on.set()
    await asleep
    row = await agency.inbox_row(subject)
    assert row["fence"] == claimed.fence == 2
    assert row["due_in"] > 20
    assert row["last_error"] is None


async def test_a_handler_ends_with_its_lease(agency, monkeypatch):
    async def endless(tx, event):
        await agency.leave(tx, event.subject_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "LEASE_S", 0.2)
    subject = await agency.deliver(TOPIC)
    await asyncio.wait_for(Inbox(agency.hearer, {TOPIC: endless}).run_once(), 2)
    assert await agency.effects() == []
    assert (await agency.inbox_row(subject))["last_error"] == "TimeoutError"


async def test_stopping_finishes_what_is_in_hand_and_gives_back_the_rest(agency):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handler(tx, event):
        started.set()
        await go_on.wait()
        await leaving(agency)(tx, event)

    for _ in range(3):
        await agency.deliver(TOPIC)
    inbox = Inbox(agency.hearer, {TOPIC: handler}, at_once=1)
    running = asyncio.create_task(inbox.run())
    await started.wait()
    inbox.stop()
    go_on.set()
    await asyncio.wait_for(running, 5)
    assert len(await agency.effects()) == 1
    given_back = "hearer.inbox WHERE done_at IS NULL AND due_at <= now() AND attempts = 0"
    assert await agency.count(given_back) == 2


async def test_the_inbox_outlives_a_lost_database(agency):
    first = await agency.deliver(TOPIC)
    async with agency.running(Inbox(agency.hearer, {TOPIC: leaving(agency)})):
        await agency.until(agency.effects)
        assert await agency.hang_up_on("soha_hearer") > 0
        second = await agency.deliver(TOPIC)
        await agency.until(lambda: agency.count("hearer.effect HAVING count(*) = 2"))
    assert await agency.effects() == [(first, 1), (second, 1)]


async def test_a_poke_wakes_the_inbox(agency, monkeypatch):
    monkeypatch.setattr(loop, "BUSY_S", 30)  # left alone, it would rest so long
    poke = asyncio.Event()
    async with agency.running(Inbox(agency.hearer, {TOPIC: leaving(agency)}, poke=poke)):
        await asyncio.sleep(0.1)
        await agency.deliver(TOPIC)
        await asyncio.sleep(0.1)
        assert await agency.effects() == []
        poke.set()
        await agency.until(agency.effects)


async def test_what_would_start_late_in_its_lease_is_given_back(agency, monkeypatch):
    async def slow(tx, event):
        await leaving(agency)(tx, event)
        await asyncio.sleep(0.6)

    monkeypatch.setattr(loop, "LEASE_S", 1.0)
    for _ in range(2):
        await agency.deliver(TOPIC)
    inbox = Inbox(agency.hearer, {TOPIC: slow}, at_once=1)
    assert await inbox.run_once() == 2
    assert len(await agency.effects()) == 1
    assert await agency.count("hearer.inbox WHERE due_at <= now() AND attempts = 0") == 1
