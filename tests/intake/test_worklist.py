"""The worklist: what waits for whom, the oldest promise first, and who has it in hand."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.running.clock import move
from tests import make

# A province of this module's own, so that other tests' cases are not on its list.
YAZD = {"province": "Yazd", "office_code": "YA-1"}
VISIT = {
    "findings": {
        "disability": False,
        "no_head": True,
        "illness": False,
        "housing": "rented",
        "persons_seen": 1,
    },
    "score": 72,
    "photo_consent": True,
}


@pytest.fixture
async def worker(agency):
    return await agency.caller("social_worker", sub="worker-of-yazd", **YAZD)


@pytest.fixture
async def second(agency):
    return await agency.caller("social_worker", sub="second-worker-of-yazd", **YAZD)


@pytest.fixture
async def approver(agency):
    return await agency.caller("approver", sub="approver-of-yazd", **YAZD)


@pytest.fixture
async def filed(agency):
    async def file():
        person = make.Person()
        await agency.known(person)
        counter = await agency.caller("counter")
        address = {"province": "Yazd", "county": "یزد", "postal_code": "8913613451", "text": "ف"}
        body = make.livelihood(person, details={"address": address})
        answer = await counter.post("/v1/applications", body)
        assert answer.status_code == 201, answer.text
        await agency.settled()
        return answer.json()["tracking_code"]

    return file


@pytest.fixture
def later(agency):
    @contextmanager
    def moved(**time):
        move(agency.settings.run_dir, timedelta(**time).total_seconds())
        try:
            yield
        finally:
            move(agency.settings.run_dir, 0)

    return moved


async def listed(caller, **params):
    answer = await caller.get("/v1/worklist", params={"limit": 200} | params)
    assert answer.status_code == 200, answer.text
    return {row["tracking_code"]: row for row in answer.json()["items"]}


async def test_a_case_waits_for_the_role_and_province_that_can_take_it_on(agency, worker, filed):
    code = await filed()
    row = (await listed(worker))[code]
    assert (row["service"], row["status"], row["office_code"]) == (
        "livelihood",
        "in_service",
        "YA-1",
    )
    assert "social_worker" in row["waits_for"]
    assert row["label"]
    assert (row["overdue"], row["claimed_by_me"], row["claimed_until"]) == (False, False, None)
    case = (await worker.get(f"/v1/livelihood/cases/{code}")).json()
    assert (row["case_status"], row["label"]) == (case["status"], case["status_label"])
    elsewhere = await agency.caller("social_worker", province="Fars", sub="worker-of-fars")
    assert code not in await listed(elsewhere)
    assert code not in await listed(worker, office_code="YA-9")
    assert code not in await listed(worker, service="loans")
    assert code in await listed(worker, office_code="YA-1", service="livelihood")
    for role in ("finance_preparer", "job_counsellor"):
        other = await agency.caller(role, province="Yazd", sub=f"{role}-of-yazd")
        assert code not in await listed(other)
    for role in ("citizen", "counter", "operator"):
        assert (await (await agency.caller(role)).get("/v1/worklist")).status_code == 403


async def test_a_case_leaves_the_list_when_it_waits_for_nobody(agency, worker, filed):
    code = await filed()
    assert code in await listed(worker)
    officer = await agency.caller("intake_officer", province="Yazd", sub="officer-of-yazd")
    gone = await officer.post(f"/v1/applications/{code}/withdraw", {"reason": "انصراف متقاضی"})
    assert gone.status_code == 200
    await agency.settled()
    assert code not in await listed(worker)
    late = await worker.post(f"/v1/worklist/{code}/claim")
    assert (late.status_code, late.json()["code"]) == (409, "step_not_allowed")


async def test_an_officer_sees_whom_they_invited(agency, worker, filed):
    code = await filed()
    officer = await agency.caller("intake_officer", province="Yazd", sub="officer-of-yazd")
    visit = {
        "reason_kind": "document",
        "place_level": "county",
        "place": "ادارهٔ یزد",
        "on": "2026-12-30",
    }
    asked = await officer.post(f"/v1/applications/{code}/request-visit", visit)
    assert asked.status_code == 200, asked.text
    row = (await listed(officer))[code]
    assert (row["status"], "intake_officer" in row["waits_for"]) == ("visit_required", True)
    assert (await officer.post(f"/v1/worklist/{code}/claim")).json()["claimed_by_me"] is True
    assert (await listed(worker))[code]["claimed_until"] is not None


async def test_the_oldest_promise_comes_first_page_by_page(worker, filed, later):
    codes = [await filed() for _ in range(2)]
    with later(days=20):
        codes.append(await filed())
        codes.append(await filed())
    pages, cursor = [], None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await worker.get("/v1/worklist", params=params)).json()
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len({row["tracking_code"] for row in pages}) == len(pages)
    assert [row["due_on"] for row in pages] == sorted(row["due_on"] for row in pages)
    order = [row["tracking_code"] for row in pages if row["tracking_code"] in codes]
    assert set(order[:2]) == set(codes[:2])
    assert set(order[2:]) == set(codes[2:])
    for wrong in ("!", "WzFd", "WyJ4IiwieSJd"):
        bad = await worker.get("/v1/worklist", params={"cursor": wrong})
        assert (bad.status_code, bad.json()["code"]) == (400, "invalid_cursor")
    unknown = await worker.get("/v1/worklist", params={"province": "Fars"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_query")


async def test_a_broken_promise_shows(worker, filed, later):
    code = await filed()
    with later(days=60):
        assert (await listed(worker))[code]["overdue"] is True
    assert (await listed(worker))[code]["overdue"] is False


@pytest.mark.req("H50")
async def test_of_two_who_take_a_case_at_once_one_has_it(worker, second, filed):
    for _ in range(5):
        code = await filed()
        answers = await asyncio.gather(
            worker.post(f"/v1/worklist/{code}/claim"), second.post(f"/v1/worklist/{code}/claim")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = max(answers, key=lambda answer: answer.status_code)
        assert loser.json()["code"] == "already_claimed"
        seen = [(await listed(caller))[code] for caller in (worker, second)]
        assert sorted(row["claimed_by_me"] for row in seen) == [False, True]
        assert seen[0]["claimed_until"] == seen[1]["claimed_until"] is not None


@pytest.mark.req("H50")
async def test_a_claim_ends_by_itself_and_can_then_be_taken(worker, second, filed, later):
    code = await filed()
    path = f"/v1/worklist/{code}"
    assert (await worker.post(f"{path}/claim")).status_code == 200
    with later(minutes=29):
        assert (await second.post(f"{path}/claim")).status_code == 409
        assert (await worker.post(f"{path}/claim")).status_code == 200, "held longer"
    with later(minutes=45):
        assert (await second.post(f"{path}/claim")).status_code == 409
    with later(minutes=60):
        assert (await listed(worker))[code]["claimed_until"] is None
        taken = await second.post(f"{path}/claim")
        assert (taken.status_code, taken.json()["claimed_by_me"]) == (200, True)
        assert (await worker.post(f"{path}/claim")).status_code == 409


@pytest.mark.req("H50")
async def test_a_claim_is_given_back_or_handed_on(worker, second, approver, filed):
    code = await filed()
    path = f"/v1/worklist/{code}"
    await worker.post(f"{path}/claim")
    taken = await second.post(f"{path}/release")
    assert (taken.status_code, taken.json()["code"]) == (409, "already_claimed")
    body = {"to": "second-worker-of-yazd", "reason": "مرخصی همکار"}
    stolen = await second.post(f"{path}/reassign", body)
    assert (stolen.status_code, stolen.json()["code"]) == (403, "role_not_allowed")
    handed = await worker.post(f"{path}/reassign", body)
    assert (handed.status_code, handed.json()["claimed_by_me"]) == (200, False)
    assert (await listed(second))[code]["claimed_by_me"] is True
    back = {"to": "worker-of-yazd", "reason": "تقسیم کار"}
    assert (await approver.post(f"{path}/reassign", back)).status_code == 200
    assert (await listed(worker))[code]["claimed_by_me"] is True
    for _ in range(2):
        given = await worker.post(f"{path}/release")
        assert (given.status_code, given.json()["claimed_until"]) == (200, None)
    assert (await second.post(f"{path}/claim")).status_code == 200


async def test_a_claim_under_one_key_is_answered_once(worker, filed):
    code = await filed()
    key = str(uuid4())
    first = await worker.post(f"/v1/worklist/{code}/claim", key=key)
    again = await worker.post(f"/v1/worklist/{code}/claim", key=key)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_case_that_has_gone_on_is_free_for_the_next_role(agency, worker, approver, filed):
    code = await filed()
    assert (await worker.post(f"/v1/worklist/{code}/claim")).status_code == 200
    steps = {"review": None, "plan-visit": {"visit_on": "2027-02-10"}, "record-visit": VISIT}
    for action, body in steps.items():
        answer = await worker.post(f"/v1/livelihood/cases/{code}/{action}", body)
        assert answer.status_code == 200, answer.text
    await agency.settled()
    assert code not in await listed(worker)
    assert (await listed(approver))[code]["claimed_until"] is None
    mine = await worker.post(f"/v1/worklist/{code}/claim")
    assert (mine.status_code, mine.json()["code"]) == (403, "role_not_allowed")
    taken = await approver.post(f"/v1/worklist/{code}/claim")
    assert (taken.status_code, taken.json()["claimed_by_me"]) == (200, True)
