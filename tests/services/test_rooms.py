"""The four services whose actions come later: their case is shown, their doors are not open yet."""

import importlib
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import asyncpg
import pytest

from shared.storage import outbox
from shared.storage.coverage import covered
from shared.storage.step import Row
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import Role
from tests import make

FOUR = ("exemption", "shares", "loans", "eligibility")
FIVE = (*FOUR, "livelihood")
# A status in the middle of each table, and a step that leads there.
STANDS = {
    "exemption": ("pass_ground", "ground_check", "social_worker_review"),
    "shares": ("pass_coverage", "coverage_check", "social_worker_review"),
    "loans": ("start_social_work", "registered", "social_work_review"),
    "eligibility": ("collect_data", "forms_complete", "data_collection"),
}
DETAILS = {
    "exemption": {"ground": "mother_widowed", "parent_national_code": "0499370899"},
    "shares": {"kind": "enrol", "text": "نام من در فهرست سهام عدالت نیست"},
    "loans": {
        "applicant_kind": "person",
        "product": "self_employment",
        "amount_rial": 1_000_000_000,
        "plan": {
            "title": "کارگاه خیاطی",
            "trade": "خیاطی",
            "county": "تهران",
            "cost_rial": 1_200_000_000,
            "jobs": 2,
        },
    },
    "eligibility": {},
}


async def opened(agency, service, person, **more):
    """A case of this person as the service's own actions will leave it, without its events."""
    runtime = agency.runtime(service)
    case = importlib.import_module(f"services.{service}.models").Case
    step, before, status = STANDS[service]
    async with runtime.transaction() as tx:
        row = case(
            id=uuid7(),
            tracking_code=new_tracking_code(uuid4().bytes),
            status=status,
            version=2,
            person_ids=[uuid7()],
            holders=[runtime.crypto.index(person.national_code)],
            kin=[],
            opened_at=tx.now - timedelta(days=3),
            changed_at=tx.now,
            **{"province": "Tehran", "office_code": "T-1", **more},
        )
        await tx.add(row)
        first = {"version": 1, "step": "open", "status": before, "at": tx.now - timedelta(days=3)}
        second = {"version": 2, "step": step, "from_status": before, "status": status, "at": tx.now}
        for past in (first, second):
            told = {"subject_id": row.id, "actor_sub": "system", "actor_role": "system", **past}
            await tx.execute(Row(tx.tables.history, told).insert())
    return row


@pytest.mark.parametrize("service", FOUR)
async def test_a_case_says_where_it_stands_and_what_comes_next(agency, service):
    person = make.Person()
    row = await opened(agency, service, person)
    citizen = await agency.citizen(person)
    answer = await citizen.get(f"/v1/{service}/cases/{row.tracking_code}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"2"'
    shown = answer.json()
    step, before, status = STANDS[service]
    assert shown["case_id"] == str(row.id)
    assert (shown["status"], shown["version"]) == (status, 2)
    assert shown["status_label"] == row.workflow.labels[status]
    assert shown["next_step"] == row.workflow.next_step[status]
    assert [(past["step"], past["status"]) for past in shown["history"]] == [
        ("open", before),
        (step, status),
    ]
    assert [past["label"] for past in shown["history"]] == [
        row.workflow.steps["open"].fa,
        row.workflow.steps[step].fa,
    ]
    assert person.national_code not in answer.text


@pytest.mark.parametrize("service", FOUR)
async def test_a_case_is_shown_to_whom_it_concerns_and_to_nobody_else(agency, service):
    person = make.Person()
    row = await opened(agency, service, person, filed_by="72010001")
    seers = {
        "its citizen": (await agency.citizen(person), 200),
        "another citizen": (await agency.citizen(make.Person()), 404),
        "a worker here": (await agency.caller("social_worker"), 200),
        "a worker elsewhere": (await agency.caller("social_worker", province="Fars"), 404),
        "the office that filed it": (await agency.caller("counter"), 200),
        "another office": (await agency.caller("counter", office_code="72010002"), 404),
        "the auditor": (await agency.caller("auditor"), 200),
        "nobody": (agency.nobody(), 401),
    }
    for who, (caller, status) in seers.items():
        answer = await caller.get(f"/v1/{service}/cases/{row.tracking_code}")
        assert answer.status_code == status, who
    unknown = new_tracking_code(uuid4().bytes)
    answer = await seers["the auditor"][0].get(f"/v1/{service}/cases/{unknown}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("service", FOUR)
async def test_a_worker_sees_what_the_table_lets_them_do(agency, service):
    row = await opened(agency, service, make.Person())
    role = "reviewer" if service == "eligibility" else "social_worker"
    answer = await (await agency.caller(role)).get(f"/v1/{service}/cases/{row.tracking_code}")
    expected = row.workflow.actions(row.status, {Role(role)})
    assert "declare-conflict" in expected
    assert answer.json()["actions"] == expected


@pytest.mark.parametrize("service", FOUR)
async def test_one_tracking_code_has_one_case(agency, service):
    row = await opened(agency, service, make.Person())
    columns = "version, person_ids, holders, kin, opened_at, changed_at"
    with pytest.raises(asyncpg.UniqueViolationError):
        await agency.eye.execute(
            f'INSERT INTO {service}."case" (id, tracking_code, status, {columns})'
            f' SELECT $1, tracking_code, status, {columns} FROM {service}."case" WHERE id = $2',
            uuid7(),
            row.id,
        )


# Whom the agency covers


def told(version, topic, *, people, household, **more):
    """A coverage as intake tells of it at one version."""
    return topic, version, {
        "household_id": str(household),
        "person_ids": [str(person) for person in people],
        "reason": "no_head",
        "file_status": "current",
        "started_on": "2026-11-01",
        "ended_on": None,
        "on": f"2026-11-{version:02d}",
        "version": version,
        "facts": {},
    } | more  # fmt: skip


@pytest.mark.req("X-09")
@pytest.mark.parametrize("service", FIVE)
async def test_coverage_ends_the_same_whatever_order_it_is_told_in(agency, service):
    runtime = agency.runtime(service)
    hears = agency.apps[service].state.service.hears
    seen = set()
    for order in permutations(range(3)):
        subject, person, household = uuid7(), uuid7(), uuid7()
        said = {"people": [person], "household": household}
        history = [
            told(1, "coverage.started", **said),
            told(2, "coverage.file_suspended", **said, file_status="suspended"),
            told(3, "coverage.ended", **said, ended_on="2026-11-20"),
        ]
        for at in (*order, *order):  # each comes twice
            topic, version, payload = history[at]
            event = outbox.Event(
                id=outbox.event_id(subject, version, topic), source="intake", topic=topic,
                subject_id=subject, version=version, at=runtime.clock.now(), trace=None,
                payload=payload,
            )  # fmt: skip
            async with runtime.transaction(lone=False) as tx:
                await hears[topic](tx, event)
        rows = await agency.eye.fetch(
            f"SELECT state, version, ended_on::text FROM {service}.coverage WHERE person_id = $1",
            person,
        )
        seen |= {tuple(row) for row in rows}
        assert len(rows) == 1
        async with runtime.transaction() as tx:
            assert await covered(tx, person_ids=[person]) == []
    assert seen == {("ended", 3, "2026-11-20")}


@pytest.mark.req("X-09")
async def test_coverage_reaches_every_service(agency):
    subject, people, household = uuid7(), [uuid7(), uuid7()], uuid7()
    for topic, version, payload in (
        told(2, "coverage.file_suspended", people=people, household=household,
             file_status="suspended"),
        told(1, "coverage.started", people=people, household=household),
    ):  # fmt: skip
        async with agency.runtime("intake").transaction() as tx:
            await outbox.tell(
                tx, topic, subject_id=subject, version=version, payload=payload, hearers=FIVE
            )
    await agency.settled()
    for service in FIVE:
        async with agency.runtime(service).transaction() as tx:
            found = await covered(tx, household_id=household)
        assert {one.person_id for one in found} == set(people), service
        assert [one.file_current for one in found] == [False, False], service


# Not open yet


@pytest.mark.parametrize("service", FOUR)
async def test_an_application_is_refused_with_the_day_on_which_the_service_opens(agency, service):
    person = make.Person()
    await agency.known(person)
    channel = "ministry_portal" if service == "eligibility" else "soha_portal"
    await agency.eye.execute(  # a test of the catalogue may have written its card anew
        "INSERT INTO intake.channel VALUES ($1, 'request', $2, true, 'test')"
        " ON CONFLICT (service, stage, channel) DO UPDATE SET allowed = true",
        service,
        channel,
    )
    agency.runtime("intake").memory.pop("rulebook", None)
    body = make.livelihood(person) | {
        "service": service,
        "channel": channel,
        "details": DETAILS[service],
    }
    answer = await (await agency.citizen(person)).post("/v1/applications", body)
    assert answer.status_code == 422, answer.text
    card = await agency.nobody().get(f"/v1/services/{service}")
    assert answer.json()["code"] == "service_not_open"
    assert answer.json()["opens_on"] == card.json()["opens_on"]
