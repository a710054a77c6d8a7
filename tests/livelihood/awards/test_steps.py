"""What people do with an award: hold, resume, review, stop, object, renew, change the account."""

import asyncio
import json
from datetime import timedelta

import pytest

from services.livelihood.awards import rules
from services.livelihood.awards.routes import ACTIONS
from shared.storage import policy
from tests import make
from tests.livelihood.awards.home import Home

SAID = {"reasons": ["خانوار دیگر به این خدمت نیاز ندارد"]}
WHY = {"reason": "در نشانی و با تلفن در دسترس نبود"}


def code_of(answer):
    return answer.status_code, answer.json().get("code")


# Holding back


async def test_a_suspension_holds_and_a_resumption_gives_back_what_was_held(home):
    await home.after_months(1)
    shown = await home.done("social_worker", "suspend", WHY | {"ground": "unreachable"})
    assert (shown["status"], shown["ground"]) == ("suspended", "unreachable")
    assert shown["held_from_period"] == home.month
    assert (await home.owed())["held"]
    await home.after_months(2)
    shown = await home.done("approver", "resume", {"reason": "تماس گرفتند"})
    assert (shown["status"], shown["held_from_period"]) == ("active", None)
    assert shown["recompute_from_period"] == rules.next_period(home.month, -2)
    assert not (await home.owed())["held"]
    told = [len(await home.desk.told(home.filed, f"livelihood.{t}")) for t in ("suspended", "resumed")]  # fmt: skip  # noqa: E501
    assert told == [1, 1]


async def test_after_the_months_list_is_drawn_a_suspension_holds_the_next(home):
    await home.after_months(1, day=28)
    shown = await home.done("approver", "suspend", WHY)
    assert shown["held_from_period"] == rules.next_period(home.month)
    assert not (await home.owed())["held"]
    assert (await home.owed(1))["held"]


async def test_what_a_person_suspended_no_news_resumes(home):
    """P17: a human decision outranks what the machine hears."""
    await home.after_months(1)
    await home.done("social_worker", "suspend", WHY)
    await home.happens("died", home.filed.person_id, home.today)
    await home.happens("death_reversed", home.filed.person_id, home.today)
    await home.covered("coverage.file_resumed", home.filed.person_id)
    assert (await home.status(), (await home.award())["ground"]) == ("suspended", "other")


async def test_who_suspended_does_not_resume_nor_stop(home):
    one = {"sub": "approver-of-both"}
    await home.done("approver", "suspend", WHY, **one)
    for action, body in (("resume", {}), ("stop", SAID)):
        answer = await home.do("approver", action, body, **one)
        assert code_of(answer) == (403, "separation_of_duties")
    await home.done("approver", "resume", {})


async def test_a_resumption_goes_back_to_the_review_that_was_interrupted(home):
    await home.after_months(1)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    await home.done("social_worker", "suspend", WHY)
    shown = await home.done("approver", "resume", {})
    assert shown["status"] == "exit_review"


# The exit


@pytest.mark.req("LV-44", "LV-48")
async def test_an_exit_is_decided_by_another_person_than_who_asked_for_it(home):
    await home.after_months(1)
    both = {"sub": "worker-and-approver"}
    body = {"ground": "business_sustained", "reason": "کارگاه خانوار پایدار است"}
    await home.done("social_worker", "open-exit-review", body, **both)
    decision = SAID | {"outcome": "stop"}
    answer = await home.do("approver", "decide-exit-review", decision, **both)
    assert code_of(answer) == (403, "separation_of_duties")
    shown = await home.done("approver", "decide-exit-review", decision)
    assert (shown["status"], shown["last_period"]) == ("stopped", home.month)
    assert await home.sizes(0, 1, 2) == [3, 0, 0]
    assert shown["history"][-1]["reason"] == SAID["reasons"][0]
    assert shown["actions"] == []
    again = await home.do("approver", "stop", SAID)
    assert (code_of(again), again.json()["current_status"]) == (
        (409, "step_not_allowed"),
        "stopped",
    )


async def test_a_decision_to_continue_stands_against_the_same_news(home):
    await home.after_months(1)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    shown = await home.done("approver", "decide-exit-review", SAID | {"outcome": "continue"})
    assert (shown["status"], shown["ground"]) == ("active", None)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    await home.happens("business_sustained", home.filed.person_id, home.day_of(0, day=2))
    assert await home.status() == "active"
    await home.after_months(1)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    assert await home.status() == "exit_review"


async def test_news_that_came_during_another_review_is_looked_at_after_it(home):
    await home.after_months(1)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    await home.happens("married", home.filed.person_id, home.today)
    await home.done("approver", "decide-exit-review", SAID | {"outcome": "continue"})
    assert (await home.award())["ground"] == "head_married"


@pytest.mark.req("LV-48")
async def test_a_stop_out_of_a_suspension_ends_before_the_months_held(home):
    await home.after_months(1)
    await home.done("social_worker", "suspend", WHY)
    await home.after_months(2)
    shown = await home.done("approver", "stop", SAID)
    assert shown["last_period"] == rules.next_period(home.month, -3)
    assert await home.sizes(-3, -2, -1, 0, 1) == [3, 0, 0, 0, 0]


# Objection and return


@pytest.mark.req("H24")
async def test_an_upheld_objection_gives_back_every_month_since_the_wrong_stop(home):
    await home.after_months(1)
    await home.done("approver", "stop", SAID, sub="who-stopped")
    stopped_on = home.today
    home.desk.move_clock(stopped_on + timedelta(days=25))
    citizen = home.desk.citizen(home.filed)
    path = f"/awards/{home.award_id}"
    answer = await citizen.post(f"{path}/object", {"text": "کسب و کار من هنوز درآمدی ندارد"})
    assert answer.status_code == 200, answer.text
    assert "object" not in answer.json()["actions"]
    decision = SAID | {"outcome": "accepted"}
    same = await home.do("approver", "decide-objection", decision, sub="who-stopped")
    assert code_of(same) == (403, "separation_of_duties")
    shown = await home.done("approver", "decide-objection", decision)
    assert (shown["status"], shown["last_period"], shown["stopped_on"]) == ("active", None, None)
    wrongful = rules.next_period(rules.period_of(stopped_on))
    assert shown["recompute_from_period"] == wrongful
    assert await home.sizes(-1, 0, 1) == [3, 3, 3]
    assert len(await home.desk.told(home.filed, "livelihood.reinstated")) == 1
    assert await home.versions() == [(rules.next_period(home.month, -2), 3)]


@pytest.mark.req("H24", "H54")
async def test_a_rejected_objection_is_the_last_and_too_late_is_too_late(desk):
    home = await Home.settled(desk)
    await home.done("approver", "stop", SAID)
    citizen, path = desk.citizen(home.filed), f"/awards/{home.award_id}/object"
    assert (await citizen.post(path, {"text": "درست نیست"})).status_code == 200
    shown = await home.done("approver", "decide-objection", SAID | {"outcome": "rejected"})
    assert shown["status"] == "stopped"
    assert code_of(await citizen.post(path, {"text": "درست نیست"})) == (409, "objected_before")
    other = await Home.settled(desk)
    await other.done("approver", "stop", SAID)
    desk.move_clock(other.today + timedelta(days=31))
    late = await desk.citizen(other.filed).post(
        f"/awards/{other.award_id}/object", {"text": "درست نیست"}
    )
    assert code_of(late) == (409, "objection_too_late")


async def returning(desk, home):
    """The same household asks again and is confirmed; its new case."""
    again = await desk.opened(
        "confirmed", person=home.filed.person, person_id=home.filed.person_id,
        child_id=home.filed.child_id, household_id=home.filed.household_id,
        submitted_on=home.today,
    )  # fmt: skip
    await desk.cover(again)
    await desk.fire()
    return again


@pytest.mark.req("H23")
async def test_who_comes_back_has_a_new_award_linked_to_the_old_and_nothing_for_the_gap(home):
    await home.after_months(1)
    await home.done("approver", "stop", SAID)
    last = (await home.award())["last_period"]
    people = (home.filed.person_id, home.filed.child_id, home.daughter)
    await home.covered("coverage.ended", *people)
    await home.after_months(3)
    again = await returning(home.desk, home)
    new = await home.desk.eye.fetchrow(
        "SELECT * FROM livelihood.award WHERE tracking_code = $1", again.code
    )
    assert new["previous_award_id"] == home.award_id
    assert new["start_period"] == home.month > last
    assert await home.sizes(-2, -1, 0) == [0, 0, 0]
    assert await home.status() == "stopped"
    fresh = Home(home.desk, again, home.daughter, new["id"])
    assert await fresh.sizes(-1, 0) == [0, 2]
    late = await home.desk.citizen(home.filed).post(
        f"/awards/{home.award_id}/object", {"text": "درست نیست"}
    )
    assert late.status_code == 409


@pytest.mark.req("H23")
async def test_who_comes_back_within_the_month_is_not_paid_twice_for_it(home):
    await home.done("approver", "stop", SAID)
    again = await returning(home.desk, home)
    start = await home.desk.eye.fetchval(
        "SELECT start_period FROM livelihood.award WHERE tracking_code = $1", again.code
    )
    assert start == rules.next_period(home.month)
    assert await home.sizes(0, 1) == [3, 0]


@pytest.mark.req("H25", "H23")
@pytest.mark.parametrize("failed", [False, True])
async def test_a_return_waits_as_policy_says_unless_the_business_failed(desk, failed):
    home = await Home.settled(desk)
    await home.happens("business_sustained", home.filed.person_id, home.today)
    await rule_of_return(desk, home.today, 2)
    try:
        await home.done("approver", "decide-exit-review", SAID | {"outcome": "stop"})
        if failed:
            await home.loan("recall_proposed", home.filed.person_id)
            assert len(await desk.told(home.filed, "livelihood.return_opened")) == 1
            await home.loan("recall_proposed", home.filed.person_id)
            assert (await home.steps()).count("open_return") == 1
        again = await returning(desk, home)
        assert await desk.status(again) == ("active" if failed else "confirmed")
        if not failed:
            answer = await desk.caller("approver").do(again, "activate")
            assert code_of(answer) == (409, "return_too_early")
            first = rules.may_return_on(home.today, opened=False, policy={"months": 2})
            assert answer.json()["may_return_on"] == first.isoformat()
            desk.move_clock(first)
            await desk.fire()
            assert await desk.status(again) == "active"
    finally:
        await rule_of_return(desk, home.today, 0)


async def rule_of_return(desk, day, months):
    """So many months must pass before a return; written over, for this test only."""
    await desk.eye.execute(
        "UPDATE livelihood.policy SET value = $1 WHERE key = 'livelihood.return'",
        json.dumps({"months": months}),
    )
    async with desk.runtime.transaction() as tx:
        policy._memory(tx.runtime).forget()
        assert (await policy.on(tx, "livelihood.return", day))["months"] == months


# The term


@pytest.mark.req("LV-42", "LV-40")
@pytest.mark.parametrize(("reason", "months"), [("other", 12), ("no_head", 24)])
async def test_a_term_ends_by_itself_unless_a_person_renews_it(desk, reason, months):
    home = await Home.settled(desk, reason=reason)
    award = await home.award()
    assert award["ends_period"] in {
        rules.next_period(home.month, months), rules.next_period(home.month, months - 1)
    }  # fmt: skip
    ends_on, review_on = award["ends_on"], award["review_on"]
    desk.move_clock(review_on)
    await desk.fire()
    assert (await home.award())["ground"] == "review_cycle"
    shown = await home.done("approver", "renew", {})
    assert (shown["status"], shown["ends_on"]) == ("active", ends_on.isoformat())
    assert shown["review_on"] > review_on.isoformat()
    desk.move_clock(ends_on + timedelta(days=45))
    await desk.fire()
    assert await home.status() == "renewal_review"
    assert await home.owed() is None


@pytest.mark.req("LV-42", "LV-48")
async def test_without_a_decision_nothing_is_paid_after_the_term_and_a_renewal_closes_the_gap(desk):
    home = await Home.settled(desk, reason="other")
    ends_on = (await home.award())["ends_on"]
    await desk.eye.execute(
        "UPDATE livelihood.award SET review_on = NULL WHERE id = $1", home.award_id
    )
    desk.move_clock(ends_on - timedelta(days=29))
    await desk.eye.execute(
        "UPDATE livelihood.timer SET due_at = $2 WHERE subject_id = $1",
        home.award_id, desk.runtime.clock.now(),
    )  # fmt: skip
    await desk.fire()
    award = await home.award()
    assert (award["status"], award["ground"]) == ("renewal_review", "term_ends")
    assert await home.sizes(0) == [3]
    end = award["ends_period"]
    desk.move_clock(ends_on + timedelta(days=70))
    assert await home.owed() is None
    assert home.month > rules.next_period(end)
    shown = await home.done("approver", "renew", SAID)
    assert shown["recompute_from_period"] == rules.next_period(end)
    assert await home.sizes(-1, 0, 1) == [3, 3, 3]


# The account


async def test_an_account_is_a_new_row_and_the_old_one_stays(home):
    path = f"/awards/{home.award_id}"
    old = (await home.award())["payee_account_id"]
    sheba = make.sheba()
    await home.desk.account(sheba, home.filed.person.national_code)
    citizen = home.desk.citizen(home.filed)
    assert code_of(await citizen.put(f"{path}/account", {"sheba": sheba}))[0] == 428
    stale = await citizen.put(f"{path}/account", {"sheba": sheba}, if_match='"1"')
    assert code_of(stale) == (412, "stale_version")
    etag = (await citizen.get(path)).headers["etag"]
    for stranger in (home.desk.caller("citizen", national_code=make.national_code()),
                     home.desk.caller("counter", office_code="1")):  # fmt: skip
        answer = await stranger.put(f"{path}/account", {"sheba": sheba}, if_match=etag)
        assert code_of(answer) == (404, "not_found")
    worker = home.desk.caller("social_worker")
    assert (await worker.put(f"{path}/account", {"sheba": sheba}, if_match=etag)).status_code == 403
    answer = await citizen.put(f"{path}/account", {"sheba": sheba}, if_match=etag)
    assert answer.status_code == 200, answer.text
    assert sheba not in answer.text
    new = (await home.award())["payee_account_id"]
    kept = await home.desk.eye.fetch(
        "SELECT id FROM livelihood.payee_account WHERE person_id = $1", home.filed.person_id
    )
    assert {row["id"] for row in kept} == {old, new}
    assert len(await home.desk.told(home.filed, "livelihood.award_account_changed")) == 1


async def test_a_silent_bank_changes_no_account(home):
    path = f"/awards/{home.award_id}"
    citizen = home.desk.citizen(home.filed)
    etag = (await citizen.get(path)).headers["etag"]
    await home.desk.fault("central-bank", "error")
    answer = await citizen.put(f"{path}/account", {"sheba": make.sheba()}, if_match=etag)
    assert answer.status_code == 503
    assert await home.steps() == ["activate"]


# The manner of all


@pytest.mark.parametrize("name", ACTIONS)
async def test_every_step_is_for_its_roles_and_needs_a_key(home, name):
    body = ACTIONS[name][0].model_config["json_schema_extra"]["examples"][0]
    ACTIONS[name][0].model_validate(body)
    answer = await home.do("auditor", name.replace("_", "-"), body)
    assert code_of(answer) == (403, "role_not_allowed")
    elsewhere = "citizen" if name == "object" else "approver"
    if name == "open_exit_review":
        elsewhere = "social_worker"
    other = await home.do(elsewhere, name.replace("_", "-"), body, province="Qom",
                          national_code=make.national_code())  # fmt: skip
    assert code_of(other) == (404, "not_found")


async def test_the_same_key_gets_the_same_answer_and_moves_once(home):
    who = home.desk.caller("social_worker")
    path = f"/awards/{home.award_id}/suspend"
    first = await who.post(path, WHY, key="k-1")
    again = await who.post(path, WHY, key="k-1")
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert await home.steps() == ["activate", "suspend"]


async def test_two_at_once_one_wins(home):
    answers = await asyncio.gather(*(home.do("approver", "stop", SAID) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_who_declared_a_conflict_keeps_out(home):
    me = {"sub": "neighbour"}
    await home.done("approver", "declare-conflict", {"reason": "همسایهٔ من است"}, **me)
    assert code_of(await home.do("approver", "stop", SAID, **me)) == (403, "separation_of_duties")
    seen = await home.desk.citizen(home.filed).get(f"/awards/{home.award_id}")
    assert [h["step"] for h in seen.json()["history"]] == ["activate"]


async def test_past_versions_and_facts_cannot_be_changed_by_the_service(home):
    await home.happens("moved", home.daughter, home.today)
    async with home.desk.runtime.transaction() as tx:
        for table in ("award_version", "life_fact"):
            with pytest.raises(Exception, match="permission denied"):
                await tx.fetch(f"DELETE FROM livelihood.{table}")
