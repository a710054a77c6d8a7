"""Due by the business clock, fired once, and never in the way of the requests."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.dialects.postgresql import insert

from shared.storage.timers import Timers, forget, remind, staged, timer_values

KIND = "loans.late"
HOUR = timedelta(hours=1)


def leaving(agency, who=""):
    async def handler(tx, timer):
        await agency.leave(tx, timer.subject_id, who=who)

    return handler


async def set_one(agency, *, kind=KIND, subject=None, after=-HOUR):
    subject = subject or uuid4()
    async with agency.hearer.transaction() as tx:
        await remind(tx, kind, subject_id=subject, due_at=tx.now + after)
    return subject


async def left(agency):
    return await agency.eye.fetch("SELECT * FROM hearer.timer ORDER BY due_at")


async def test_a_reminder_fires_once_when_it_is_due(agency):
    seen = []

    async def handler(tx, timer):
        seen.append(timer)
        await agency.leave(tx, timer.subject_id)

    subject = await set_one(agency)
    await set_one(agency, after=HOUR)
    timers = Timers(agency.hearer, {KIND: handler})
    assert await timers.run_once() == 1
    assert await timers.run_once() == 0
    (timer,) = seen
    assert (timer.kind, timer.subject_id, timer.attempts) == (KIND, subject, 1)
    assert agency.hearer.clock.now() - timer.due_at >= HOUR
    assert await agency.effects() == [(subject, 0)]
    assert len(await left(agency)) == 1


async def test_only_what_is_due_at_once_wakes_the_loop(agency):
    await set_one(agency, after=HOUR)
    assert not agency.hearer.due.is_set()
    await set_one(agency)
    assert agency.hearer.due.is_set()


async def test_a_jump_of_the_business_clock_fires_what_it_passed(agency):
    subject = await set_one(agency, after=timedelta(days=40))
    async with agency.running(Timers(agency.hearer, {KIND: leaving(agency)})):
        await asyncio.sleep(0.1)
        assert await agency.effects() == []
        agency.move_clock(timedelta(days=41).total_seconds())
        await agency.until(agency.effects)
    assert await agency.effects() == [(subject, 0)]


async def test_rollback_leaves_no_reminder(agency):
    async def reminded_and_failed():
        async with agency.hearer.transaction() as tx:
            await remind(tx, KIND, subject_id=uuid4(), due_at=tx.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await reminded_and_failed()
    assert await left(agency) == []


async def test_there_is_one_reminder_of_a_kind_for_a_subject(agency):
    subject = await set_one(agency)
    await set_one(agency, subject=subject, after=HOUR)
    timers = Timers(agency.hearer, {KIND: leaving(agency)})
    assert await timers.run_once() == 0
    async with agency.hearer.transaction() as tx:
        await forget(tx, KIND, subject_id=subject)
    assert await left(agency) == []


async def test_the_values_of_a_reminder_replace_one_that_failed(agency):
    subject = await set_one(agency)
    await agency.eye.execute(
        "UPDATE hearer.timer SET attempts = 9, leased_until = now(), fence = 9"
    )
    due_at = agency.hearer.clock.now() + HOUR
    values = timer_values(KIND, subject_id=subject, due_at=due_at)
    async with agency.hearer.transaction() as tx:
        row = insert(tx.tables.timer).values(values)
        await tx.execute(row.on_conflict_do_update(constraint="pk_timer", set_=values))
    (row,) = await left(agency)
    assert (row["due_at"], row["leased_until"], row["attempts"]) == (due_at, None, 0)
    assert row["fence"] == 9


async def test_two_runners_fire_each_reminder_once(agency):
    subjects = {await set_one(agency) for _ in range(40)}
    runners = [
        Timers(runtime, {KIND: leaving(agency)})
        for runtime in (agency.hearer, await agency.twin("hearer"))
    ]
    async with agency.running(runners[0]), agency.running(runners[1]):
        await agency.until(lambda: agency.count("hearer.effect HAVING count(*) >= 40"))
    effects = await agency.effects()
    assert len(effects) == 40
    assert {subject for subject, _ in effects} == subjects


async def test_what_fails_leaves_no_effect_and_comes_again(agency):
    async def failing(tx, timer):
        await agency.leave(tx, timer.subject_id)
        raise ValueError("about 0499370899")

    subject = await set_one(agency)
    other = await set_one(agency, kind="loans.other")
    handlers = {KIND: failing, "loans.other": leaving(agency)}
    timers = Timers(agency.hearer, handlers)
    assert await timers.run_once() == 2
    assert await agency.effects() == [(other, 0)]
    (row,) = await left(agency)
    assert (row["subject_id"], row["attempts"], row["last_error"]) == (subject, 1, "ValueError")
    assert await timers.run_once() == 0
    await agency.leases_run_out()
    await Timers(agency.hearer, {KIND: leaving(agency)}).run_once()
    assert await agency.effects() == [(other, 0), (subject, 0)]
    assert await left(agency) == []


async def test_what_fails_again_and_again_is_counted(agency):
    await set_one(agency)
    timers = Timers(agency.hearer, {})
    assert await timers.stuck() == 0
    await agency.eye.execute("UPDATE hearer.timer SET attempts = 20")
    assert await timers.stuck() == 1


async def test_a_kind_without_a_handler_waits_for_one(agency):
    await set_one(agency)
    assert await Timers(agency.hearer, {"loans.other": leaving(agency)}).run_once() == 0
    assert (await left(agency))[0]["attempts"] == 0


async def test_a_handler_may_set_its_reminder_again(agency):
    async def again(tx, timer):
        await agency.leave(tx, timer.subject_id)
        await remind(tx, timer.kind, subject_id=timer.subject_id, due_at=timer.due_at + 2 * HOUR)

    subject = await set_one(agency)
    timers = Timers(agency.hearer, {KIND: again})
    assert await timers.run_once() == 1
    assert await timers.run_once() == 0
    (row,) = await left(agency)
    assert (row["leased_until"], row["attempts"]) == (None, 0)
    agency.move_clock(timedelta(hours=2).total_seconds())
    assert await timers.run_once() == 1
    assert await agency.effects() == [(subject, 0)] * 2


async def test_a_handler_may_forget_its_reminder(agency):
    async def forgetting(tx, timer):
        await agency.leave(tx, timer.subject_id)
        await forget(tx, timer.kind, subject_id=timer.subject_id)

    subject = await set_one(agency)
    await Timers(agency.hearer, {KIND: forgetting}).run_once()
    assert await agency.effects() == [(subject, 0)]
    assert await left(agency) == []


@pytest.mark.parametrize("change", ["forgotten", "set_anew"])
async def test_what_a_request_changed_after_the_claim_does_not_fire(agency, change):
    subject = await set_one(agency)
    timers = Timers(agency.hearer, {KIND: leaving(agency)})
    (claimed,) = await timers._claim(1)
    if change == "forgotten":
        async with agency.hearer.transaction() as tx:
            await forget(tx, KIND, subject_id=subject)
    else:
        await set_one(agency, subject=subject, after=HOUR)
    await timers._crew._places.acquire()
    await timers._crew._one(claimed, asyncio.get_running_loop().time() + 5)
    assert await agency.effects() == []
    assert len(await left(agency)) == (0 if change == "forgotten" else 1)


@pytest.mark.parametrize("ending", ["leaves", "sets_anew", "forgets"])
async def test_a_zombie_and_its_heir_have_their_effect_once(agency, ending):
    written, go_on = asyncio.Event(), asyncio.Event()

    async def zombie(tx, timer):
        await agency.leave(tx, timer.subject_id, who="zombie")
        written.set()
        await go_on.wait()
        if ending == "sets_anew":
            await remind(tx, KIND, subject_id=timer.subject_id, due_at=timer.due_at + 9 * HOUR)
        elif ending == "forgets":
            await forget(tx, KIND, subject_id=timer.subject_id)

    subject = await set_one(agency)
    asleep = asyncio.create_task(Timers(agency.hearer, {KIND: zombie}).run_once())
    await written.wait()
    await agency.leases_run_out()
    heir = Timers(await agency.twin("hearer"), {KIND: leaving(agency, "heir")})
    assert await heir.run_once() == 1
    assert await agency.effects() == [], "the heir must wait until the zombie has let go"
    go_on.set()
    await asleep
    # With the reminder gone there is nothing left to inherit: then the effect is the zombie's.
    assert len(await agency.effects()) == (1 if ending == "forgets" else 0)
    await agency.leases_run_out()
    await heir.run_once()
    winner = "zombie" if ending == "forgets" else "heir"
    assert await agency.effects() == await agency.effects(winner) == [(subject, 0)]
    assert await left(agency) == []


async def test_a_request_that_holds_its_case_and_sets_the_reminder_never_deadlocks(agency):
    subject = uuid4()
    await agency.eye.execute("INSERT INTO hearer.effect VALUES ($1, 1, 'case')", subject)
    change = "UPDATE hearer.effect SET version = version + 1 WHERE subject_id = $1 RETURNING 1"
    started = asyncio.Event()

    async def handler(tx, timer):
        started.set()
        await tx.write(change, timer.subject_id)

    await set_one(agency, subject=subject)
    async with agency.hearer.transaction() as tx:
        await tx.begin()
        await tx.write(change, subject)
        firing = asyncio.create_task(Timers(agency.hearer, {KIND: handler}).run_once())
        await started.wait()
        await asyncio.sleep(0.1)  # the handler waits for the case by now
        await remind(tx, KIND, subject_id=subject, due_at=tx.now + HOUR)
    await firing
    assert await agency.effects() == [(subject, 3)]
    assert (await left(agency))[0]["attempts"] == 0


async def test_a_staged_handler_commits_by_itself_and_its_reminder_ends_after_it(agency):
    seen = []

    @staged
    async def handler(runtime, timer):
        for version in (1, 2):
            async with runtime.transaction() as tx:
                await agency.leave(tx, timer.subject_id, version=version)
            seen.append(len(await agency.effects()))
        assert len(await left(agency)) == 1

    subject = await set_one(agency)
    timers = Timers(agency.hearer, {KIND: handler})
    assert await timers.run_once() == 1
    assert seen == [1, 2]
    assert await agency.effects() == [(subject, 1), (subject, 2)]
    assert await left(agency) == []


async def test_a_staged_handler_that_fails_is_called_again(agency):
    @staged
    async def handler(runtime, timer):
        async with runtime.transaction() as tx:
            await agency.leave(tx, timer.subject_id, version=timer.attempts)
        if timer.attempts == 1:
            raise OSError

    subject = await set_one(agency)
    timers = Timers(agency.hearer, {KIND: handler})
    await timers.run_once()
    assert (await left(agency))[0]["last_error"] == "OSError"
    await agency.leases_run_out()
    await timers.run_once()
    assert await agency.effects() == [(subject, 1), (subject, 2)]
    assert await left(agency) == []


async def test_a_staged_handler_may_set_its_reminder_again(agency):
    @staged
    async def handler(runtime, timer):
        async with runtime.transaction() as tx:
            await remind(tx, timer.kind, subject_id=timer.subject_id, due_at=tx.now + HOUR)

    await set_one(agency)
    await Timers(agency.hearer, {KIND: handler}).run_once()
    (row,) = await left(agency)
    assert row["due_at"] > agency.hearer.clock.now()
    assert row["leased_until"] is None


async def test_the_timers_outlive_a_lost_database(agency):
    await set_one(agency)
    async with agency.running(Timers(agency.hearer, {KIND: leaving(agency)})):
        await agency.until(agency.effects)
        assert await agency.hang_up_on("soha_hearer") > 0
        async with (await agency.twin("hearer")).transaction() as tx:
            await remind(tx, KIND, subject_id=uuid4(), due_at=tx.now)
        await agency.until(lambda: agency.count("hearer.effect HAVING count(*) = 2"))
