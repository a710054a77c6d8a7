"""People, households, coverage and life events, as the offices keep them."""

import asyncio
import json
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM
from tests import make

ADDRESS = {
    "province": "Tehran",
    "county": "تهران",
    "postal_code": "1311675319",
    "text": "خیابان شوش",
}


@pytest.fixture
async def officer(agency):
    return await agency.caller("intake_officer")


@pytest.fixture
async def elsewhere(agency):
    claims = {"province": "Fars", "office_code": "F-1", "sub": "officer-of-fars"}
    return await agency.caller("intake_officer", **claims)


@pytest.fixture
def today(agency):
    return tehran_date(agency.runtime("intake").clock.now())


async def formed(agency, officer, *members, head=None, **more):
    head = head or make.Person()
    await agency.known(head, *members)
    body = {
        "head": head.national_code,
        "members": [
            {"national_code": m.national_code, "relation": "child", "joined_on": "2026-04-01"}
            for m in members
        ],
        "address": ADDRESS,
    } | more
    answer = await officer.post("/v1/households", body)
    assert answer.status_code == 201, answer.text
    return answer


async def id_of(officer, person):
    body = {"national_code": person.national_code}
    return (await officer.post("/v1/people/lookup", body)).json()["person_id"]


async def covered(officer, household):
    people = [member["person_id"] for member in household["members"]]
    body = {
        "household_id": household["household_id"],
        "person_ids": people,
        "reason": "no_head",
        "started_on": "2026-04-01",
        "file_status": "current",
    }
    answer = await officer.post("/v1/coverage", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def told(agency, topic, subject_id):
    rows = await agency.eye.fetch(
        "SELECT payload FROM intake.outbox WHERE topic = $1 AND subject_id = $2 ORDER BY version",
        topic,
        UUID(subject_id),
    )
    return [json.loads(row["payload"]) for row in rows]


# Looking people up


async def test_a_person_is_found_by_code_and_read_by_id(agency, officer):
    son = make.Person(first_name="امیر", sex="male", marital_status="single")
    mother = make.Person()
    household = (await formed(agency, officer, son, head=mother)).json()
    seen = await officer.post("/v1/people/lookup", {"national_code": mother.national_code})
    found = seen.json()
    assert found["national_code"] == f"***{mother.national_code[-2:]}"
    assert (found["initials"], found["in_household"], found["covered"]) == ("ز. ک.", True, False)
    assert mother.national_code not in seen.text
    assert mother.last_name not in seen.text
    person = await officer.get(f"/v1/people/{found['person_id']}")
    assert person.headers["etag"] == '"1"'
    body = person.json()
    assert (body["first_name"], body["birth_on_jalali"]) == ("زهرا", "1359-12-11")
    assert body["household"]["household_id"] == household["household_id"]
    assert body["household"]["relation"] == "head"
    assert mother.national_code not in person.text


async def test_nobody_is_said_to_exist_where_they_may_not_be_seen(agency, officer, elsewhere):
    household = (await formed(agency, officer)).json()
    person_id, household_id = household["head_id"], household["household_id"]
    for path in (f"/v1/people/{person_id}", f"/v1/households/{household_id}"):
        answers = [
            await elsewhere.get(path),
            await officer.get(path.replace(path[-36:], str(uuid4()))),
        ]
        assert [a.status_code for a in answers] == [404, 404]
        assert {a.json()["code"] for a in answers} == {"not_found"}
    auditor = await agency.caller("auditor")
    assert (await auditor.get(f"/v1/people/{person_id}")).status_code == 200
    citizen = await agency.caller("citizen")
    assert (await citizen.get(f"/v1/people/{person_id}")).status_code == 403
    stranger = await officer.post("/v1/people/lookup", {"national_code": make.national_code()})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")


async def test_every_look_of_the_staff_is_written_down(agency, officer):
    household = (await formed(agency, officer)).json()
    person_id = household["head_id"]
    pseudonym = agency.runtime("intake").crypto.pseudonym(person_id)
    await officer.get(f"/v1/people/{person_id}")
    await officer.get(f"/v1/households/{household['household_id']}")
    rows = await agency.eye.fetch("SELECT entry FROM intake.audit ORDER BY at")
    entries = [json.loads(row["entry"]) for row in rows]
    mine = [entry for entry in entries if entry.get("subject") == pseudonym]
    assert [e["action"] for e in mine] == ["household.formed", "person.read", "household.read"]
    assert {entry["actor"] for entry in mine} == {"demo-intake-officer"}
    assert person_id not in "".join(row["entry"].decode() for row in rows)


async def test_our_services_read_people_with_a_purpose(agency, officer):
    mother, son = make.Person(), make.Person(sex="male")
    household = (await formed(agency, officer, son, head=mother)).json()
    await covered(officer, household)
    inside = agency.runtime("livelihood").inside
    path = f"/internal/people/{household['head_id']}"
    seen = await inside.get("intake", path, purpose="admission", actor=SYSTEM)
    assert seen["national_code"] == mother.national_code
    assert seen["holder"] == agency.runtime("notify").crypto.index(mother.national_code).hex()
    assert seen["household_id"] == household["household_id"]
    told = await inside.get(
        "intake", "/internal/coverage", purpose="admission",
        params={"person_id": household["head_id"]},
    )  # fmt: skip
    assert [(c["file_status"], c["ended_on"]) for c in told["items"]] == [("current", None)]
    rows = await agency.eye.fetch("SELECT entry FROM intake.audit")
    entries = [json.loads(row["entry"]) for row in rows]
    assert any(e.get("purpose") == "admission" and e["action"] == "person.read" for e in entries)
    answer = await (await agency.caller("operator")).get(f"/v1{path.removeprefix('/internal')}")
    assert answer.status_code == 403


# Households


async def test_a_household_is_formed_from_the_registry(agency, officer):
    mother = make.Person()
    son = make.child(mother)
    answer = await formed(agency, officer, son, head=mother)
    household = answer.json()
    assert answer.headers["location"] == f"/v1/households/{household['household_id']}"
    assert answer.headers["etag"] == '"1"'
    assert (household["province"], household["office_code"]) == ("Tehran", "T-1")
    assert [m["relation"] for m in household["members"]] == ["head", "child"]
    assert household["address"]["text"] == ADDRESS["text"]
    stored = await agency.eye.fetchval(
        "SELECT address FROM intake.household WHERE id = $1", UUID(household["household_id"])
    )
    assert ADDRESS["postal_code"].encode() not in stored
    (event,) = await told(agency, "household.changed", household["household_id"])
    assert (event["change"], len(event["person_ids"])) == ("formed", 2)


async def test_whom_the_registry_does_not_know_or_knows_as_dead_forms_no_household(agency, officer):
    head, dead = make.Person(), make.Person(alive=False, died_on=date(2026, 1, 1))
    await agency.known(head, dead)
    members = [
        {"national_code": dead.national_code, "relation": "spouse"},
        {"national_code": make.national_code(), "relation": "child"},
    ]
    body = {"head": head.national_code, "members": members, "address": ADDRESS}
    answer = await officer.post("/v1/households", body)
    assert answer.status_code == 422
    faults = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert faults == {
        "/members/0/national_code": "person_deceased",
        "/members/1": "person_unknown",
    }
    fars = body | {"members": [], "address": ADDRESS | {"province": "فارس", "county": "شیراز"}}
    other = await officer.post("/v1/households", fars)
    assert other.json()["errors"][0]["code"] == "other_province"


@pytest.mark.req("H09")
async def test_two_offices_cannot_add_one_person_at_the_same_moment(agency, officer, elsewhere):
    shiraz = ADDRESS | {"province": "Fars", "county": "شیراز"}
    ours = (await formed(agency, officer)).json()
    theirs = (await formed(agency, elsewhere, address=shiraz)).json()
    for _ in range(5):
        person = make.Person(sex="male", marital_status="single")
        await agency.known(person)
        body = {"national_code": person.national_code, "relation": "child"}
        answers = await asyncio.gather(
            officer.post(f"/v1/households/{ours['household_id']}/members", body),
            elsewhere.post(f"/v1/households/{theirs['household_id']}/members", body),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = max(answers, key=lambda answer: answer.status_code)
        assert loser.json()["code"] == "person_in_other_household"
        person_id = await id_of(officer, person)
        homes = await agency.eye.fetchval(
            "SELECT count(*) FROM intake.membership WHERE person_id = $1", UUID(person_id)
        )
        tasks = await agency.eye.fetch(
            "SELECT field FROM intake.contradiction WHERE person_id = $1", UUID(person_id)
        )
        assert (homes, [task["field"] for task in tasks]) == (1, ["household"])


@pytest.mark.req("H09")
async def test_a_second_household_is_refused_with_a_task_that_an_officer_settles(agency, officer):
    son = make.Person(sex="male", marital_status="single")
    await formed(agency, officer, son)
    again = {"head": son.national_code, "address": ADDRESS}
    for _ in range(2):
        answer = await officer.post("/v1/households", again)
        assert (answer.status_code, answer.json()["code"]) == (409, "person_in_other_household")
    person = (await officer.get(f"/v1/people/{await id_of(officer, son)}")).json()
    (task,) = person["contradictions"]
    path = f"/v1/people/{person['person_id']}/contradictions/{task['contradiction_id']}/settle"
    stale = await officer.post(path, headers={"If-Match": f'"{person["version"] + 1}"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await officer.post(path)).json()["contradictions"] == []
    assert (await officer.post(path)).status_code == 404


async def test_a_member_leaves_and_may_live_elsewhere_from_that_day(agency, officer, today):
    son = make.Person(sex="male", marital_status="single")
    household = (await formed(agency, officer, son)).json()
    await covered(officer, household)
    path = f"/v1/households/{household['household_id']}"
    son_id = await id_of(officer, son)
    end = {"reason": "ازدواج و جدا شدن", "on": today.isoformat()}
    head = await officer.post(f"{path}/members/{household['head_id']}/end", end)
    assert (head.status_code, head.json()["code"]) == (409, "head_needs_successor")
    tomorrow = (today + timedelta(days=1)).isoformat()
    early = await officer.post(f"{path}/members/{son_id}/end", end | {"on": tomorrow})
    assert early.json()["errors"][0]["code"] == "in_the_future"
    left = await officer.post(f"{path}/members/{son_id}/end", end)
    ended = {m["person_id"]: (m["ended_on"], m["covered"]) for m in left.json()["members"]}
    assert ended == {household["head_id"]: (None, True), son_id: (today.isoformat(), False)}
    assert (await officer.post(f"{path}/members/{son_id}/end", end)).status_code == 404
    (event,) = await told(agency, "coverage.ended", left.json()["coverage_id"])
    assert (event["person_ids"], event["ended_on"]) == ([son_id], None)
    own = {"head": son.national_code, "address": ADDRESS}
    assert (await officer.post("/v1/households", own)).status_code == 201


async def test_a_household_gets_another_head_by_the_version_that_was_read(agency, officer):
    son = make.Person(sex="male", marital_status="single")
    first = await formed(agency, officer, son)
    household, son_id = first.json(), await id_of(officer, son)
    path = f"/v1/households/{household['household_id']}"
    kin = {"person_id": household["head_id"], "relation": "mother"}
    body = {"head_id": son_id, "members": [kin]}
    careless = await officer.request("PUT", path, json=body)
    assert careless.status_code == 428
    match = {"If-Match": first.headers["etag"]}
    changed = await officer.request("PUT", path, json=body, headers=match)
    relations = {m["person_id"]: m["relation"] for m in changed.json()["members"]}
    assert relations == {son_id: "head", household["head_id"]: "mother"}
    assert changed.headers["etag"] == '"2"'
    stale = await officer.request("PUT", path, json=body, headers=match)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    stranger = await officer.request(
        "PUT", path, json={"head_id": str(uuid4())}, headers={"If-Match": '"2"'}
    )
    assert stranger.json()["errors"][0]["code"] == "not_a_member"


async def test_a_household_goes_to_another_office_with_its_open_cases(agency, officer, elsewhere):
    person = make.Person()
    await agency.known(person)
    counter = await agency.caller("counter")
    filed = (await counter.post("/v1/applications", make.livelihood(person))).json()
    await agency.settled()
    seen = (await officer.get(f"/v1/people/{filed['applicant']['person_id']}")).json()
    path = f"/v1/households/{seen['household']['household_id']}"
    wrong = await officer.post(f"{path}/transfer", {"office_code": "X-9", "reason": "نقل مکان"})
    assert wrong.json()["errors"][0]["code"] == "unknown_office"
    moved = await officer.post(f"{path}/transfer", {"office_code": "F-1", "reason": "نقل مکان"})
    assert (moved.status_code, moved.json()["province"]) == (200, "Fars")
    assert (await officer.get(path)).status_code == 404
    assert (await elsewhere.get(path)).status_code == 200
    application = f"/v1/applications/{filed['tracking_code']}"
    assert (await officer.get(application)).status_code == 404
    assert (await elsewhere.get(application)).json()["office_code"] is not None
    await agency.settled()
    case = f"/v1/livelihood/cases/{filed['tracking_code']}"
    assert (await officer.get(case)).status_code == 404
    assert (await elsewhere.get(case)).json()["history"][-1]["step"] == "transfer"
    shown = (await elsewhere.get(application)).json()
    assert shown["timeline"][-1]["step"] == "transfer"
    worker = await agency.caller("social_worker", province="Fars", office_code="F-1")
    waiting = (await worker.get("/v1/worklist", params={"limit": 200})).json()["items"]
    assert filed["tracking_code"] in {line["tracking_code"] for line in waiting}


# Coverage


@pytest.mark.req("JS-09")
async def test_coverage_and_the_state_of_the_file_are_two_facts(agency, officer, today):
    son = make.Person(sex="male", marital_status="single")
    household = (await formed(agency, officer, son)).json()
    coverage = await covered(officer, household)
    path = f"/v1/coverage/{coverage['coverage_id']}"
    body = {"reason": "مدارک تازه نشده است", "on": today.isoformat()}
    rested = (await officer.post(f"{path}/suspend-file", body)).json()
    assert (rested["state"], rested["file_status"]) == ("active", "suspended")
    twice = await officer.post(f"{path}/suspend-file", body)
    assert (twice.status_code, twice.json()["current_status"]) == (409, "suspended")
    resumed = (await officer.post(f"{path}/resume-file", body)).json()
    assert (resumed["state"], resumed["file_status"]) == ("active", "current")
    ended = (await officer.post(f"{path}/end", body)).json()
    assert (ended["state"], ended["ended_on"]) == ("ended", today.isoformat())
    assert {person["to_on"] for person in ended["people"]} == {today.isoformat()}
    for action in ("end", "suspend-file", "resume-file"):
        late = await officer.post(f"{path}/{action}", body)
        assert (late.status_code, late.json()["current_status"]) == (409, "ended"), action
    history = await agency.eye.fetch(
        "SELECT step, from_status, status, reason FROM intake.history"
        " WHERE subject_id = $1 ORDER BY version",
        UUID(coverage["coverage_id"]),
    )
    assert [tuple(row)[:3] for row in history] == [
        ("file_suspended", "current", "suspended"),
        ("file_resumed", "suspended", "current"),
        ("end", "active", "ended"),
    ]
    assert {row["reason"] for row in history} == {body["reason"]}
    for topic in ("started", "file_suspended", "file_resumed", "ended"):
        (event,) = await told(agency, f"coverage.{topic}", coverage["coverage_id"])
        assert len(event["person_ids"]) == 2, topic


@pytest.mark.req("X-09")
async def test_every_service_knows_of_coverage_once_however_often_it_is_asked(agency, officer):
    household = (await formed(agency, officer)).json()
    key = str(uuid4())
    body = {
        "household_id": household["household_id"],
        "person_ids": [household["head_id"]],
        "reason": "elderly",
        "started_on": "2026-04-01",
    }
    first = await officer.post("/v1/coverage", body, key=key)
    again = await officer.post("/v1/coverage", body, key=key)
    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    twice = await officer.post("/v1/coverage", body)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_covered")
    await agency.settled()
    coverage_id = UUID(first.json()["coverage_id"])
    for service in ("livelihood", "loans", "exemption", "shares", "eligibility"):
        rows = await agency.eye.fetch(
            f"SELECT state, version FROM {service}.coverage WHERE coverage_id = $1", coverage_id
        )
        assert [tuple(row) for row in rows] == [("active", 1)], service


async def test_only_living_members_of_the_household_are_covered(agency, officer):
    household = (await formed(agency, officer)).json()
    other = (await formed(agency, officer)).json()
    body = {
        "household_id": household["household_id"],
        "person_ids": [other["head_id"]],
        "reason": "elderly",
        "started_on": "2026-04-01",
    }
    answer = await officer.post("/v1/coverage", body)
    assert answer.json()["errors"][0]["code"] == "not_a_member"
    worker = await agency.caller("finance_preparer")
    assert (await worker.post("/v1/coverage", body)).status_code == 403


# Life events


def event(person, kind, **more):
    return {
        "kind": kind,
        "national_code": person.national_code,
        "occurred_on": "2026-05-01",
        "evidence": "سند ۱۲",
    } | more


@pytest.mark.req("X-09")
async def test_the_same_event_is_told_once(agency, officer):
    person = make.Person()
    household = (await formed(agency, officer, head=person)).json()
    first = await officer.post("/v1/life-events", event(person, "marriage"))
    assert (first.status_code, first.json()["repeated"]) == (201, False)
    again = await officer.post("/v1/life-events", event(person, "marriage", evidence=None))
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert again.json()["life_event_id"] == first.json()["life_event_id"]
    at_once = await asyncio.gather(
        *(officer.post("/v1/life-events", event(person, "divorce")) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in at_once) == [200, 200, 200, 201]
    for topic in ("person.married", "person.divorced"):
        (news,) = await told(agency, topic, household["head_id"])
        assert news["facts"] == {"occurred_on": "2026-05-01"}
        assert news["household_id"] == household["household_id"]


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("business_sustained", "person.business_sustained"),
        ("income_changed", "person.income_changed"),
        ("moved", "person.moved"),
    ],
)
async def test_what_else_happens_is_told_too(agency, officer, kind, topic):
    person = make.Person()
    household = (await formed(agency, officer, head=person)).json()
    answer = await officer.post("/v1/life-events", event(person, kind))
    assert answer.status_code == 201
    assert len(await told(agency, topic, household["head_id"])) == 1


@pytest.mark.req("H03")
async def test_a_death_needs_the_registry_and_silence_is_no_death(agency, officer):
    person = make.Person()
    household = (await formed(agency, officer, head=person)).json()
    report = event(person, "death")
    alive = await officer.post("/v1/life-events", report)
    assert (alive.status_code, alive.json()["code"]) == (409, "death_not_proven")
    await agency.fault("civil-registry", "error")
    try:
        silent = await officer.post("/v1/life-events", report)
    finally:
        await agency.fault("civil-registry", "ok")
    assert (silent.status_code, silent.json()["code"]) == (503, "registry_unavailable")
    assert await told(agency, "person.died", household["head_id"]) == []
    seen = (await officer.get(f"/v1/people/{household['head_id']}")).json()
    assert (seen["alive"], seen["died_on"]) == (True, None)


@pytest.mark.req("H03")
async def test_a_death_is_told_with_the_registry_s_day_and_may_be_reversed(agency, officer):
    person = make.Person()
    household = (await formed(agency, officer, head=person)).json()
    person_id = household["head_id"]

    async def registry_says(alive, died_on=None):
        person.alive, person.died_on = alive, died_on
        await agency.known(person)

    await registry_says(alive=False, died_on=date(2026, 4, 20))
    for expected in (201, 200):
        answer = await officer.post("/v1/life-events", event(person, "death"))
        assert (answer.status_code, answer.json()["occurred_on"]) == (expected, "2026-04-20")
    seen = (await officer.get(f"/v1/people/{person_id}")).json()
    assert (seen["alive"], seen["died_on"]) == (False, "2026-04-20")
    stands = await officer.post("/v1/life-events", event(person, "death_reversed"))
    assert (stands.status_code, stands.json()["code"]) == (409, "death_stands")
    await registry_says(alive=True)
    undone = await officer.post("/v1/life-events", event(person, "death_reversed"))
    assert undone.status_code == 201
    assert (await officer.get(f"/v1/people/{person_id}")).json()["alive"] is True
    await registry_says(alive=False, died_on=date(2026, 4, 20))
    second = await officer.post("/v1/life-events", event(person, "death"))
    assert (second.status_code, second.json()["repeated"]) == (201, False)
    assert len(await told(agency, "person.died", person_id)) == 2
    assert len(await told(agency, "person.death_reversed", person_id)) == 1


@pytest.mark.req("H03")
async def test_a_death_closes_what_was_asked_and_its_reversal_restores_it(agency, officer):
    person = make.Person()
    await agency.known(person)
    filed = await (await agency.caller("counter")).post("/v1/applications", make.livelihood(person))
    await agency.settled()
    code = filed.json()["tracking_code"]

    async def states():
        seen = (await officer.get(f"/v1/applications/{code}")).json()
        return seen["status"], seen["case_status"]

    before = await states()
    person.alive, person.died_on = False, date(2026, 4, 20)
    await agency.known(person)
    for _ in range(2):
        await officer.post("/v1/life-events", event(person, "death"))
    await agency.settled()
    assert await states() == ("closed_deceased", "closed_deceased")
    person.alive, person.died_on = True, None
    await agency.known(person)
    assert (await officer.post("/v1/life-events", event(person, "death_reversed"))).is_success
    await agency.settled()
    assert await states() == before
    timeline = (await officer.get(f"/v1/applications/{code}")).json()["timeline"]
    steps = [entry["step"] for entry in timeline if entry["service"] == "intake"]
    assert steps.count("close_deceased") == steps.count("restore") == 1


async def test_a_birth_makes_the_child_known_by_its_parent(agency, officer, elsewhere):
    mother = make.Person()
    household = (await formed(agency, officer, head=mother)).json()
    child = make.child(mother)
    await agency.known(child, mother)
    report = event(child, "birth", occurred_on=child.birth_on.isoformat())
    assert (await elsewhere.post("/v1/life-events", report)).status_code == 404
    born = await officer.post("/v1/life-events", report)
    assert born.status_code == 201
    (news,) = await told(agency, "person.born", born.json()["person_id"])
    assert news["person_ids"] == [born.json()["person_id"], household["head_id"]]
    assert news["household_id"] == household["household_id"]


async def test_what_has_not_happened_or_is_another_province_s_is_refused(
    agency, officer, elsewhere, today
):
    person = make.Person()
    await formed(agency, officer, head=person)
    tomorrow = (today + timedelta(days=1)).isoformat()
    early = await officer.post("/v1/life-events", event(person, "moved", occurred_on=tomorrow))
    assert early.json()["errors"][0]["code"] == "in_the_future"
    unknown = await officer.post("/v1/life-events", event(person, "lottery"))
    assert unknown.json()["errors"][0]["code"] == "not_one_of"
    assert (await elsewhere.post("/v1/life-events", event(person, "moved"))).status_code == 404


# Names


@pytest.mark.req("H68")
async def test_arabic_letters_are_no_contradiction_and_a_new_family_name_is_a_task(agency, officer):
    person = make.Person(first_name="علي", last_name="كريمي")
    household = (await formed(agency, officer, head=person)).json()

    async def joins_again(**names):
        for name, value in names.items():
            setattr(person, name, value)
        clients = agency.runtime("intake").clients
        clients._people._held.clear()  # a quarter of an hour has passed
        await agency.known(person)
        counter = await agency.caller("counter")
        answer = await counter.post("/v1/applications", make.livelihood(person))
        await agency.settled()
        return answer

    first = await joins_again(first_name="علی", last_name="کریمی")
    assert first.status_code == 201
    path = f"/v1/people/{household['head_id']}"
    assert (await officer.get(path)).json()["contradictions"] == []
    withdrawn = await (await agency.caller("counter")).post(
        f"/v1/applications/{first.json()['tracking_code']}/withdraw", {"reason": "ویرایش"}
    )
    assert withdrawn.status_code == 200
    second = await joins_again(last_name="موسوی")
    assert second.status_code == 201, "a changed name refuses nothing"
    (task,) = (await officer.get(path)).json()["contradictions"]
    assert (task["field"], task["tracking_code"]) == ("name", second.json()["tracking_code"])
