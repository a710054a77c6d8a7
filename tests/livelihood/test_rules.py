"""The admission instruction as arithmetic: every condition, every boundary, every reason."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood import rules
from services.livelihood.rules import Facts, Verdict, judge

INSTRUCTION = {
    "version": "1405-1",
    "min_score": 40,
    "reasons": {
        "elderly": {"min_age": 60},
        "disabled": {"needs": "visit_finding:disability"},
        "no_head": {"needs": "visit_finding:no_head"},
        "illness": {"needs": "visit_finding:illness"},
        "other": {"min_score": 60},
    },
}
REASONS = sorted(INSTRUCTION["reasons"])
FACTS = st.builds(
    Facts,
    reason=st.sampled_from([*REASONS, "unheard_of"]),
    age=st.none() | st.integers(0, 110),
    findings=st.lists(st.sampled_from(["disability", "no_head", "illness"]), unique=True).map(
        tuple
    ),
    score=st.integers(0, 100),
)


@pytest.mark.req("LV-17")
@given(FACTS)
def test_every_verdict_names_what_held_and_what_did_not(facts):
    verdict = judge(facts, INSTRUCTION)
    assert verdict.version == "1405-1"
    assert verdict.met or verdict.failed
    assert not set(verdict.met) & set(verdict.failed)
    assert verdict.passed == (not verdict.failed)
    assert set(verdict.failed) <= set(rules.FAILED_FA) == set(rules.FAILED_EN)


@given(FACTS, st.integers(0, 100))
def test_more_points_never_turn_a_yes_into_a_no(facts, more):
    richer = Facts(facts.reason, facts.age, facts.findings, min(100, facts.score + more))
    assert judge(richer, INSTRUCTION).passed >= judge(facts, INSTRUCTION).passed


@given(FACTS)
def test_a_stored_decision_judged_again_gives_the_same_outcome(facts):
    sealed = facts.as_json()
    assert Facts.read(sealed) == facts
    assert judge(Facts.read(sealed), INSTRUCTION) == judge(facts, INSTRUCTION)


@pytest.mark.parametrize(
    ("facts", "failed"),
    [
        (Facts("elderly", 60, (), 40), ()),
        (Facts("elderly", 59, (), 40), ("age",)),
        (Facts("elderly", None, (), 100), ("age",)),
        (Facts("elderly", 60, (), 39), ("score",)),
        (Facts("disabled", 30, ("disability",), 40), ()),
        (Facts("disabled", 30, ("illness",), 40), ("disability",)),
        (Facts("other", 30, (), 59), ("score",)),
        (Facts("other", 30, (), 60), ()),
        (Facts("no_head", 30, (), 0), ("score", "no_head")),
        (Facts("unheard_of", 70, ("no_head",), 100), ("reason",)),
    ],
)
def test_the_boundaries_of_the_instruction(facts, failed):
    assert judge(facts, INSTRUCTION).failed == failed


def test_a_verdict_without_a_failure_has_passed():
    assert Verdict("1", ("score",), ()).passed


@pytest.mark.parametrize(
    ("day", "birth", "age"),
    [
        (date(2026, 11, 22), date(1966, 11, 22), 60),
        (date(2026, 11, 21), date(1966, 11, 22), 59),
        (date(2027, 2, 28), date(1968, 2, 29), 58),
        (date(2026, 11, 22), None, None),
    ],
)
def test_age_is_whole_years(day, birth, age):
    assert rules.age_on(day, birth) == age


@pytest.mark.req("H52")
def test_the_rule_is_of_the_day_that_policy_names():
    filed, today = date(2026, 11, 1), date(2027, 1, 5)
    days = {"submitted_on": filed, "today": today}
    assert rules.rule_day({"by": "submission"}, **days) == filed
    assert rules.rule_day({"by": "decision"}, **days) == today


def test_the_elderly_and_the_disabled_come_first_and_the_unnamed_last():
    order = {"elderly": 1, "disabled": 1, "illness": 2, "no_head": 3, "other": 4}
    ranks = [rules.priority(reason, order) for reason in ("elderly", "disabled", "illness")]
    assert ranks == [1, 1, 2]
    assert rules.priority("unheard_of", order) > max(order.values())


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, "not_found"),
        ((b"me", "open"), "verified"),
        ((b"me", "closed"), "closed"),
        ((b"other", "open"), "mismatch"),
        ((b"other", "closed"), "mismatch"),
    ],
)
def test_an_account_is_good_only_when_open_and_the_payees_own(answer, state):
    assert rules.account_state(answer, owner=b"me") == state


def test_a_quota_is_that_of_its_year_and_province_and_never_guessed():
    policy = {"year": 1405, "awards": {"Tehran": 7}}
    assert rules.quota_of(policy, "Tehran", date(2026, 11, 22)) == (1405, 7)
    assert rules.quota_of(policy, "Qom", date(2026, 11, 22)) == (1405, 0)
    assert rules.quota_of(policy, None, date(2026, 11, 22)) == (1405, 0)
    assert rules.quota_of(policy, "Tehran", date(2027, 3, 21)) == (1406, 0)


def test_the_term_follows_the_reason():
    policy = {
        "reasons": {
            "elderly": {"months": None, "review_months": 12},
            "other": {"months": 12, "review_months": 6},
        }
    }
    start = date(2026, 11, 22)  # 1405-09-01
    assert rules.term("elderly", policy, start) == (None, date(2027, 11, 22))
    assert rules.term("other", policy, start) == (date(2027, 11, 21), date(2027, 5, 22))
    assert rules.term("unheard_of", policy, start) == (None, None)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 400))
def test_an_objection_is_possible_up_to_the_last_day_of_its_window(decided_on, days):
    last = decided_on + timedelta(days=days)
    assert rules.may_object(decided_on, {"days": days}, last)
    assert not rules.may_object(decided_on, {"days": days}, last + timedelta(days=1))
