"""Help first: granted at once inside area and days, visited later, reviewed, ended by date."""

import asyncio
from datetime import timedelta

import pytest

from tests import make
from tests.livelihood.desk import FINDINGS, Filed
from tests.livelihood.emergencies.quake import ELSEWHERE, PROVINCE, REASON

VISIT = {"findings": FINDINGS, "score": 55}


async def visited(quake, code):
    worker = quake.desk.caller("social_worker", province=PROVINCE)
    answer = await worker.post(f"/cases/{code}/record-emergency-visit", VISIT)
    assert answer.status_code == 200, answer.text


async def review(quake, code, outcome="extend", *, until=None, by=None):
    body = {"outcome": outcome, "reason": REASON}
    body |= {"ends_on": until.isoformat()} if until else {}
    return await (by or quake.approver()).post(f"/cases/{code}/review-emergency", body)


@pytest.mark.req("LV-34")
async def test_an_approver_grants_help_at_once_and_the_household_hears_from_when_to_when(quake):
    filed = await quake.asked()
    answer = await quake.grant(filed, until=quake.day(1, 20))
    assert answer.status_code == 200, answer.text
    case = answer.json()
    assert case["status"] == "emergency_active"
    assert case["emergency_ends_on"] == quake.day(1, 20).isoformat()
    assert case["history"][-1]["label"] == "حمایت اضطراری برقرار شد"
    [told] = await quake.desk.told(filed, "livelihood.emergency_granted")
    assert told["facts"]["start_on"] == quake.day(0).isoformat()
    assert told["facts"]["due_on"] == quake.day(1, 20).isoformat()
    assert told["household_id"] == str(filed.household_id)
    award = await quake.of(filed)
    assert set(award["person_ids"]) == {filed.person_id, filed.child_id}
    assert award["payee_account_id"] is None  # help does not wait for the bank
    await quake.desk.fire()
    assert (await quake.of(filed))["payee_account_id"] is not None


@pytest.mark.req("LV-34")
async def test_the_approver_sees_which_emergency_the_applicant_named(quake):
    filed = Filed(province=PROVINCE, submitted_on=quake.day(0))
    details = filed.answer(lambda code: code.encode())["details"]
    filed.told = {"details": details | {"emergency_id": quake.emergency_id}}
    await quake.desk.route(filed)
    case = (await quake.approver().get(f"/cases/{filed.code}")).json()
    assert (case["status"], case["emergency_id"]) == ("routed", quake.emergency_id)
    assert "grant-emergency" in case["actions"]


@pytest.mark.req("H51")
async def test_nobody_helps_their_own_relatives(quake):
    approver = quake.approver(national_code=make.national_code())
    cousin = quake.approver(national_code=(code := make.national_code()))
    filed = await quake.asked("under_review", kin=[code])
    for refused in (await quake.open(filed, by=cousin), await quake.grant(filed, by=cousin)):
        assert (refused.status_code, refused.json()["code"]) == (403, "own_or_relative_case")
    assert (await quake.open(filed, by=approver)).status_code == 201


@pytest.mark.req("LV-34")
@pytest.mark.parametrize("status", ["under_review", "visit_planned", "visited"])
async def test_help_comes_at_any_point_before_the_decision(quake, status):
    filed = await quake.asked(status)
    assert (await quake.grant(filed)).json()["status"] == "emergency_active"


@pytest.mark.req("LV-34")
async def test_nothing_is_granted_outside_the_area_or_the_days(quake):
    elsewhere = await quake.asked(province=ELSEWHERE)
    answer = await quake.grant(elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (409, "outside_emergency")
    assert answer.json()["outside"] == "area"
    here = await quake.asked()
    too_long = await quake.grant(here, until=quake.last_day(2) + timedelta(days=1))
    assert (too_long.status_code, too_long.json()["outside"]) == (409, "dates")
    quake.go(3)
    too_late = await quake.grant(here, until=quake.day(3))
    assert (too_late.status_code, too_late.json()["outside"]) == (409, "dates")
    assert await quake.desk.status(here) == "routed"
    assert await quake.of(here) is None


@pytest.mark.req("LV-34")
async def test_a_declared_county_helps_its_own_people_only(quake):
    answer = await quake.declare(provinces=[], counties=[f"{PROVINCE}/center"])
    near = answer.json()["emergency_id"]
    answer = await quake.declare(provinces=[], counties=[f"{PROVINCE}/Paveh"])
    far = answer.json()["emergency_id"]
    filed = await quake.asked()
    assert (await quake.grant(filed, emergency_id=far)).json()["outside"] == "area"
    assert (await quake.grant(filed, emergency_id=near)).status_code == 200


@pytest.mark.req("LV-35")
async def test_no_help_without_an_end(quake):
    filed = await quake.asked()
    missing = await quake.grant(filed, ends_on=None)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/ends_on")
    gone = await quake.grant(filed, until=quake.day(0, 4))
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (422, "in_the_past")


async def test_who_worked_on_it_or_has_no_right_grants_nothing(quake):
    worker = quake.desk.caller("social_worker", "approver", province=PROVINCE)
    filed = await quake.asked()
    assert (await worker.do(filed, "review")).status_code == 200
    answer = await quake.grant(filed, by=worker)
    assert (answer.status_code, answer.json()["code"]) == (403, "separation_of_duties")
    beside = await quake.open(filed, by=worker)
    assert (beside.status_code, beside.json()["code"]) == (403, "separation_of_duties")
    for role in ("social_worker", "finance_approver", "operator"):
        caller = quake.desk.caller(role, province=PROVINCE)
        assert (await quake.grant(filed, by=caller)).status_code == 403
        assert (await quake.open(filed, by=caller)).status_code == 403
    stranger = quake.approver(province=ELSEWHERE)
    assert (await quake.grant(filed, by=stranger)).status_code == 404
    assert (await quake.open(filed, by=stranger)).status_code == 404


@pytest.mark.req("H27")
async def test_a_household_has_one_emergency_at_a_time_whoever_is_faster(quake):
    filed = await quake.asked("under_review")
    answers = await asyncio.gather(*(quake.open(filed) for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 5
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {
        "household_has_emergency"
    }
    again = await quake.grant(filed)
    assert again.json()["last_period"] == quake.month(1)


@pytest.mark.req("LV-35")
async def test_it_ends_by_its_date_and_payroll_stops_in_the_month_after(paying):
    filed = await paying.helped(until=paying.day(1, 10))
    await paying.pay(0)
    await paying.pass_to(1, 10)
    assert await paying.desk.status(filed) == "emergency_active"
    await paying.pass_to(1, 11)
    assert await paying.desk.status(filed) == "emergency_ended"
    [told] = await paying.desk.told(filed, "livelihood.emergency_ended")
    assert told["facts"] == {"due_on": paying.day(1, 10).isoformat(), "coverage": "ends"}
    await paying.pay(1)
    await paying.pay(2)
    assert await paying.paid(filed) == [
        (0, "emergency", "base", paying.rate),
        (1, "emergency", "base", paying.rate),
    ]


@pytest.mark.req("LV-35")
async def test_it_is_prolonged_only_by_another_approver_after_the_visit(quake):
    filed = await quake.asked()
    first = quake.approver(sub="approver-who-granted")
    await quake.grant(filed, until=quake.day(0, 20), by=first)
    later = quake.day(2, 10)
    unseen = await review(quake, filed.code, until=later)
    assert (unseen.status_code, unseen.json()["code"]) == (409, "emergency_visit_missing")
    await visited(quake, filed.code)
    own = await review(quake, filed.code, until=later, by=first)
    assert (own.status_code, own.json()["code"]) == (403, "separation_of_duties")
    beyond = await review(quake, filed.code, until=quake.day(3))
    assert (beyond.status_code, beyond.json()["outside"]) == (409, "dates")
    for ends_on in (None, quake.day(0, 20)):
        refused = await review(quake, filed.code, until=ends_on)
        assert refused.json()["errors"][0]["code"] == "not_later"
    answer = await review(quake, filed.code, until=later)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "emergency_active"
    [told] = await quake.desk.told(filed, "livelihood.emergency_extended")
    assert told["facts"] == {"due_on": later.isoformat()}
    await quake.pass_to(0, 25)
    assert await quake.desk.status(filed) == "emergency_active"
    assert (await quake.of(filed))["last_period"] == int(quake.month(2).replace("-", ""))


@pytest.mark.req("LV-35")
async def test_a_review_may_end_it_today(paying):
    filed = await paying.helped(until=paying.last_day(2))
    answer = await review(paying, filed.code, "end")
    assert answer.json()["status"] == "emergency_ended"
    assert (await paying.desk.told(filed, "livelihood.emergency_ended"))[0]["facts"]["coverage"]
    await paying.pay(0)
    await paying.pay(1)
    assert [month for month, *_ in await paying.paid(filed)] == [0]


async def test_the_visit_that_follows_is_a_task_with_a_day(quake):
    filed = await quake.helped(until=quake.last_day(2))
    path = f"/emergencies/{quake.emergency_id}/awards"
    worker = quake.desk.caller("social_worker", province=PROVINCE)

    async def whose(visit):
        page = (await worker.get(path, visit=visit)).json()
        return [one["tracking_code"] for one in page["items"]]

    due = (await quake.of(filed))["visit_due_on"]
    assert due > quake.day(0, 15)
    assert [await whose(one) for one in ("waiting", "overdue", "done")] == [[filed.code], [], []]
    quake.desk.move_clock(due + timedelta(days=1))
    assert [await whose(one) for one in ("waiting", "overdue", "done")] == [[], [filed.code], []]
    await visited(quake, filed.code)
    assert [await whose(one) for one in ("waiting", "overdue", "done")] == [[], [], [filed.code]]
    assert (await worker.get(path, visit="never")).status_code == 400


async def test_awards_are_shown_page_by_page_to_those_of_the_province(quake):
    codes = {(await quake.helped()).code for _ in range(3)}
    path = f"/emergencies/{quake.emergency_id}/awards"
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await quake.approver().get(path, limit=2, **more)).json()
        found += [one["tracking_code"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(found), set(found)) == (3, codes)
    assert (await quake.approver(province=ELSEWHERE).get(path)).json()["items"] == []
    assert len((await quake.desk.caller("auditor").get(path)).json()["items"]) == 3
    assert (await quake.approver().get(path, cursor="x")).json()["code"] == "invalid_cursor"


@pytest.mark.req("LV-22")
async def test_a_strange_account_is_asked_for_again_and_help_is_held_meanwhile(paying):
    desk = paying.desk
    filed = await paying.asked(owns=False)
    await desk.account(filed.person.sheba, make.national_code())
    await paying.grant(filed, until=paying.last_day(1))
    await desk.fire()
    assert len(await desk.told(filed, "livelihood.account_requested")) == 1
    await paying.pay(0)
    held = await desk.eye.fetchrow(
        "SELECT state, reason FROM livelihood.item WHERE household_id = $1", filed.household_id
    )
    assert tuple(held) == ("held", "account_missing")
    fresh = make.sheba()
    await desk.account(fresh, filed.person.national_code)
    answer = await desk.citizen(filed).do(filed, "correct-account", {"sheba": fresh})
    assert answer.status_code == 200, answer.text
    await desk.hear()
    await desk.fire()
    assert (await paying.of(filed))["payee_account_id"] is not None
    await paying.pay(1)
    states = await desk.eye.fetch(
        "SELECT state FROM livelihood.item WHERE household_id = $1 ORDER BY period",
        filed.household_id,
    )
    assert [row["state"] for row in states] == ["held", "planned"]


async def test_a_silent_bank_is_asked_again(quake):
    filed = await quake.asked()
    await quake.grant(filed)
    await quake.desk.fault("central-bank", "error")
    await quake.desk.fire()
    assert (await quake.of(filed))["payee_account_id"] is None
    await quake.desk.fault("central-bank", "ok")
    await quake.pass_to(0, 6)
    assert (await quake.of(filed))["payee_account_id"] is not None
