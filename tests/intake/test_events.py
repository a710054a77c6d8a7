"""What a service tells of its case, in whatever order: nothing is lost, nothing is undone."""

from collections.abc import AsyncIterator

import pytest

from services.intake.applications import actions
from shared.web.errors import CaseChanged
from tests.agency import Agency
from tests.intake.quiet import DOCUMENTS, Filed, person, quiet, routed


@pytest.fixture(scope="module")
async def agency(settings) -> AsyncIterator[Agency]:
    async with quiet(settings) as still:
        yield still


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


@pytest.mark.req("LV-34", "H26")
@pytest.mark.parametrize("known", [True, False], ids=["its application", "a case beside it"])
@pytest.mark.parametrize(("goes_on", "still"), [("ends", 0), ("stays", 1)])
async def test_in_an_emergency_a_household_is_covered_and_after_it_only_what_goes_on(
    agency, known, goes_on, still
):
    one = await routed(agency)
    home = (await one.row()).household_id
    more = {"household_id": str(home)} | ({} if known else {"tracking_code": "SH-BESIDE"})
    standing = "SELECT count(*) FROM intake.coverage WHERE household_id = $1 AND ended_on IS NULL"
    await one.told(5, "grant_emergency", topic="livelihood.emergency_granted", **more)
    assert await agency.eye.fetchval(standing, home) == 1
    facts = {"coverage": goes_on}
    await one.told(6, "end_emergency", topic="livelihood.emergency_ended", facts=facts, **more)
    assert await agency.eye.fetchval(standing, home) == still


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
