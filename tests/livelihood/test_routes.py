"""The admission as its people meet it: worker, approver, applicant, and those who may not."""

import asyncio
from datetime import date

import pytest

from shared.storage import policy
from tests import make

OLD = date(1950, 1, 15)
REFUSED = {"reasons": ["درآمد خانوار بیش از حد دستورالعمل است"]}


def code_of(answer):
    return answer.status_code, answer.json().get("code")


@pytest.mark.req("LV-13", "LV-15", "LV-16", "LV-18", "LV-19")
async def test_from_the_request_to_the_award_step_by_step(desk):
    filed = await desk.opened()
    worker, approver = desk.caller("social_worker"), desk.caller("approver")
    seen = (await worker.get(f"/cases/{filed.code}")).json()
    assert seen["status"] == "routed"
    assert seen["actions"] == ["declare-conflict", "review"]
    assert seen["address"]["text"].startswith("خیابان شوش")

    answer = await worker.do(filed, "review")
    assert (answer.status_code, answer.json()["status"]) == (200, "under_review")
    assert answer.headers["etag"] == '"2"'
    day = desk.day(4)
    answer = await worker.do(filed, "plan-visit", {"visit_on": day})
    assert answer.json()["visit_on"] == day
    assert (await desk.told(filed, "livelihood.visit_planned"))[0]["facts"] == {"visit_on": day}
    visit = {"findings": _findings(no_head=True), "score": 72, "latitude": 35.66,
             "longitude": 51.44, "photo_consent": True, "note": "خانه اجاره‌ای است"}  # fmt: skip
    answer = await worker.do(filed, "record-visit", visit)
    assert answer.json()["status"] == "visited"
    answer = await approver.do(filed, "confirm", {"reasons": ["احراز شد"], "note": "کامل"})
    confirmed = answer.json()
    assert confirmed["status"] == "confirmed"
    assert confirmed["rule_version"] == "1405-1"
    assert confirmed["decision_id"].startswith("livelihood-")
    assert confirmed["award_id"] is None
    assert (await desk.told(filed, "livelihood.confirmed"))[0]["facts"] == {
        "reason_code": "no_head"
    }

    await desk.cover(filed)
    await desk.fire()
    active = (await desk.citizen(filed).get(f"/cases/{filed.code}")).json()
    assert active["status"] == "active"
    assert active["account_state"] == "verified"
    assert [step["step"] for step in active["history"]] == [
        "open", "review", "plan_visit", "record_visit", "confirm", "activate",
    ]  # fmt: skip
    assert all(step["at_jalali"] for step in active["history"])

    award = await desk.citizen(filed).get(f"/awards/{active['award_id']}")
    assert award.headers["etag"] == f'"{active["version"]}"'  # one timeline, one count
    body = award.json()
    assert (body["covered_size"], body["status"], body["reason"]) == (2, "active", "no_head")
    assert body["start_period"] == body["started_on_jalali"][:7]
    assert body["tracking_code"] == filed.code
    row = await desk.row(filed)
    assert filed.person.sheba.encode() not in bytes(row["sheba"])
    kept = await desk.eye.fetchrow("SELECT * FROM livelihood.award WHERE case_id = $1", row["id"])
    assert kept["payee_id"] == filed.person_id


def _findings(**seen):
    return {"disability": False, "no_head": False, "illness": False, "housing": "rented",
            "persons_seen": 2} | seen  # fmt: skip


@pytest.mark.req("LV-16")
async def test_the_visit_is_kept_whole_and_sealed(desk):
    filed = await desk.opened("visit_planned")
    worker = desk.caller("social_worker", sub="worker-of-the-house")
    at = desk.runtime.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {"findings": _findings(illness=True), "score": 55, "happened_at": at,
            "latitude": 35.123456, "longitude": 51.1, "note": "بیماری دیده شد"}  # fmt: skip
    assert (await worker.do(filed, "record-visit", body)).status_code == 200
    row = await desk.row(filed)
    visit = await desk.eye.fetchrow("SELECT * FROM livelihood.visit WHERE case_id = $1", row["id"])
    assert (visit["outcome"], visit["score"], visit["worker_sub"], visit["photo_consent"]) == (
        "done", 55, "worker-of-the-house", False,
    )  # fmt: skip
    assert visit["planned_on"] == row["visit_on"]
    report = desk.runtime.crypto.open_json(
        visit["report"], table="visit", column="report", row=f"{row['id']}/1"
    )
    assert report["place"] == ["35.123456", "51.100000"]
    assert report["findings"]["illness"] is True
    assert "بیماری".encode() not in bytes(visit["report"])


@pytest.mark.req("LV-16")
async def test_nobody_is_confirmed_without_a_visit(desk):
    approver = desk.caller("approver")
    for status in ("routed", "under_review", "visit_planned"):
        filed = await desk.opened(status)
        answer = await approver.do(filed, "confirm", {})
        assert code_of(answer) == (409, "step_not_allowed")
        assert answer.json()["current_status"] == status


@pytest.mark.req("LV-14")
async def test_a_case_with_papers_missing_is_not_reviewed(desk):
    filed = await desk.opened(missing=["no_head_proof"])
    worker = desk.caller("social_worker")
    answer = await worker.do(filed, "review")
    assert code_of(answer) == (409, "documents_missing")
    assert answer.json()["kinds"] == ["no_head_proof"]
    assert await desk.status(filed) == "routed"
    filed.missing.clear()
    assert (await worker.do(filed, "review")).status_code == 200


async def test_a_review_waits_for_intake_and_loses_nothing(desk):
    filed = await desk.opened()
    known = desk.intake.known.pop(filed.code)
    worker = desk.caller("social_worker")
    assert code_of(await worker.do(filed, "review")) == (503, "unavailable")
    desk.intake.known[filed.code] = known
    assert (await worker.do(filed, "review")).status_code == 200


# Duties


@pytest.mark.req("X-12")
@pytest.mark.parametrize("action", ["review", "plan-visit", "record-visit"])
@pytest.mark.parametrize("verdict", ["confirm", "refuse"])
async def test_who_worked_on_a_case_does_not_decide_on_it(desk, action, verdict):
    both = desk.caller("social_worker", "approver")
    other = desk.caller("social_worker")
    filed = await desk.opened()
    for name, body in (
        ("review", {}),
        ("plan-visit", {"visit_on": desk.day(2)}),
        ("record-visit", {"findings": _findings(no_head=True), "score": 90}),
    ):
        who = both if name == action else other
        assert (await who.do(filed, name, body)).status_code == 200
    offered = (await both.get(f"/cases/{filed.code}")).json()["actions"]
    assert verdict not in offered
    answer = await both.do(filed, verdict, REFUSED)
    assert code_of(answer) == (403, "separation_of_duties")
    assert await desk.status(filed) == "visited"
    assert (await desk.caller("approver").do(filed, verdict, REFUSED)).status_code == 200


@pytest.mark.req("X-12")
async def test_role_comes_before_state_and_state_before_duties(desk):
    both = desk.caller("social_worker", "approver")
    filed = await desk.opened()
    assert code_of(await desk.caller("approver").do(filed, "review")) == (403, "role_not_allowed")
    assert (await both.do(filed, "review")).status_code == 200
    assert code_of(await both.do(filed, "confirm")) == (409, "step_not_allowed")


@pytest.mark.req("H51")
async def test_nobody_decides_on_their_own_case_nor_on_a_relatives(desk):
    brother = make.national_code()
    filed = await desk.opened("visited", kin=[brother])
    for national_code in (filed.person.national_code, brother):
        approver = desk.caller("approver", national_code=national_code)
        for action in ("confirm", "refuse"):
            answer = await approver.do(filed, action, REFUSED)
            assert code_of(answer) == (403, "own_or_relative_case")
    assert await desk.status(filed) == "visited"
    stranger = desk.caller("approver", national_code=make.national_code())
    assert (await stranger.do(filed, "confirm")).status_code == 200


@pytest.mark.req("H51")
async def test_a_declared_conflict_keeps_a_colleague_out(desk):
    filed = await desk.opened("visited")
    approver = desk.caller("approver")
    body = {"reason": "متقاضی همسایهٔ من است"}
    answer = await approver.do(filed, "declare-conflict", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "visited")
    assert code_of(await approver.do(filed, "confirm")) == (403, "separation_of_duties")
    seen = (await desk.citizen(filed).get(f"/cases/{filed.code}")).json()
    assert "declare_conflict" not in [step["step"] for step in seen["history"]]
    staff = (await desk.caller("approver").get(f"/cases/{filed.code}")).json()
    assert "declare_conflict" in [step["step"] for step in staff["history"]]


@pytest.mark.req("H50")
async def test_two_who_decide_at_once_make_one_decision(desk):
    for _ in range(6):
        filed = await desk.opened("visited")
        yes, no = desk.caller("approver"), desk.caller("approver")
        answers = await asyncio.gather(yes.do(filed, "confirm"), no.do(filed, "refuse", REFUSED))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert lost.json()["code"] in {"step_not_allowed", "case_changed"}
        decisions = await desk.eye.fetchval(
            'SELECT count(*) FROM livelihood.decision d JOIN livelihood."case" c'
            " ON c.id = d.case_id WHERE c.tracking_code = $1",
            filed.code,
        )
        assert decisions == 1


@pytest.mark.req("H50")
async def test_a_decision_on_what_has_changed_meanwhile_is_refused(desk):
    filed = await desk.opened("visited")
    approver = desk.caller("approver")
    answer = await approver.do(filed, "confirm", {}, **{"if-match": '"3"'})
    assert code_of(answer) == (412, "stale_version")
    assert (await approver.do(filed, "confirm", {}, **{"if-match": '"4"'})).status_code == 200


async def test_a_retry_gets_the_same_bytes_and_another_body_is_refused(desk):
    filed = await desk.opened("visited")
    approver = desk.caller("approver")
    first = await approver.do(filed, "confirm", {"reasons": ["احراز شد"]}, key="k-1")
    again = await approver.do(filed, "confirm", {"reasons": ["احراز شد"]}, key="k-1")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    other = await approver.do(filed, "confirm", {"reasons": ["دیگر"]}, key="k-1")
    assert code_of(other) == (422, "idempotency_key_reused")
    assert (await desk.steps(filed)).count("confirm") == 1


# The instruction


@pytest.mark.req("LV-17")
async def test_what_the_instruction_does_not_allow_is_not_confirmed(desk):
    filed = await desk.opened("visit_planned")
    visit = {"findings": _findings(), "score": 12}
    await desk.caller("social_worker").do(filed, "record-visit", visit)
    approver = desk.caller("approver")
    answer = await approver.do(filed, "confirm")
    assert code_of(answer) == (409, "admission_rules_not_met")
    assert sorted(answer.json()["reasons"]) == ["no_head", "score"]
    assert {fault["code"] for fault in answer.json()["errors"]} == {"no_head", "score"}
    assert (await approver.do(filed, "refuse", REFUSED)).status_code == 200
    row = await desk.row(filed)
    decision = await desk.eye.fetchrow(
        "SELECT * FROM livelihood.decision WHERE case_id = $1", row["id"]
    )
    assert (decision["outcome"], decision["rule_version"]) == ("refused", "1405-1")
    assert sorted(decision["failed"]) == ["no_head", "score"]
    assert decision["reasons"] == REFUSED["reasons"] == row["reasons"]
    rule = await desk.eye.fetchrow(
        "SELECT key FROM livelihood.policy WHERE id = $1", decision["policy_id"]
    )
    assert rule["key"] == "livelihood.admission"


async def test_the_age_of_the_one_who_is_served_decides(desk):
    approver = desk.caller("approver")
    young = await desk.opened("visited", reason="elderly")
    assert code_of(await approver.do(young, "confirm")) == (409, "admission_rules_not_met")
    old = await desk.opened("visited", reason="elderly", person=make.Person(birth_on=OLD))
    assert (await approver.do(old, "confirm")).status_code == 200


@pytest.mark.req("H52", "LV-17")
async def test_the_rules_are_those_of_the_day_of_submission_unless_policy_says_decision(desk):
    strict = {"version": "1406-4", "min_score": 95, "reasons": {"no_head": {}}}
    await _put(desk, "livelihood.admission", strict, since=date(2028, 1, 1))
    await _put(desk, "livelihood.rule_date", {"by": "decision"}, since=date(2028, 7, 1))
    desk.move_clock(date(2028, 2, 1))
    approver = desk.caller("approver")
    before = await desk.opened("visited", submitted_on=date(2027, 12, 30))
    after = await desk.opened("visited", submitted_on=date(2028, 1, 2))
    late = await desk.opened("visited", submitted_on=date(2027, 12, 30))
    answer = await approver.do(before, "confirm")
    assert answer.status_code == 200
    assert (answer.json()["rule_version"], answer.json()["rule_on"]) == ("1405-1", "2027-12-30")
    answer = await approver.do(after, "confirm")
    assert code_of(answer) == (409, "admission_rules_not_met")
    assert answer.json()["rule_version"] == "1406-4"
    desk.move_clock(date(2028, 8, 1))
    answer = await approver.do(late, "confirm")
    assert code_of(answer) == (409, "admission_rules_not_met")
    assert answer.json()["rule_version"] == "1406-4"


async def _put(desk, key, value, *, since):
    async with desk.runtime.transaction() as tx:
        await policy.put(tx, key, value, effective_from=since, source_ref="a test", confidence="L")


# Visits


async def test_a_visit_is_not_planned_into_the_past_nor_made_in_the_future(desk):
    worker = desk.caller("social_worker")
    filed = await desk.opened("under_review")
    answer = await worker.do(filed, "plan-visit", {"visit_on": desk.day(-1)})
    assert code_of(answer) == (422, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/visit_on"
    assert (await worker.do(filed, "plan-visit", {"visit_on": desk.day(0)})).status_code == 200
    visit = {"findings": _findings(), "score": 50, "happened_at": f"{desk.day(2)}T08:00:00Z"}
    answer = await worker.do(filed, "record-visit", visit)
    assert answer.json()["errors"][0]["pointer"] == "/happened_at"


async def test_after_the_last_try_that_policy_allows_the_case_closes(desk):
    worker = desk.caller("social_worker")
    filed = await desk.opened("under_review")
    for tries in (1, 2, 3):
        assert (await worker.do(filed, "plan-visit", {"visit_on": desk.day(1)})).is_success
        answer = await worker.do(filed, "record-no-show", {"reason": "کسی نبود"})
        assert answer.json()["visit_tries"] == tries
        assert answer.json()["status"] == "visit_failed"
        if tries < 3:
            await desk.fire()
            assert await desk.status(filed) == "visit_failed"
    answer = await worker.do(filed, "plan-visit", {"visit_on": desk.day(1)})
    assert code_of(answer) == (409, "visit_tries_used")
    await desk.fire()
    assert await desk.status(filed) == "unreached"
    outcomes = await desk.eye.fetch(
        'SELECT outcome FROM livelihood.visit v JOIN livelihood."case" c ON c.id = v.case_id'
        " WHERE c.tracking_code = $1 ORDER BY number",
        filed.code,
    )
    assert [row["outcome"] for row in outcomes] == ["no_show"] * 3


# Objection


async def _refused(desk, approver, **more):
    filed = await desk.opened("visited", **more)
    assert (await approver.do(filed, "refuse", REFUSED)).status_code == 200
    return filed


async def test_an_objection_is_decided_by_another_and_once(desk):
    first, second = desk.caller("approver"), desk.caller("approver")
    filed = await _refused(desk, first)
    body = {"text": "درآمد مربوط به پارسال است"}
    answer = await desk.citizen(filed).do(filed, "object", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "objection_open")
    no = {"outcome": "rejected", "reasons": ["مدرک تازه‌ای نیست"]}
    assert code_of(await first.do(filed, "decide-objection", no)) == (403, "separation_of_duties")
    assert (await second.do(filed, "decide-objection", no)).json()["status"] == (
        "objection_rejected"
    )
    assert code_of(await desk.citizen(filed).do(filed, "object", body)) == (
        409, "step_not_allowed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "score", "status", "topic"),
    [
        ("accepted", 72, "confirmed", "livelihood.confirmed"),
        ("accepted", 5, "under_review", "livelihood.objection_accepted"),
        ("partly", 72, "under_review", "livelihood.objection_accepted"),
        ("rejected", 72, "objection_rejected", "livelihood.objection_rejected"),
    ],
)
async def test_what_follows_from_an_objection(desk, outcome, score, status, topic):
    filed = await desk.opened("visit_planned")
    visit = {"findings": _findings(no_head=True), "score": score}
    await desk.caller("social_worker").do(filed, "record-visit", visit)
    await desk.caller("approver").do(filed, "refuse", REFUSED)
    await desk.citizen(filed).do(filed, "object", {"text": "اعتراض دارم"})
    body = {"outcome": outcome, "reasons": ["بررسی شد"]}
    answer = await desk.caller("approver").do(filed, "decide-objection", body)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert len(await desk.told(filed, topic)) == 1
    kinds = await desk.eye.fetch(
        'SELECT kind, outcome FROM livelihood.decision d JOIN livelihood."case" c'
        " ON c.id = d.case_id WHERE c.tracking_code = $1 ORDER BY d.version",
        filed.code,
    )
    assert [tuple(row) for row in kinds] == [("admission", "refused"), ("objection", outcome)]


async def test_an_objection_after_its_time_is_refused(desk):
    filed = await _refused(desk, desk.caller("approver"))
    decided = (await desk.row(filed))["decided_on"]
    desk.move_clock(date.fromordinal(decided.toordinal() + 32))
    answer = await desk.citizen(filed).do(filed, "object", {"text": "اعتراض دارم"})
    assert code_of(answer) == (409, "objection_too_late")


async def test_a_refusal_without_a_reason_is_no_refusal(desk):
    filed = await desk.opened("visited")
    for body in ({}, {"reasons": []}, {"reasons": [" "]}):
        answer = await desk.caller("approver").do(filed, "refuse", body)
        assert code_of(answer) == (422, "invalid_input")
