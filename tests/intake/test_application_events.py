"""What an application waits for comes, in whatever order and however late; none is forgotten."""

from collections.abc import AsyncIterator

import pytest

from shared.values.calendar import tehran_date
from tests import make
from tests.agency import Agency
from tests.intake.quiet import DOCUMENTS, PATH, VISIT, Filed, filed, person, quiet, routed, silent
from tests.journeys.registries import forget


@pytest.fixture(scope="module")
async def agency(settings) -> AsyncIterator[Agency]:
    async with quiet(settings) as still:
        yield still


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
