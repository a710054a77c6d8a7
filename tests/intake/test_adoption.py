"""A case that a service began gets its application, unless the person has applied meanwhile."""

import json
from collections.abc import AsyncIterator

import pytest

from services.intake.events import on_case_step
from shared.storage.outbox import Event
from tests import make
from tests.agency import Agency
from tests.intake.quiet import quiet


@pytest.fixture(scope="module")
async def agency(settings) -> AsyncIterator[Agency]:
    async with quiet(settings) as still:
        yield still
        await still.eye.execute("UPDATE livelihood.outbox SET moved_at = now()")


@pytest.fixture
async def begun(agency):
    """Somebody for whom livelihood has begun a case, and what it told of it."""
    person = make.Person()
    await agency.known(person)
    worker = await agency.caller("social_worker")
    body = {
        "national_code": person.national_code,
        "reason": "no_head",
        "source": {"kind": "inspection", "reference": "I-1"},
        "address": {"county": "تهران", "text": "خیابان شوش"},
    }
    answer = await worker.post("/v1/livelihood/identifications", body)
    assert answer.status_code == 201, answer.text
    row = await agency.eye.fetchrow(
        "SELECT * FROM livelihood.outbox WHERE payload->>'tracking_code' = $1",
        answer.json()["tracking_code"],
    )
    event = Event(
        row["event_id"], "livelihood", row["topic"], row["subject_id"], row["version"],
        json.loads(row["payload"]), row["at"], None,
    )  # fmt: skip
    return person, event


async def heard(agency, event):
    async with agency.runtime("intake").transaction(lone=False) as tx:
        await on_case_step(tx, event)


async def application(agency, code):
    return await agency.eye.fetchrow(
        "SELECT * FROM intake.application WHERE tracking_code = $1", code
    )


@pytest.mark.req("LV-30")
async def test_the_application_has_its_case_household_clock_and_office(agency, begun):
    person, event = begun
    await heard(agency, event)
    row = await application(agency, event.payload["tracking_code"])
    assert (row["status"], row["case_status"]) == ("in_service", "identified")
    assert row["household_id"] is not None
    assert row["due_on"] is not None
    assert (row["province"], row["office_code"]) == ("Tehran", "T-1")
    assert person.national_code.encode() not in row["content"]
    follow = await agency.nobody().post(
        "/v1/follow", {"tracking_code": row["tracking_code"], "mobile": make.mobile()}
    )
    assert follow.status_code == 404


@pytest.mark.req("LV-30", "H10")
async def test_who_has_applied_meanwhile_keeps_their_own_and_the_other_case_ends(agency, begun):
    person, event = begun
    counter = await agency.caller("counter")
    filed = await counter.post("/v1/applications", make.livelihood(person))
    assert filed.status_code == 201, filed.text
    await heard(agency, event)
    assert await application(agency, event.payload["tracking_code"]) is None
    told = await agency.eye.fetchrow(
        "SELECT topic, hearers FROM intake.outbox WHERE payload->>'tracking_code' = $1",
        event.payload["tracking_code"],
    )
    assert tuple(told) == ("application.withdrawn", ["livelihood"])


async def test_a_step_of_a_case_that_nobody_knows_is_still_nobodys(agency, begun):
    _, event = begun
    event.payload["tracking_code"] = "SH-0000000000"
    other = Event(
        event.id, "livelihood", "livelihood.visited", event.subject_id, 3, event.payload,
        event.at, None,
    )  # fmt: skip
    await heard(agency, other)
    assert await application(agency, "SH-0000000000") is None
