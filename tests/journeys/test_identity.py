"""Who asks is who they say: the registries are asked, now or when they are back."""

import json
from contextlib import asynccontextmanager
from datetime import date, timedelta

import pytest

from shared.storage import policy
from tests import make
from tests.journeys import registries
from tests.journeys.registries import faulty

PATH = "/v1/applications"


async def known(agency, **more):
    person = make.Person(**more)
    await agency.known(person)
    return person


async def refused(agency, body, *, pointer, code):
    """The application is refused for this reason at this place, and nothing of it is kept."""
    counter = await agency.caller("counter")
    before = await rows(agency)
    answer = await counter.post(PATH, body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "invalid_input"
    assert (pointer, code) in {(fault["pointer"], fault["code"]) for fault in problem["errors"]}
    assert body["applicant"]["national_code"] not in answer.text
    assert await rows(agency) == before
    return problem


async def rows(agency):
    """How much intake holds in all."""
    tables = ("application", "person", "history", "audit", "outbox", "timer", "idempotency")
    asked = ", ".join(f"(SELECT count(*) FROM intake.{table})" for table in tables)
    await agency.settled()
    return tuple(await agency.eye.fetchrow(f"SELECT {asked}"))


async def view(agency, person, code):
    citizen = await agency.citizen(person)
    answer = await citizen.get(f"{PATH}/{code}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def topics(agency, person):
    citizen = await agency.citizen(person)
    answer = await citizen.get("/v1/inbox")
    assert answer.status_code == 200, answer.text
    return [item["topic"] for item in answer.json()["items"]]


def years_ago(years):
    today = date.today()  # noqa: DTZ011 - an age of many years
    return today.replace(year=today.year - years, day=1) - timedelta(days=40)


@pytest.mark.req("H12")
async def test_a_mobile_of_somebody_else_is_refused(agency):
    person, other = await known(agency), await known(agency)
    body = make.livelihood(person)
    body["applicant"]["mobile"] = other.mobile
    problem = await refused(agency, body, pointer="/applicant/mobile", code="mobile_not_owned")
    assert other.mobile not in json.dumps(problem)


@pytest.mark.req("H12")
async def test_a_birth_date_that_the_registry_does_not_know_is_refused(agency):
    person = await known(agency)
    body = make.livelihood(person)
    body["applicant"]["birth_on"] = "1981-03-03"
    await refused(agency, body, pointer="/applicant", code="identity_mismatch")


@pytest.mark.req("H12")
async def test_a_code_that_belongs_to_nobody_is_refused(agency):
    nobody = make.Person()
    await refused(agency, make.livelihood(nobody), pointer="/applicant", code="identity_mismatch")


async def test_who_has_died_asks_for_nothing(agency):
    person = await known(agency, alive=False, died_on=date(2026, 4, 1))
    await refused(
        agency,
        make.livelihood(person),
        pointer="/applicant/national_code",
        code="person_deceased",
    )


@pytest.mark.req("H12")
async def test_everything_that_is_wrong_is_said_at_once(agency):
    person, other = await known(agency, alive=False), await known(agency)
    body = make.livelihood(person)
    body["applicant"]["mobile"] = other.mobile
    problem = await refused(
        agency, body, pointer="/applicant/national_code", code="person_deceased"
    )
    assert {fault["code"] for fault in problem["errors"]} == {
        "person_deceased", "mobile_not_owned",
    }  # fmt: skip


@pytest.mark.req("H65")
async def test_a_minor_needs_a_guardian_whose_mobile_it_is(agency):
    mother = make.Person()
    minor = make.child(mother)
    minor.birth_on = years_ago(12)
    stranger = make.Person()
    await agency.known(mother, minor, stranger)
    body = make.livelihood(minor)
    body["applicant"]["mobile"] = mother.mobile
    body["details"]["sheba"] = mother.sheba
    await refused(agency, body, pointer="/proof", code="guardian_required")

    body["proof"] = {"kind": "guardian", "value": "not a national code"}
    await refused(agency, body, pointer="/proof", code="guardian_required")

    body["proof"] = {"kind": "guardian", "value": mother.national_code}
    body["applicant"]["mobile"] = stranger.mobile
    await refused(agency, body, pointer="/applicant/mobile", code="mobile_not_owned")

    body["applicant"]["mobile"] = mother.mobile
    counter = await agency.caller("counter")
    answer = await counter.post(PATH, body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["identity"] == "confirmed"
    await agency.settled()
    assert await agency.sms(mother.mobile)


@pytest.mark.req("H65")
async def test_a_day_before_majority_and_the_day_itself(agency):
    today = agency.runtime("intake").clock.today()
    majority = today.replace(year=today.year - 18)
    almost = await known(agency, birth_on=majority + timedelta(days=1))
    grown = await known(agency, birth_on=majority)
    await refused(agency, make.livelihood(almost), pointer="/proof", code="guardian_required")
    counter = await agency.caller("counter")
    answer = await counter.post(PATH, make.livelihood(grown))
    assert answer.status_code == 201, answer.text


@pytest.mark.req("H12")
async def test_silent_registries_cost_nobody_the_application(agency):
    person = await known(agency)
    counter = await agency.caller("counter")
    async with faulty(agency):
        answer = await counter.post(PATH, make.livelihood(person))
        assert answer.status_code == 201, answer.text
        code = answer.json()["tracking_code"]
        assert answer.json()["identity"] == "pending"
        await registries.ask_now(agency, code)  # and they are still silent
        await agency.settled()
        shown = await view(agency, person, code)
        assert (shown["status"], shown["identity"]) == ("submitted", "pending")
    await registries.ask_now(agency, code)
    await agency.settled()
    shown = await view(agency, person, code)
    assert (shown["status"], shown["identity"]) == ("in_service", "confirmed")
    steps = [entry["step"] for entry in shown["timeline"]]
    assert steps[:3] == ["submit", "finish_identity", "route"], steps
    assert (await topics(agency, person)).count("application.routed") == 1


@pytest.mark.req("H12")
async def test_a_mobile_found_to_be_another_s_later_ends_the_application(agency):
    person, other = await known(agency), await known(agency)
    body = make.livelihood(person)
    body["applicant"]["mobile"] = other.mobile
    counter = await agency.caller("counter")
    async with faulty(agency, "shahkar"):
        answer = await counter.post(PATH, body)
    assert (answer.status_code, answer.json()["identity"]) == (201, "pending"), answer.text
    code = answer.json()["tracking_code"]
    await agency.settled()
    told_before = await agency.sms(other.mobile)
    await registries.ask_now(agency, code)
    await agency.settled()
    shown = await view(agency, person, code)
    assert (shown["status"], shown["identity"]) == ("refused", "refused")
    assert shown["timeline"][-1]["step"] == "refuse_identity"
    assert (await topics(agency, person)).count("application.identity_refused") == 1
    # The number has turned out to be a stranger's: the refusal is not told to it.
    assert await agency.sms(other.mobile) == told_before
    again = await counter.post(PATH, make.livelihood(person))
    assert again.status_code == 201, again.text


@pytest.mark.req("H12")
async def test_policy_may_take_nothing_while_a_registry_is_silent(agency):
    person = await known(agency)
    counter = await agency.caller("counter")
    async with refusing(agency, "intake.inquiry.civil_registry"):
        async with faulty(agency, "civil-registry"):
            before = await rows(agency)
            answer = await counter.post(PATH, make.livelihood(person))
            assert answer.status_code == 503
            assert answer.json()["code"] == "registry_unavailable"
            assert int(answer.headers["retry-after"]) > 0
            assert await rows(agency) == before
        answer = await counter.post(PATH, make.livelihood(person))
        assert answer.status_code == 201, answer.text


@asynccontextmanager
async def refusing(agency, key):
    """The rule of an inquiry says: nothing is taken while the registry is silent."""
    runtime = agency.runtime("intake")
    change = "UPDATE intake.policy SET value = value || jsonb_build_object($2::text, $3::text)"
    for_key = change + " WHERE key = $1 AND effective_to IS NULL"
    await agency.eye.execute(for_key, key, "when_unavailable", "refuse")
    policy._memory(runtime).forget()
    try:
        yield
    finally:
        await agency.eye.execute(for_key, key, "when_unavailable", "accept_and_finish")
        policy._memory(runtime).forget()
