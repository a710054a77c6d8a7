"""Admission within the whole agency: intake routes it, covers the household, and tells it on."""

import pytest

from tests import make

FINDINGS = {
    "disability": False,
    "no_head": True,
    "illness": False,
    "housing": "rented",
    "persons_seen": 2,
}


async def _filed(agency, *people, **more):
    await agency.known(*people)
    counter = await agency.caller("counter")
    answer = await counter.post("/v1/applications", make.livelihood(*people, **more))
    assert answer.status_code == 201, answer.text
    code = answer.json()["tracking_code"]
    await agency.settled()
    return code


@pytest.mark.req("LV-13", "LV-15", "LV-16", "LV-18")
async def test_an_application_at_the_counter_becomes_an_active_award(agency):
    widow = make.Person()
    code = await _filed(agency, widow, make.child(widow))
    worker, approver = await agency.caller("social_worker"), await agency.caller("approver")
    path = f"/v1/livelihood/cases/{code}"
    assert (await worker.get(path)).json()["status"] == "routed"
    for who, action, body in (
        (worker, "review", {}),
        (worker, "plan-visit", {"visit_on": "2027-02-10"}),
        (worker, "record-visit", {"findings": FINDINGS, "score": 80}),
        (approver, "confirm", {}),
    ):
        answer = await who.post(f"{path}/{action}", body)
        assert answer.status_code == 200, answer.text

    async def active():
        return (await worker.get(path)).json()["status"] == "active"

    await agency.until(active)
    citizen = await agency.citizen(widow)
    [award] = (await citizen.get("/v1/livelihood/awards", params={"tracking_code": code})).json()[
        "items"
    ]
    assert award["covered_size"] == 2


@pytest.mark.req("LV-17")
async def test_the_age_comes_from_the_civil_registry(agency):
    old = make.Person(birth_on=make.date(1950, 1, 15), marital_status="single")
    code = await _filed(agency, old, details={"reason": "elderly"})
    worker, approver = await agency.caller("social_worker"), await agency.caller("approver")
    path = f"/v1/livelihood/cases/{code}"
    for who, action, body in (
        (worker, "review", {}),
        (worker, "plan-visit", {"visit_on": "2027-02-10"}),
        (worker, "record-visit", {"findings": FINDINGS, "score": 80}),
        (approver, "confirm", {}),
    ):
        answer = await who.post(f"{path}/{action}", body)
        assert answer.status_code == 200, answer.text
