"""A draft is filed by the rules of the day on which it is filed, and what is amended counts."""

import pytest

from services.intake.applications import actions, rules
from services.intake.applications.models import Application
from shared.cases import find
from tests import make

PATH = "/v1/applications"


@pytest.fixture
async def draft(agency):
    """Somebody, their citizen's token, and the code of their draft."""
    person = make.Person()
    await agency.known(person)
    citizen = await agency.citizen(person)
    body = make.livelihood(person, channel="soha_portal", draft=True)
    answer = await citizen.post(PATH, body)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["status"], answer.json()["due_on"]) == ("draft", None)
    return person, citizen, answer.json()["tracking_code"]


async def row(agency, code) -> Application:
    async with agency.runtime("intake").transaction() as tx:
        found = await find(tx, Application, code)
    assert found is not None
    return found


async def amend(citizen, code, details, *, version='"1"'):
    headers = {"If-Match": version} if version else {}
    body = {"details": details}
    return await citizen.request("PATCH", f"{PATH}/{code}", json=body, headers=headers)


async def test_a_draft_is_filed_as_it_stands(draft):
    _, citizen, code = draft
    answer = await citizen.post(f"{PATH}/{code}/submit")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["identity"]) == ("submitted", "confirmed")
    assert answer.json()["due_on"] is not None


async def test_an_ended_service_takes_no_draft_either(agency, draft, monkeypatch):
    _, citizen, code = draft
    monkeypatch.setattr(rules, "open_on", lambda *_: False)
    answer = await citizen.post(f"{PATH}/{code}/submit")
    assert (answer.status_code, answer.json()["code"]) == (422, "service_not_open")
    assert (await row(agency, code)).status == "draft"


@pytest.mark.req("H55")
async def test_nobody_whom_we_know_to_be_dead_files_a_draft(agency, draft):
    person, citizen, code = draft
    index = agency.runtime("intake").crypto.index(person.national_code)
    dies = "UPDATE intake.person SET alive = false WHERE code_index = $1"
    await agency.eye.execute(dies, index)
    answer = await citizen.post(f"{PATH}/{code}/submit")
    assert answer.status_code == 422, answer.text
    assert [fault["code"] for fault in answer.json()["errors"]] == ["person_deceased"]
    assert (await row(agency, code)).status == "draft"


async def test_what_has_been_filed_is_refused_before_any_registry_is_asked(draft, monkeypatch):
    _, citizen, code = draft
    assert (await citizen.post(f"{PATH}/{code}/submit")).status_code == 200
    asked = []
    monkeypatch.setattr(actions, "identify", lambda *_: asked.append(1))
    answer = await citizen.post(f"{PATH}/{code}/submit")
    assert (answer.status_code, answer.json()["code"]) == (409, "step_not_allowed")
    assert asked == []


async def test_an_address_that_is_amended_leads_to_its_own_province(agency, draft):
    person, citizen, code = draft
    details = make.livelihood(person)["details"]
    details["address"] |= {"province": "فارس", "county": "شیراز"}
    answer = await amend(citizen, code, details)
    assert answer.status_code == 200, answer.text
    there = await agency.caller("intake_officer", province="Fars")
    here = await agency.caller("intake_officer", province="Tehran")
    assert (await there.get(f"{PATH}/{code}")).status_code == 200
    assert (await here.get(f"{PATH}/{code}")).status_code == 404


async def test_a_place_that_nobody_knows_is_not_amended_in(agency, draft):
    person, citizen, code = draft
    details = make.livelihood(person)["details"]
    details["address"] |= {"province": "آتلانتیس"}
    answer = await amend(citizen, code, details)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["code"] == "unknown_area"
    assert (await row(agency, code)).version == 1


@pytest.mark.req("H51")
async def test_whoever_is_added_as_a_member_may_not_decide(agency, draft):
    person, citizen, code = draft
    member = make.Person()
    await agency.known(member)
    await amend(citizen, code, make.livelihood(person, member)["details"])
    assert (await citizen.post(f"{PATH}/{code}/submit")).status_code == 200
    relative = await agency.caller("intake_officer", national_code=member.national_code)
    asked = {"kinds": ["identity_card"], "reason": "ناخواناست"}
    answer = await relative.post(f"{PATH}/{code}/request-documents", asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "own_or_relative_case")


async def test_an_amendment_names_the_version_it_amends(draft):
    person, citizen, code = draft
    details = make.livelihood(person)["details"]
    for version, status in ((None, 428), ('"7"', 412), ('"1"', 200), ('"1"', 412)):
        assert (await amend(citizen, code, details, version=version)).status_code == status
    assert (await amend(citizen, code, {"reason": "elderly"}, version='"2"')).status_code == 422
