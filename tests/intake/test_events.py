"""What intake does when it hears, in whatever order and however late: nothing is lost or undone.

Nothing runs by itself here: a test says when an event is heard and when a reminder fires.
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.intake import events
from services.intake.applications import actions
from services.intake.applications import events as own
from services.intake.applications.models import Application
from shared.cases import find
from shared.storage.outbox import Event, event_id
from shared.storage.timers import Timers
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.web.errors import CaseChanged
from tests import make
from tests.agency import Agency
from tests.journeys.registries import forget

PATH = "/v1/applications"
HEARS, TIMERS = {**own.HEARS, **events.HEARS}, own.TIMERS
DOCUMENTS = {"kinds": ["identity_card"], "reason": "تصویر کارت ملی ناخواناست"}
VISIT = {"reason_kind": "identity", "place_level": "county", "place": "تهران", "on": "2299-01-10"}


@pytest.fixture(scope="module")
async def agency(settings) -> AsyncIterator[Agency]:
    async with Agency(settings, loops=False) as still:
        since = await still.eye.fetchval("SELECT now()")
        yield still
        # What was told here was heard here: it is not for the agency of another test.
        await still.eye.execute(
            "UPDATE intake.outbox SET moved_at = now() WHERE written_at >= $1", since
        )
        await still.eye.execute(
            "DELETE FROM intake.timer WHERE subject_id IN"
            " (SELECT id FROM intake.application WHERE opened_at >= $1)",
            since,
        )


class Filed:
    """An application, and the desk that works on it."""

    def __init__(self, agency, person, *members, **more) -> None:
        self.agency, self.person, self.runtime = agency, person, agency.runtime("intake")
        self.body = make.livelihood(person, *members, **more)
        self.members = members

    async def file(self):
        await self.agency.known(self.person, *self.members)
        self.counter = await self.agency.caller("counter")
        self.officer = await self.agency.caller("intake_officer")
        answer = await self.counter.post(PATH, self.body)
        assert answer.status_code == 201, answer.text
        self.code = answer.json()["tracking_code"]
        self.id = (await self.row()).id
        return self

    async def step(self, action, body=None, *, by=None):
        answer = await (by or self.officer).post(f"{PATH}/{self.code}/{action}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def row(self) -> Application:
        async with self.runtime.transaction() as tx:
            found = await find(tx, Application, self.code)
        assert found is not None
        return found

    async def hear(self, topic):
        """The latest event of this topic is heard, as it was told."""
        told = await self.agency.eye.fetchrow(
            "SELECT * FROM intake.outbox WHERE topic = $1 AND subject_id = $2"
            " ORDER BY version DESC LIMIT 1",
            topic,
            self.id,
        )
        await self._heard(
            Event(
                id=told["event_id"], source="intake", topic=topic, subject_id=self.id,
                version=told["version"], payload=json.loads(told["payload"]), at=told["at"],
                trace=None,
            )
        )  # fmt: skip

    async def told(self, version, step, *, topic="livelihood.visited", **more):
        """The service told a step of its case."""
        payload = {
            "tracking_code": self.code, "step": step, "step_label": step, "status": step,
            "status_label": step, "role": "system", "facts": {}, "next_step": step,
            "waits_for": [], "clock": "run", "outcome": "open",
        } | more  # fmt: skip
        await self._heard(
            Event(
                id=event_id(uuid7(), version, topic), source="livelihood", topic=topic,
                subject_id=uuid4(), version=version, payload=payload,
                at=self.runtime.clock.now(), trace=None,
            )
        )  # fmt: skip

    async def _heard(self, event):
        async with self.runtime.transaction(lone=False) as tx:
            await HEARS[event.topic](tx, event)

    async def timers(self):
        rows = await self.agency.eye.fetch(
            "SELECT kind FROM intake.timer WHERE subject_id = $1 ORDER BY kind", self.id
        )
        return [row["kind"] for row in rows]

    async def fire(self, kind):
        """The time of a reminder has come."""
        moved = await self.agency.eye.execute(
            "UPDATE intake.timer SET due_at = $3 WHERE kind = $1 AND subject_id = $2",
            kind, self.id, self.runtime.clock.now() - timedelta(seconds=1),
        )  # fmt: skip
        assert moved == "UPDATE 1"
        await Timers(self.runtime, {kind: TIMERS[kind]}).run_once()


async def filed(agency, *members, **more):
    return await Filed(agency, make.Person(), *members, **more).file()


async def routed(agency):
    one = await filed(agency)
    await one.hear("application.submitted")
    assert (await one.row()).status == "routed"
    return one


async def silent(agency):
    """An application that came while the civil registry was away."""
    forget(agency)
    await agency.fault("civil-registry", "error")
    try:
        one = await filed(agency)
    finally:
        await agency.fault("civil-registry", "ok")
        forget(agency)
    assert ((await one.row()).identity, await one.timers()) == ("pending", ["finish_identity"])
    return one


@pytest.fixture
def asked(agency, monkeypatch):
    """Whether a connection was held, for each inquiry that went out."""
    runtime, held = agency.runtime("intake"), []

    def watched(ask):
        async def asking(*args, **more):
            held.append(runtime.pool.get_idle_size() < runtime.pool.get_size())
            return await ask(*args, **more)

        return asking

    for name in ("person", "relations", "owns"):
        monkeypatch.setattr(runtime.clients, name, watched(getattr(runtime.clients, name)))
    return held


# Nothing is held while somebody outside is asked


@pytest.mark.parametrize("topic", ["application.submitted", "application.resubmitted"])
async def test_no_connection_is_held_while_the_registry_is_asked(agency, asked, topic):
    one = await filed(agency)
    if topic == "application.resubmitted":
        await one.step("request-documents", DOCUMENTS)
        await one.step("resubmit")
    asked.clear()
    await one.hear(topic)
    assert (await one.row()).status == "routed"
    assert asked
    assert not any(asked)


async def test_no_connection_is_held_while_an_identity_is_asked_again(agency, asked):
    one = await silent(agency)
    asked.clear()
    await one.fire("finish_identity")
    assert ((await one.row()).identity, (await one.row()).status) == ("confirmed", "routed")
    assert len(asked) >= 3
    assert not any(asked)
    assert await one.timers() == []


# What an application waits for comes


async def test_a_second_request_for_papers_keeps_its_deadline(agency):
    one = await filed(agency)
    await one.step("request-documents", DOCUMENTS)
    await one.step("resubmit")
    await one.step("request-documents", DOCUMENTS)
    await one.hear("application.resubmitted")  # late: papers are missing again
    assert await one.timers() == ["expire", "remind_1", "remind_2"]
    await one.fire("remind_1")
    await one.fire("expire")
    assert (await one.row()).status == "expired"


async def test_reminders_of_papers_that_came_say_nothing(agency):
    one = await filed(agency)
    await one.step("request-documents", DOCUMENTS)
    await one.step("resubmit")
    await one.hear("application.resubmitted")
    before = (await one.row()).version
    for kind in await one.timers():
        await one.fire(kind)
    assert ((await one.row()).status, (await one.row()).version) == ("routed", before)


async def test_an_identity_that_waits_is_asked_although_papers_were_missing_meanwhile(agency):
    one = await silent(agency)
    await one.step("request-documents", DOCUMENTS)
    await one.fire("finish_identity")
    await one.step("resubmit")
    await one.hear("application.resubmitted")
    assert "finish_identity" in await one.timers()
    await one.fire("finish_identity")
    assert ((await one.row()).identity, (await one.row()).status) == ("confirmed", "routed")


async def test_who_was_invited_before_being_routed_is_routed_after_the_visit(agency):
    one = await filed(agency)
    await one.step("request-visit", VISIT)
    await one.hear("application.submitted")
    await one.step("record-visit", {"attended": True, "reason": "آمد"})
    assert (await one.row()).status == "submitted"
    await one.hear("application.visit_recorded")
    assert (await one.row()).status == "routed"


@pytest.mark.req("H03")
@pytest.mark.parametrize("stood", ["submitted", "incomplete"])
async def test_who_was_never_dead_goes_on_waiting_for_what_they_waited_for(agency, stood):
    one = await filed(agency)
    if stood == "incomplete":
        await one.step("request-documents", DOCUMENTS)
    await person(one, "person.died")
    assert (await one.row()).status == "closed_deceased"
    for kind in await one.timers():
        await one.fire(kind)
    await one.hear("application.submitted")
    await person(one, "person.death_reversed")
    assert (await one.row()).status == stood
    await one.hear("application.restored")
    if stood == "submitted":
        assert (await one.row()).status == "routed"
    else:
        late = "UPDATE intake.timer SET due_at = due_at + interval '5 days' WHERE kind = 'expire'"
        await agency.eye.execute(f"{late} AND subject_id = $1", one.id)
        await one.fire("remind_1")
        told = await agency.eye.fetchrow(
            "SELECT (o.payload->'facts'->>'due_on')::date AS told, t.due_at FROM intake.outbox o"
            " JOIN intake.timer t USING (subject_id)"
            " WHERE subject_id = $1 AND o.topic = 'application.reminded' AND t.kind = 'expire'",
            one.id,
        )
        assert told["told"] == tehran_date(told["due_at"])  # the day that holds now
        await one.fire("expire")
        assert (await one.row()).status == "expired"


async def person(one, topic):
    """Something happened to the applicant."""
    subject = (await one.row()).applicant_id
    event = Event(
        id=uuid4(), source="intake", topic=topic, subject_id=subject, version=2, payload={},
        at=one.runtime.clock.now(), trace=None,
    )  # fmt: skip
    await one._heard(event)


# The service's steps


async def test_a_step_told_late_goes_into_the_timeline_and_changes_nothing_else(agency):
    one = await routed(agency)
    await one.told(3, "record_visit")
    await one.told(2, "plan_visit")
    row = await one.row()
    assert (row.case_status, row.case_version) == ("record_visit", 3)
    steps = await agency.eye.fetch(
        "SELECT version FROM intake.case_step WHERE application_id = $1 ORDER BY version", one.id
    )
    assert [step["version"] for step in steps] == [2, 3]


@pytest.mark.req("LV-18")
async def test_a_confirmation_told_late_starts_coverage_all_the_same(agency):
    one = await routed(agency)
    await one.told(7, "ask_for_account", topic="livelihood.account_requested")
    await one.told(6, "confirm", topic="livelihood.confirmed", facts={"reason_code": "no_head"})
    covered = await agency.eye.fetchval(
        "SELECT count(*) FROM intake.coverage WHERE household_id = $1",
        (await one.row()).household_id,
    )
    assert covered == 1
    assert (await one.row()).case_version == 7


@pytest.mark.req("H10")
async def test_an_objection_does_not_open_a_second_application_beside_a_newer_one(agency):
    old = await routed(agency)
    await old.told(2, "refuse", outcome="refused")
    assert (await old.row()).status == "refused"
    newer = await Filed(agency, old.person).file()
    await old.told(3, "decide_objection")
    assert ((await old.row()).status, (await old.row()).case_version) == ("refused", 3)
    await newer.step("withdraw", {"reason": "متقاضی منصرف شده است"}, by=newer.counter)
    await old.told(4, "plan_visit")
    assert (await old.row()).status == "in_service"


@pytest.mark.req("H10", "H03")
async def test_a_newer_application_stays_the_open_one_after_a_false_death(agency):
    old = await routed(agency)
    await person(old, "person.died")
    newer = await Filed(agency, old.person).file()
    await person(old, "person.death_reversed")
    assert ((await old.row()).status, (await newer.row()).status) == (
        "closed_deceased",
        "submitted",
    )


async def test_nobody_is_covered_by_a_confirmation_that_came_after_the_withdrawal(agency):
    one = await routed(agency)
    await one.step("withdraw", {"reason": "متقاضی منصرف شده است"}, by=one.counter)
    await one.told(2, "confirm", topic="livelihood.confirmed")
    home = (await one.row()).household_id
    covered = "SELECT count(*) FROM intake.coverage WHERE household_id = $1"
    assert await agency.eye.fetchval(covered, home) == 0


@pytest.mark.req("X-06")
async def test_the_clock_of_an_ended_application_stays_ended(agency):
    one = await routed(agency)
    await one.step("withdraw", {"reason": "متقاضی منصرف شده است"}, by=one.counter)
    ended = (await one.row()).stopped_on
    assert ended is not None
    await one.told(2, "review")
    row = await one.row()
    assert (row.status, row.stopped_on, row.case_status) == ("withdrawn", ended, "review")


@pytest.mark.req("X-06")
async def test_the_clock_waits_for_papers_whatever_the_service_does_meanwhile(agency):
    one = await routed(agency)
    await one.step("request-documents", DOCUMENTS)
    paused = (await one.row()).paused_on
    assert paused is not None
    await one.told(2, "review")
    row = await one.row()
    assert (row.status, row.paused_on, row.case_status) == ("incomplete", paused, "review")


@pytest.mark.req("X-06")
async def test_the_clock_waits_where_the_service_waits(agency):
    one = await routed(agency)
    await one.told(1, "open")
    await one.told(2, "record_no_show", clock="pause")
    assert (await one.row()).paused_on is not None
    await one.told(3, "plan_visit")
    assert (await one.row()).paused_on is None


async def test_what_an_officer_did_meanwhile_is_not_undone_by_what_the_service_told(
    agency, monkeypatch
):
    one = await routed(agency)
    await one.told(1, "open")
    follow = actions.follow_clock

    async def slowly(tx, application, *args, **more):
        monkeypatch.setattr(actions, "follow_clock", follow)
        await one.step("request-documents", DOCUMENTS)
        return await follow(tx, application, *args, **more)

    monkeypatch.setattr(actions, "follow_clock", slowly)
    with pytest.raises(CaseChanged):
        await one.told(2, "review")
    row = await one.row()
    assert row.status == "incomplete"
    assert row.paused_on is not None
    assert row.case_status == "open"
    await one.told(2, "review")  # it comes again
    row = await one.row()
    assert (row.status, row.case_status) == ("incomplete", "review")
    assert row.paused_on is not None


@pytest.mark.req("X-06")
async def test_a_pause_says_for_whom_the_time_waited(agency):
    one = await routed(agency)
    await one.told(1, "open")
    await one.step("request-documents", DOCUMENTS)
    await one.step("resubmit")
    pause = await agency.eye.fetchrow(
        "SELECT * FROM intake.pause WHERE application_id = $1", one.id
    )
    assert pause["cause"] == "request_documents"
    assert pause["to_on"] is not None


# Who may see and decide


async def test_a_withdrawn_application_is_followed_as_withdrawn(agency):
    one = await routed(agency)
    await one.told(1, "open")
    await one.step("withdraw", {"reason": "متقاضی منصرف شده است"}, by=one.counter)
    asked = {"tracking_code": one.code, "mobile": one.person.mobile}
    shown = (await agency.nobody().post("/v1/follow", asked)).json()
    assert (shown["status"], shown["status_label"]) == ("withdrawn", "انصراف")
    assert shown["next_step"] is None


@pytest.mark.req("H51")
@pytest.mark.parametrize("way", ["later", "draft"])
async def test_a_relative_known_only_later_may_not_decide_either(agency, way):
    spouse = make.Person(sex="male")
    person = make.Person(spouse=spouse.national_code)
    await agency.known(spouse)
    one = Filed(agency, person, draft=way == "draft")
    if way == "later":
        forget(agency)
        await agency.fault("civil-registry", "error")
    try:
        await one.file()
    finally:
        await agency.fault("civil-registry", "ok")
        forget(agency)
    if way == "later":
        await one.fire("finish_identity")
    else:
        await one.step("submit", by=one.counter)
    index = one.runtime.crypto.index
    assert index(spouse.national_code) in (await one.row()).kin
    relative = await agency.caller("intake_officer", national_code=spouse.national_code)
    answer = await relative.post(f"{PATH}/{one.code}/request-documents", DOCUMENTS)
    assert (answer.status_code, answer.json()["code"]) == (403, "own_or_relative_case")


@pytest.mark.req("H09")
async def test_who_joined_another_household_meanwhile_has_their_application_go_on(agency):
    first = await filed(agency)
    await first.step("request-documents", DOCUMENTS)
    later = await Filed(agency, make.Person(), first.person).file()
    await agency.eye.execute(
        "UPDATE intake.application SET submitted_at = submitted_at - interval '9 days'"
        " WHERE id = $1",
        first.id,
    )
    await later.hear("application.submitted")
    await first.step("resubmit")
    await first.hear("application.resubmitted")
    homes = {(await one.row()).household_id for one in (first, later)}
    assert (await first.row()).status == "routed"
    assert len(homes) == 1
