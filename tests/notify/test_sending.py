"""Sending: what the phones show, whatever breaks between us and the provider (FX3)."""

import asyncio
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest

from services.notify import actions
from services.notify.channels.sms import Receipt
from shared.storage import policy
from shared.values.calendar import TEHRAN
from shared.web.clients import PartyUnavailable
from shared.web.errors import StepNotAllowed

TOPIC = "livelihood.confirmed"


async def queued(post, **more):
    """A person who has one message waiting."""
    person = post.person(**more)
    await post.deliver(TOPIC, person)
    await post.hear()
    assert (await post.notice(person))["status"] == "queued"
    return person


async def killed_when(post, condition):
    """Start sending and kill the runner when the condition holds, as a power cut would."""
    sending = asyncio.create_task(post.send())
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 - another process is the cause
            await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await post.leases_run_out()


class Forgetful:
    """A provider that takes every message as a new one."""

    name, dedupes = "forgetful", False

    def __init__(self, *, found):
        self.found, self.sent = found, []

    async def send(self, ref, *, mobile, text):
        self.sent.append((ref, mobile, text))
        raise PartyUnavailable(self.name)

    async def status(self, _):
        return Receipt("7") if self.found else None

    async def aclose(self):
        """Nothing to close."""


@pytest.fixture
def providers(post, monkeypatch):
    def use(*chosen):
        monkeypatch.setattr(post.runtime.clients, "sms", chosen)

    return use


# Between the provider and our commit


async def test_killed_after_the_provider_accepted_it_is_sent_once(post):
    person = await queued(post)
    await post.fault("accepted_then_timeout")
    await killed_when(post, lambda: post.phone(person))
    assert (await post.notice(person))["status"] == "sending"
    await post.fault("ok")
    await post.send()
    notice = await post.notice(person)
    assert (notice["status"], notice["attempts"]) == ("sent", 1)
    assert notice["provider_ref"] is not None
    assert len(await post.phone(person)) == 1
    assert await post.history(notice) == ["queue", "start_sending", "record_sent"]


async def test_killed_before_the_provider_heard_of_it_it_is_still_sent_once(post):
    person = await queued(post)
    await post.fault("timeout")

    async def under_way():
        return (await post.notice(person))["status"] == "sending"

    await killed_when(post, under_way)
    assert await post.phone(person) == []
    await post.fault("ok")
    await post.send()
    notice = await post.notice(person)
    assert (notice["status"], notice["attempts"]) == ("sent", 2)
    assert len(await post.phone(person)) == 1


@pytest.mark.parametrize("mode", ["accepted_then_timeout", "timeout", "error", "slow"])
async def test_a_provider_that_is_ill_gets_it_again_and_sends_it_once(post, mode):
    person = await queued(post)
    await post.fault(mode)
    await post.send()
    notice = await post.notice(person)
    assert notice["status"] == "sending"
    timer = await post.timer(notice)
    assert timer["last_error"].startswith("PartyUnavailable")
    await post.fault("ok")
    await asyncio.sleep(3 if mode == "slow" else 0)  # it may be accepted after we gave up
    await post.leases_run_out()
    await post.send()
    assert (await post.notice(person))["status"] == "sent"
    assert len(await post.phone(person)) == 1
    assert await post.timer(notice) is None


async def test_a_runner_that_slept_past_its_lease_changes_nothing(post):
    person = await queued(post)
    notice = await post.notice(person)
    timer = await post.timer(notice)
    slow, _ = await actions._take(post.runtime, _as_timer(timer))
    await post.send()
    with pytest.raises(StepNotAllowed):
        await actions._sent(post.runtime, slow, Receipt("1"))
    with pytest.raises(RuntimeError):
        await actions._again(post.runtime, slow)
    assert len(await post.phone(person)) == 1
    assert (await post.notice(person))["status"] == "sent"


def _as_timer(row):
    return actions.Timer(row["kind"], row["subject_id"], row["due_at"], 1)


@pytest.mark.parametrize(("found", "status"), [(True, "sent"), (False, "unknown")])
async def test_a_provider_that_does_not_deduplicate_never_gets_it_twice(
    post, providers, found, status
):
    provider = Forgetful(found=found)
    providers(provider)
    person = await queued(post)
    for _ in range(3):
        await post.send()
        await post.leases_run_out()
    notice = await post.notice(person)
    assert (notice["status"], notice["attempts"]) == (status, 1)
    assert len(provider.sent) == 1
    assert provider.sent[0][0] == str(notice["id"])
    assert len(await post.items(person)) == 1


# What the provider refuses


async def test_a_blacklisted_number_fails_and_nothing_waits_for_it(post):
    blocked, other = post.person(), post.person()
    await post.sandbox.put(f"/sms-blacklist/{blocked.mobile}", json={"blocked": True})
    await post.tell(TOPIC, blocked, other)
    notice = await post.notice(blocked)
    assert (notice["status"], notice["error_code"]) == ("failed", "115")
    assert await post.timer(notice) is None
    assert (await post.history(notice))[-1] == "record_failure"
    assert len(await post.items(blocked)) == 1
    assert len(await post.phone(other)) == 1
    await post.tell("livelihood.activated", other)
    assert len(await post.phone(other)) == 2


async def test_an_account_without_credit_is_tried_again_and_given_up_after_a_day(post):
    person = await queued(post, mobile="09000000002")
    await post.send()
    notice = await post.notice(person)
    assert (notice["status"], notice["error_code"], notice["attempts"]) == ("queued", "418", 1)
    timer = await post.timer(notice)
    wait = timer["due_at"] - post.runtime.clock.now()
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)
    post.later(timedelta(minutes=11))
    await post.send()
    assert (await post.notice(person))["attempts"] == 2
    post.later(timedelta(hours=25))
    await post.send()
    notice = await post.notice(person)
    assert (notice["status"], notice["attempts"]) == ("failed", 3)
    assert await post.timer(notice) is None
    assert len(await post.items(person)) == 1


async def test_a_silence_of_a_day_goes_to_people_not_to_the_phone(post):
    person = await queued(post)
    await post.fault("timeout")
    await post.send()
    post.later(timedelta(hours=25))
    await post.leases_run_out()
    await post.send()
    notice = await post.notice(person)
    assert notice["status"] == "unknown"
    assert await post.timer(notice) is None
    await post.fault("ok")
    await post.leases_run_out()
    await post.send()
    assert await post.phone(person) == []


# Hours


@pytest.fixture
async def quiet_nights(post):
    """Hours as in production, on days that no other test reaches."""
    async with post.runtime.transaction() as tx:
        with suppress(policy.PolicyExists):
            await policy.put(
                tx,
                "notify.sms.hours",
                {"demo": {"from": "07:00", "to": "22:00"}},
                effective_from=date(2027, 6, 1),
                source_ref="a test's own hours",
                confidence="H",
            )


@pytest.mark.usefixtures("quiet_nights")
async def test_what_is_told_at_night_reaches_the_portal_at_once_and_the_phone_in_the_morning(post):
    post.at(datetime(2027, 6, 1, 23, 30, tzinfo=TEHRAN))
    person = await queued(post)
    await post.send()
    assert len(await post.items(person)) == 1
    assert await post.phone(person) == []
    notice = await post.notice(person)
    assert notice["status"] == "queued"
    morning = datetime(2027, 6, 2, 7, tzinfo=TEHRAN)
    assert (await post.timer(notice))["due_at"] == morning
    post.at(morning + timedelta(minutes=1))
    await post.send()
    assert len(await post.phone(person)) == 1


@pytest.mark.usefixtures("quiet_nights")
async def test_what_the_provider_missed_in_the_evening_is_not_sent_again_at_night(post):
    post.at(datetime(2027, 6, 3, 21, 59, tzinfo=TEHRAN))
    person = await queued(post)
    await post.fault("timeout")
    await post.send()
    assert (await post.notice(person))["status"] == "sending"
    await post.fault("ok")
    post.at(datetime(2027, 6, 4, 3, tzinfo=TEHRAN))
    await post.leases_run_out()
    await post.send()
    assert await post.phone(person) == []
    post.at(datetime(2027, 6, 4, 7, 1, tzinfo=TEHRAN))
    await post.send()
    assert (await post.notice(person))["status"] == "sent"
    assert len(await post.phone(person)) == 1
