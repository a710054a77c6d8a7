"""Somebody who never asked: found by a worker, invited, visited, and supported like any other."""

import asyncio
import json
from uuid import uuid4

import pytest

from tests import make
from tests.journeys.test_widow import CONFIRM, VISIT

PATH = "/v1/livelihood/identifications"
STEPS = (
    ("social_worker", "review", {}),
    ("social_worker", "plan-visit", {"visit_on": "2299-02-10"}),
    ("social_worker", "record-visit", VISIT),
    ("approver", "confirm", CONFIRM),
)


@pytest.fixture
async def widow(agency):
    """A widow with a child whom the agency does not know."""
    person = make.Person()
    child = make.child(person)
    await agency.known(person, child)
    return person, child


def found(person, *members, **more):
    return {
        "national_code": person.national_code,
        "reason": "no_head",
        "source": {"kind": "field_visit", "reference": "T-1/1405/318"},
        "address": {"county": "تهران", "postal_code": "1311675319", "text": "خیابان شوش، پلاک ۳"},
        "members": [one.national_code for one in members],
        "mobile": person.mobile,
    } | more


async def identified(agency, *people, **more):
    worker = await agency.caller("social_worker")
    answer = await worker.post(PATH, found(*people, **more))
    assert answer.status_code == 201, answer.text
    await agency.settled()
    return answer.json()


async def case(agency, code):
    return (await (await agency.caller("approver")).get(f"/v1/livelihood/cases/{code}")).json()


async def walked(agency, code, *steps):
    for role, action, body in steps:
        who = await agency.caller(role)
        answer = await who.post(f"/v1/livelihood/cases/{code}/{action}", body)
        assert answer.status_code == 200, (action, answer.text)
    await agency.settled()


async def refused(agency, *people, **more):
    worker = await agency.caller("social_worker")
    answer = await worker.post(PATH, found(*people, **more))
    return answer.status_code, answer.json()["code"]


@pytest.mark.req("LV-30")
async def test_a_case_without_a_request_reaches_review_and_ends_as_any_other(agency, widow):
    person, child = widow
    shown = await identified(agency, person, child)
    code = shown["tracking_code"]
    assert (shown["status"], shown["origin"], shown["members"]) == ("identified", "identified", 2)

    citizen = await agency.citizen(person)
    application = (await citizen.get(f"/v1/applications/{code}")).json()
    assert (application["status"], application["case_status"]) == ("in_service", "identified")
    assert application["due_on"] is not None
    timeline = [(one["service"], one["step"]) for one in application["timeline"]]
    assert sorted(timeline) == [("intake", "adopt"), ("livelihood", "identify")]
    (item,) = (await citizen.get("/v1/inbox")).json()["items"]
    assert item["topic"] == "livelihood.identified"
    assert len(await agency.sms(person.mobile)) == 1

    await walked(agency, code, *STEPS)
    waits = await case(agency, code)
    assert (waits["status"], waits["account_state"]) == ("confirmed", "not_found")
    answer = await citizen.post(
        f"/v1/livelihood/cases/{code}/correct-account", {"sheba": person.sheba}
    )
    assert answer.status_code == 200, answer.text
    await agency.settled()
    done = await case(agency, code)
    assert (done["status"], done["account_state"]) == ("active", "verified")
    application = (await citizen.get(f"/v1/applications/{code}")).json()
    assert (application["status"], application["case_status"]) == ("closed", "active")


@pytest.mark.req("LV-30", "X-12")
async def test_who_found_the_household_does_not_decide_about_it(agency, widow):
    both = await agency.caller(
        "social_worker", roles=["social_worker", "approver"], sub="finds-and-decides"
    )
    answer = await both.post(PATH, found(*widow))
    assert answer.status_code == 201, answer.text
    await agency.settled()
    code = answer.json()["tracking_code"]
    await walked(agency, code, *STEPS[:3])
    no = await both.post(f"/v1/livelihood/cases/{code}/confirm", CONFIRM)
    assert (no.status_code, no.json()["code"]) == (403, "separation_of_duties")


@pytest.mark.req("LV-30")
async def test_a_source_is_mandatory(agency, widow):
    worker = await agency.caller("social_worker")
    for source in (None, {"kind": "field_visit"}, {"kind": "rumour", "reference": "1"}):
        body = found(*widow)
        body["source"] = source
        if source is None:
            del body["source"]
        answer = await worker.post(PATH, body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/source")
    approver = await agency.caller("approver")
    assert (await approver.post(PATH, found(*widow))).status_code == 403


@pytest.mark.req("LV-30")
async def test_who_has_a_case_an_application_or_an_award_is_refused_without_saying_which(
    agency, widow
):
    person, child = widow
    neutral = (409, "identification_not_possible")
    await identified(agency, person, child)
    assert await refused(agency, person, child) == neutral
    asked = make.Person()
    await agency.known(asked)
    counter = await agency.caller("counter")
    filed = await counter.post("/v1/applications", make.livelihood(asked))
    assert filed.status_code == 201
    assert await refused(agency, asked) == neutral
    again = await counter.post("/v1/applications", make.livelihood(person, child))
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_open_request")


async def test_eight_workers_find_the_same_household_and_there_is_one_case(agency, widow):
    workers = [await agency.caller("social_worker") for _ in range(8)]
    answers = await asyncio.gather(*(one.post(PATH, found(*widow)) for one in workers))
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(201) == 1
    assert set(codes) <= {201, 409, 503}
    await agency.settled()


async def test_the_same_key_gives_the_same_case_even_while_a_registry_is_silent(agency, widow):
    worker, key = await agency.caller("social_worker"), str(uuid4())
    first = await worker.post(PATH, found(*widow), key=key)
    await agency.fault("civil-registry", "error")
    try:
        again = await worker.post(PATH, found(*widow), key=key)
        stranger = make.Person()
        away = await worker.post(PATH, found(stranger))
    finally:
        await agency.fault("civil-registry", "ok")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert away.status_code == 503
    await agency.settled()


async def test_whom_the_registries_do_not_confirm_is_not_identified(agency, widow):
    person, child = widow
    unknown, dead = make.Person(), make.Person(alive=False)
    await agency.known(dead)
    wrong = (422, "invalid_input")
    assert await refused(agency, unknown) == wrong
    assert await refused(agency, dead) == wrong
    assert await refused(agency, person, child, mobile=make.mobile()) == wrong
    nowhere = {"county": "ناکجا", "text": "خیابان شوش"}
    assert await refused(agency, person, child, address=nowhere) == wrong


@pytest.mark.req("LV-30")
async def test_whoever_was_found_may_withdraw(agency, widow):
    shown = await identified(agency, *widow)
    code = shown["tracking_code"]
    citizen = await agency.citizen(widow[0])
    body = {"reason": "نیازی به خدمت ندارم"}
    answer = await citizen.post(f"/v1/applications/{code}/withdraw", body)
    assert answer.status_code == 200, answer.text
    await agency.settled()
    assert (await case(agency, code))["status"] == "withdrawn"
    assert (await identified(agency, *widow))["status"] == "identified"


@pytest.mark.req("LV-31")
async def test_the_award_of_an_identified_household_is_handed_over_and_stands_in_the_access_log(
    agency, widow
):
    person, child = widow
    filed = await (await agency.caller("counter")).post(
        "/v1/applications", make.livelihood(person, child)
    )
    code = filed.json()["tracking_code"]
    await agency.settled()
    await walked(agency, code, *STEPS)
    assert (await case(agency, code))["status"] == "active"
    await agency.eye.execute(
        "UPDATE livelihood.handover_row SET status = 'dropped'"
        " WHERE handover_id IS NULL AND tracking_code <> $1", code
    )  # fmt: skip
    batch = (await (await agency.caller("operator")).post("/v1/livelihood/handovers")).json()
    await agency.settled()
    ministry = await agency.caller("ministry")
    seen = (await ministry.get(f"/v1/livelihood/handovers/{batch['handover_id']}")).json()
    assert (seen["state"], seen["rows"]) == ("accepted", 1)
    said = {"rows": [{"reference": seen["items"][0]["reference"], "outcome": "acknowledged"}]}
    path = f"/v1/livelihood/handovers/{batch['handover_id']}/acknowledge"
    assert (await ministry.post(path, said)).json()["accepted"] == 1
    await agency.settled()
    taken = (await agency.sandbox.get("/subsidies/batches", params={"limit": 1000})).json()
    (sent,) = [one for one in taken["items"] if one["reference"] == batch["handover_id"]]
    assert sent["rows"][0]["nationalId"] == person.national_code
    person_id = await agency.eye.fetchval(
        "SELECT id FROM intake.person WHERE code_index = $1",
        agency.runtime("intake").crypto.index(person.national_code),
    )
    looked = await agency.eye.fetch(
        "SELECT body, purpose, what FROM intake.access WHERE pseudonym = $1 ORDER BY what",
        agency.runtime("intake").crypto.pseudonym(person_id),
    )
    assert [tuple(one) for one in looked] == [
        ("subsidies", "handover", "livelihood.handover.read"),
        ("subsidies", "handover", "livelihood.handover.sent"),
    ]


@pytest.mark.req("LV-30")
async def test_what_eligibility_hands_over_becomes_a_case_with_its_source(agency, widow):
    person, _ = widow
    counter = await agency.caller("counter")
    filed = (await counter.post("/v1/applications", make.livelihood(person))).json()
    await agency.settled()
    body = {"reason": "منصرف شدم"}
    await (await agency.citizen(person)).post(
        f"/v1/applications/{filed['tracking_code']}/withdraw", body
    )
    await agency.settled()
    person_id, handed = filed["applicant"]["person_id"], uuid4()
    for version in (5, 6):  # told twice, there is one case
        await agency.eye.execute(
            "INSERT INTO livelihood.inbox (event_id, source, topic, subject_id, version, payload,"
            " at) VALUES (gen_random_uuid(), 'eligibility', 'eligibility.handed_over', $1, $2, $3,"
            " now())",
            handed, version,
            json.dumps({"person_ids": [person_id], "tracking_code": "SH-EL1G1B1L1T"}),
        )  # fmt: skip
        await agency.settled()
    cases = await agency.eye.fetch(
        'SELECT status, source_kind, source_ref FROM livelihood."case"'
        " WHERE subject_id = $1::text::uuid AND origin = 'identified'",
        person_id,
    )
    assert [tuple(one) for one in cases] == [("identified", "eligibility", "SH-EL1G1B1L1T")]
