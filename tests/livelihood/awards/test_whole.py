"""An award within the whole agency: its end ends the coverage, and what is given back is whole."""

import pytest

from tests import make
from tests.livelihood.desk import FINDINGS

SAID = {"reasons": ["خانوار به شهر دیگری رفت"]}


async def award_of(agency, *people):
    await agency.known(*people)
    counter = await agency.caller("counter")
    answer = await counter.post("/v1/applications", make.livelihood(*people))
    assert answer.status_code == 201, answer.text
    code = answer.json()["tracking_code"]
    await agency.settled()
    worker, approver = await agency.caller("social_worker"), await agency.caller("approver")
    today = agency.runtime("livelihood").clock.today()
    path = f"/v1/livelihood/cases/{code}"
    for who, action, body in (
        (worker, "review", {}),
        (worker, "plan-visit", {"visit_on": today.isoformat()}),
        (worker, "record-visit", {"findings": FINDINGS, "score": 80}),
        (approver, "confirm", {}),
    ):
        answer = await who.post(f"{path}/{action}", body)
        assert answer.status_code == 200, answer.text

    async def active():
        return (await worker.get(path)).json()["award_id"]

    award_id = await agency.until(active)
    await agency.settled()
    return code, award_id


async def covered(agency, person):
    """Since when, and until when, each service believes that somebody is covered."""
    row = await agency.eye.fetchrow(
        "SELECT p.id, c.ended_on, c.ended_reason FROM intake.person p"
        " JOIN intake.covered_person cp ON cp.person_id = p.id"
        " JOIN intake.coverage c ON c.id = cp.coverage_id WHERE p.code_index = $1",
        agency.runtime("intake").crypto.index(person.national_code),
    )
    states = {
        service: await agency.eye.fetchval(
            f"SELECT state FROM {service}.coverage WHERE person_id = $1", row["id"]
        )
        for service in ("livelihood", "exemption", "shares", "loans", "eligibility")
    }
    return row["ended_reason"], set(states.values())


@pytest.mark.req("LV-47", "LV-48", "H24")
async def test_the_end_of_an_award_ends_the_coverage_everywhere_and_its_return_restores_it(agency):
    widow = make.Person()
    child = make.child(widow)
    code, award_id = await award_of(agency, widow, child)
    approver, citizen = await agency.caller("approver"), await agency.citizen(widow)
    path = f"/v1/livelihood/awards/{award_id}"
    answer = await approver.post(f"{path}/stop", SAID)
    assert answer.status_code == 200, answer.text
    await agency.settled()
    for person in (widow, child):
        assert await covered(agency, person) == ("livelihood.stopped", {"ended"})
    application = (await citizen.get(f"/v1/applications/{code}")).json()
    assert (application["status"], application["case_status"]) == ("closed", "stopped")
    assert application["timeline"][-1]["status"] == "stopped"
    inbox = (await citizen.get("/v1/inbox")).json()["items"]
    assert "livelihood.stopped" in {item["topic"] for item in inbox}

    answer = await citizen.post(f"{path}/object", {"text": "هنوز همین‌جا زندگی می‌کنم"})
    assert answer.status_code == 200, answer.text
    other = await agency.caller("approver", sub="another-approver")
    answer = await other.post(f"{path}/decide-objection", SAID | {"outcome": "accepted"})
    assert answer.status_code == 200, answer.text
    await agency.settled()
    for person in (widow, child):
        assert await covered(agency, person) == (None, {"active"})
    award = (await citizen.get(path)).json()
    assert (award["status"], award["covered_size"], award["last_period"]) == ("active", 2, None)
    application = (await citizen.get(f"/v1/applications/{code}")).json()
    assert (application["status"], application["case_status"]) == ("closed", "active")
    assert application["sla"]["breached"] is False


@pytest.mark.req("H03", "LV-43")
async def test_a_death_needs_the_registry_and_a_silent_registry_stops_nothing(agency):
    widow = make.Person()
    child = make.child(widow)
    _, award_id = await award_of(agency, widow, child)
    officer = await agency.caller("intake_officer")
    citizen, path = await agency.citizen(widow), f"/v1/livelihood/awards/{award_id}"
    today = agency.runtime("intake").clock.today()
    body = {"kind": "death", "national_code": child.national_code, "occurred_on": today.isoformat()}
    refused = await officer.post("/v1/life-events", body)
    assert refused.json()["code"] == "death_not_proven"
    await agency.fault("civil-registry", "error")
    silent = await officer.post("/v1/life-events", body)
    assert silent.status_code == 503
    await agency.fault("civil-registry", "ok")
    await agency.settled()
    assert (await citizen.get(path)).json()["covered_size"] == 2
    child.alive, child.died_on = False, today
    await agency.known(child)
    assert (await officer.post("/v1/life-events", body)).status_code < 300
    await agency.settled()
    award = (await citizen.get(path)).json()
    assert (award["status"], award["covered_size"]) == ("active", 1)
