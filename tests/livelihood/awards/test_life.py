"""Life happens to a household: late, twice, out of order; its award comes to what is true."""

from itertools import permutations
from uuid import UUID

import pytest

from services.livelihood.awards import queries, rules
from services.livelihood.awards.actions import life
from shared.values.calendar import add_jalali_months
from shared.values.identifiers import uuid7
from tests import make
from tests.livelihood.awards.home import Home


@pytest.mark.req("LV-02", "LV-12")
async def test_an_award_begins_with_its_first_version_and_its_first_line_of_history(home):
    assert await home.versions() == [(home.month, 3)]
    assert await home.steps() == ["activate"]
    owed = await home.owed()
    assert (owed["covered_size"], owed["held"]) == (3, False)
    assert await home.owed(-1) is None
    async with home.desk.runtime.transaction() as tx:
        rows = await queries.payable(tx, home.month)
    assert [row["award_id"] for row in rows].count(home.award_id) == 1


@pytest.mark.req("LV-12")
async def test_only_covered_members_count(desk):
    filed = await desk.opened("confirmed")  # two live there
    await desk.cover(filed, person_ids=[str(filed.person_id)])
    await desk.fire()
    home = Home(desk, filed, filed.child_id, (await desk.row(filed))["award_id"])
    assert (await home.award())["covered_size"] == 1
    assert await home.sizes(0) == [1]


# Deaths


@pytest.mark.req("H01", "LV-43")
@pytest.mark.parametrize("late", [0, 1, 3])
async def test_a_late_death_is_counted_back_and_nothing_past_is_rewritten(home, late):
    await home.after_months(4)
    died_on = home.day_of(-late, day=3)
    before = await home.versions()
    await home.happens("died", home.daughter, died_on)
    award = await home.award()
    from_period = rules.next_period(home.month, -late)
    assert await home.versions() == [*before, (from_period, 2)]
    assert award["recompute_from_period"] == from_period
    assert await home.sizes(-late - 1, -late, 0, 1) == [3, 2, 2, 2]
    assert (award["covered_size"], award["status"]) == (2, "active")
    [told] = await home.desk.told(home.filed, "livelihood.size_changed")
    assert told["facts"] == {"from_period": from_period, "reason": "death"}


@pytest.mark.req("H01")
async def test_a_death_after_the_snapshot_changes_the_next_month_only(home):
    await home.after_months(1, day=28)
    await home.happens("died", home.daughter, home.today)
    assert await home.sizes(0, 1) == [3, 2]
    assert (await home.award())["recompute_from_period"] is None


@pytest.mark.req("H02", "LV-43")
async def test_after_the_heads_death_payment_waits_for_the_successors_own_account(home):
    await home.after_months(1)
    await home.happens("died", home.filed.person_id, home.today)
    award = await home.award()
    assert (award["status"], award["ground"]) == ("suspended", "head_died")
    owed = await home.owed()
    assert (owed["held"], owed["covered_size"]) == (True, 2)  # kept, never to the dead's account
    [told] = await home.desk.told(home.filed, "livelihood.suspended")
    left = {str(home.filed.child_id), str(home.daughter)}
    assert set(told["person_ids"]) == left
    assert told["waits_for"] == ["approver"]
    refused = await home.do("approver", "resume", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "payee_died")

    heir = make.Person()
    home.desk.intake.people[str(home.daughter)] = heir.national_code
    await home.head(home.daughter)
    award = await home.award()
    assert (award["payee_id"], award["status"]) == (home.daughter, "suspended")
    assert len(await home.desk.told(home.filed, "livelihood.payee_changed")) == 1

    await home.desk.account(heir.sheba, heir.national_code)
    citizen = home.desk.caller("citizen", national_code=heir.national_code)
    path = f"/awards/{home.award_id}"
    etag = (await citizen.get(path)).headers["etag"]
    stranger = make.Person()
    await home.desk.account(stranger.sheba, stranger.national_code)
    wrong = await citizen.put(f"{path}/account", {"sheba": stranger.sheba}, if_match=etag)
    assert (wrong.status_code, wrong.json()["account_state"]) == (409, "mismatch")
    answer = await citizen.put(f"{path}/account", {"sheba": heir.sheba}, if_match=etag)
    assert answer.status_code == 200, answer.text
    await home.desk.fire()
    award = await home.award()
    assert (award["status"], award["held_from_period"]) == ("active", None)
    assert award["recompute_from_period"] == home.month  # arrears are kept
    assert not (await home.owed())["held"]
    assert await home.steps() == [
        "activate", "hold", "change_payee", "change_account", "release",
    ]  # fmt: skip


@pytest.mark.req("H02")
async def test_a_new_head_who_is_told_before_the_death_takes_over_all_the_same(home):
    await home.after_months(1)
    home.desk.intake.people[str(home.daughter)] = make.national_code()
    await home.head(home.daughter)
    assert await home.steps() == ["activate"]  # nobody has died: nothing moves
    await home.happens("died", home.filed.person_id, home.today)
    assert await home.steps() == ["activate", "hold", "change_payee"]


@pytest.mark.req("H02")
async def test_intake_away_does_not_keep_a_dead_heads_award_from_being_held(home):
    await home.after_months(1)
    await home.head(home.daughter)  # whom intake cannot tell us of just now
    await home.happens("died", home.filed.person_id, home.today)
    assert await home.status() == "suspended"


@pytest.mark.req("H03")
async def test_a_reversed_death_of_the_head_gives_back_what_was_held(home):
    await home.after_months(1)
    await home.happens("died", home.filed.person_id, home.today)
    assert await home.status() == "suspended"
    await home.after_months(2)
    await home.happens("death_reversed", home.filed.person_id, home.day_of(-2))
    award = await home.award()
    assert (award["status"], award["ground"], award["covered_size"]) == ("active", None, 3)
    assert award["recompute_from_period"] == rules.next_period(home.month, -2)
    assert await home.sizes(-3, -2, -1, 0) == [3, 3, 3, 3]
    assert not (await home.owed())["held"]


@pytest.mark.req("H03")
async def test_a_reversed_death_of_a_member_counts_them_again_from_the_wrong_month(home):
    await home.after_months(3)
    await home.happens("died", home.daughter, home.day_of(-2, day=5))
    assert await home.sizes(-2, 0) == [2, 2]
    await home.happens("death_reversed", home.daughter, home.today)
    assert await home.sizes(-2, 0, 1) == [3, 3, 3]
    assert (await home.award())["recompute_from_period"] == rules.next_period(home.month, -2)


@pytest.mark.req("H03")
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_death_and_its_reversal_end_the_same_in_every_order_and_twice(desk, order):
    home = await Home.settled(desk)
    on = home.today
    told = [("died", 7), ("death_reversed", 8), ("died", 7)]
    for at in order:
        await home.happens(told[at][0], home.daughter, on, version=told[at][1])
    assert await home.sizes(0, 1) == [3, 3]
    assert await home.status() == "active"
    facts = await desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.life_fact WHERE person_id = $1", home.daughter
    )
    assert facts == 2


@pytest.mark.req("LV-43", "LV-47", "LV-48", "H03")
async def test_with_the_last_member_the_award_ends_and_a_false_report_gives_it_back(desk):
    home = await Home.settled(desk, also=0)
    await home.after_months(2)
    await home.happens("died", home.filed.child_id, home.today)
    await home.happens("died", home.filed.person_id, home.day_of(-1, day=3))
    award = await home.award()
    assert (award["status"], award["ground"]) == ("stopped", "death")
    assert award["last_period"] == rules.next_period(home.month, -1)
    assert await home.owed() is None
    [told] = await desk.told(home.filed, "livelihood.stopped")
    assert told["household_id"] == str(home.filed.household_id)
    await home.happens("death_reversed", home.filed.person_id, home.today)
    award = await home.award()
    assert (award["status"], award["last_period"]) == ("active", None)
    assert await home.sizes(-1, 0, 1) == [2, 1, 1]


# Marriages and returns


@pytest.mark.req("H04", "LV-45")
async def test_a_daughter_who_marries_leaves_from_the_month_after(home):
    await home.after_months(1)
    await home.happens("married", home.daughter, home.today)
    assert await home.sizes(0, 1) == [3, 2]
    award = await home.award()
    assert (award["covered_size"], award["recompute_from_period"]) == (2, None)
    await home.happens("married", home.daughter, home.today)  # told again, under another version
    assert len(await home.versions()) == 2


@pytest.mark.req("H04", "H01")
async def test_a_marriage_that_is_told_late_is_counted_back(home):
    await home.after_months(4)
    await home.happens("married", home.daughter, home.day_of(-3))
    assert await home.sizes(-3, -2, 0) == [3, 2, 2]
    assert (await home.award())["recompute_from_period"] == rules.next_period(home.month, -2)


@pytest.mark.req("H05", "LV-45")
async def test_the_marriage_of_the_head_opens_a_review_and_stops_nothing(home):
    await home.after_months(1)
    await home.happens("married", home.filed.person_id, home.today)
    award = await home.award()
    assert (award["status"], award["ground"]) == ("exit_review", "head_married")
    assert await home.sizes(0, 1, 2) == [3, 3, 3]
    assert await home.desk.told(home.filed, "livelihood.stopped") == []
    await home.happens("married", home.filed.person_id, home.today)
    assert await home.steps() == ["activate", "open_exit_review"]


@pytest.mark.req("H06")
async def test_a_divorced_daughter_counts_again_only_after_a_person_has_looked(home):
    await home.after_months(1)
    await home.happens("married", home.daughter, home.today)
    await home.after_months(2)
    await home.happens("divorced", home.daughter, home.today)
    assert await home.sizes(0, 1) == [2, 2]
    assert (await home.steps())[-1] == "note_newcomer"
    body = {"person_id": str(home.daughter), "counts": True, "on": home.today.isoformat(),
            "reason": "پس از طلاق به خانه بازگشته است"}  # fmt: skip
    refused = await home.do("social_worker", "change-size", body)
    assert refused.status_code == 403
    shown = await home.done("approver", "change-size", body)
    assert shown["covered_size"] == 3
    assert shown["versions"][-1]["covered_size"] == 3
    assert await home.sizes(0, 1) == [2, 3]
    again = await home.do("approver", "change-size", body)
    assert again.json()["code"] == "nothing_changes"
    stranger = body | {"person_id": str(uuid7())}
    answer = await home.do("approver", "change-size", stranger)
    assert answer.json()["code"] == "member_not_covered"


@pytest.mark.req("H06")
async def test_who_is_covered_later_does_not_count_by_themselves(home):
    newcomer = uuid7()
    await home.covered("coverage.started", newcomer)
    assert await home.sizes(0, 1) == [3, 3]
    assert (await home.steps())[-1] == "note_newcomer"
    await home.covered("coverage.started", newcomer)
    assert (await home.steps()).count("note_newcomer") == 1


@pytest.mark.req("LV-47")
async def test_who_leaves_the_household_leaves_its_award_from_the_month_after(home):
    await home.after_months(1)
    await home.covered("coverage.ended", home.daughter)
    assert await home.sizes(0, 1) == [3, 2]
    await home.covered("coverage.ended", home.filed.person_id, home.filed.child_id)
    award = await home.award()
    assert (award["status"], award["ground"]) == ("stopped", "coverage_ended")
    assert await home.sizes(0, 1) == [3, 0]


@pytest.mark.req("H05")
async def test_an_award_in_which_nobody_counts_any_more_is_looked_at_once(desk):
    filed = await desk.opened("confirmed")
    await desk.cover(filed, person_ids=[str(filed.person_id), str(filed.child_id)])
    await desk.fire()
    home = Home(desk, filed, filed.child_id, (await desk.row(filed))["award_id"])
    await home.after_months(1)
    await home.happens("died", filed.person_id, home.today)
    await home.happens("married", filed.child_id, home.today)
    assert (await home.award())["status"] == "suspended"
    await home.happens("death_reversed", filed.person_id, home.today)
    assert await home.sizes(0, 1) == [2, 1]
    body = {"person_id": str(filed.person_id), "counts": False, "on": home.today.isoformat(),
            "reason": "نزد خویشان خود می‌ماند"}  # fmt: skip
    await home.done("approver", "change-size", body)
    assert (await home.award())["ground"] == "nobody_left"
    decision = {"outcome": "continue", "reasons": ["به‌زودی بازمی‌گردد"]}
    shown = await home.done("approver", "decide-exit-review", decision)
    assert (shown["status"], shown["covered_size"]) == ("active", 0)
    assert await home.sizes(0, 1) == [2, 0]


# Births and ages


@pytest.mark.req("H07")
@pytest.mark.parametrize("first", ["born", "covered"])
async def test_a_newborn_who_is_covered_counts_from_the_month_after_birth(home, first):
    await home.after_months(1)
    child = uuid7()
    people = [str(child), str(home.filed.person_id)]
    tell = {
        "born": lambda: home.happens("born", child, home.today, person_ids=people),
        "covered": lambda: home.covered("coverage.started", child),
    }
    await tell.pop(first)()
    assert await home.sizes(1) == [3]
    for other in tell.values():
        await other()
    assert await home.sizes(0, 1) == [3, 4]


@pytest.mark.req("H07")
async def test_a_child_who_reaches_the_age_of_policy_leaves_from_the_month_after(desk):
    grown_on = add_jalali_months(desk.runtime.clock.today(), 2)
    child = uuid7()
    born = {"person_id": str(child), "relation": "child",
            "birth_on": add_jalali_months(grown_on, -12 * 25).isoformat()}  # fmt: skip
    home = await Home.settled(desk, child_id=child, told={"members": [born]})
    assert await home.versions() == [(home.month, 3)]
    desk.move_clock(grown_on)
    await desk.fire()
    assert await home.sizes(-1, 0, 1) == [3, 3, 2]
    assert (await home.award())["recompute_from_period"] is None
    assert (await desk.told(home.filed, "livelihood.size_changed"))[0]["facts"]["reason"] == "age"


@pytest.mark.req("H08")
async def test_from_five_to_six_the_rate_stays_and_no_version_is_made(desk):
    home = await Home.settled(desk, also=3)
    await home.after_months(1)
    child = uuid7()
    people = [str(child), str(home.filed.person_id)]
    await home.happens("born", child, home.today, person_ids=people)
    await home.covered("coverage.started", child)
    assert (await home.award())["covered_size"] == 6
    assert len(await home.versions()) == 1
    assert (await home.steps())[-1] == "note_members"
    assert await desk.told(home.filed, "livelihood.size_changed") == []
    for gone in (child, home.daughter):
        await home.happens("died", gone, home.today)
    assert await home.sizes(1) == [4]
    assert len(await home.versions()) == 2


# Exits that are asked for


@pytest.mark.req("LV-44")
@pytest.mark.parametrize("teller", ["person", "loans"])
async def test_a_sustained_business_opens_a_review_once(home, teller):
    await home.after_months(1)
    if teller == "person":
        await home.happens("business_sustained", home.filed.person_id, home.today)
    await home.loan("business_sustained", home.filed.person_id)
    await home.loan("business_sustained", home.filed.person_id)
    assert (await home.award())["ground"] == "business_sustained"
    assert (await home.steps()).count("open_exit_review") == 1
    assert await home.sizes(0, 1) == [3, 3]


@pytest.mark.req("LV-46")
@pytest.mark.parametrize("order", [("loan", "income"), ("income", "loan")])
async def test_only_both_conditions_open_a_review_and_only_both_end_an_award(home, order):
    await home.after_months(1)
    tell = {
        "loan": lambda: home.loan("disbursed", home.daughter),
        "income": lambda: home.happens("income_changed", home.filed.person_id, home.today),
    }
    await tell[order[0]]()
    assert await home.status() == "active"
    await tell[order[1]]()
    award = await home.award()
    assert (award["status"], award["ground"]) == ("exit_review", "other_service_and_income")
    body = {"outcome": "stop", "reasons": ["درآمد خانوار بهتر شده است"]}
    assert (await home.do("approver", "decide-exit-review", body)).status_code == 422
    poor = await home.do("approver", "decide-exit-review", body | {"income_rial": 100_000_000})
    assert (poor.status_code, poor.json()["code"]) == (409, "exit_rule_not_met")
    assert (poor.json()["services"], poor.json()["improved"]) == (True, False)
    assert await home.status() == "exit_review"
    await home.done("approver", "decide-exit-review", body | {"income_rial": 180_000_000})
    assert await home.status() == "stopped"


async def test_a_fact_of_nobody_we_support_is_remembered_and_moves_nothing(home):
    stranger = UUID(int=uuid7().int)
    await home.happens("moved", stranger, home.today, household_id=None)
    await home.happens("moved", home.filed.person_id, home.today)
    assert await home.steps() == ["activate"]


async def test_news_that_comes_while_an_award_is_looked_at_is_not_lost(home, monkeypatch):
    await home.after_months(1)
    look, told = life.look, []

    async def slow(tx, row):
        found = await look(tx, row)
        if not told:
            told.append(await home.hear("died", home.daughter, home.today))
        return found

    monkeypatch.setattr(life, "look", slow)
    async with home.desk.runtime.transaction(lone=False) as tx:
        await life.look_again(tx, home.award_id)
    assert await home.sizes(0) == [3]
    await home.desk.fire()
    assert await home.sizes(0) == [2]
