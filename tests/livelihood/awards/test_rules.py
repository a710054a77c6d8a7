"""What follows from facts, by values alone: months, sizes, exits, terms and returns."""

from datetime import date
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.awards import rules
from services.livelihood.awards.rules import Fact, SizeFrom, Stint
from services.livelihood.rules import term

MOTHER, SON, DAUGHTER = (UUID(int=n) for n in (1, 2, 3))
START, SINCE = "1405-01", date(2026, 3, 21)
SNAPSHOT = 25


def family(*people):
    return {person: [Stint(START, SINCE)] for person in people or (MOTHER, SON, DAUGHTER)}


def fact(kind, person, on, version=1, **more):
    told = {"heard_on": max(on, SINCE), "event_id": uuid4()} | more
    return Fact(person_id=person, kind=kind, occurred_on=on, version=version, **told)


def settled(facts, members=None):
    return rules.settle(members or family(), facts, payee=MOTHER, snapshot_day=SNAPSHOT)


def sizes(members, *months):
    return [len(rules.counted(members, month)) for month in months]


@pytest.mark.req("H01")
@pytest.mark.parametrize(
    ("died_on", "from_period"),
    [
        (date(2026, 10, 16), "1405-07"),  # 24 Mehr
        (date(2026, 10, 17), "1405-07"),  # the day of the snapshot
        (date(2026, 10, 18), "1405-08"),  # after it: the size had been taken
        (date(2027, 3, 20), "1406-01"),  # 29 Esfand: over the turn of the year
    ],
)
def test_a_death_counts_from_the_month_in_whose_snapshot_somebody_is_missing(died_on, from_period):
    assert rules.at_snapshot(died_on, SNAPSHOT) == from_period
    left = settled([fact("death", SON, died_on)])
    assert sizes(left, rules.next_period(from_period, -1), from_period) == [3, 2]


@pytest.mark.req("H04", "LV-45")
def test_who_marries_leaves_from_the_month_after():
    left = settled([fact("marriage", DAUGHTER, date(2026, 9, 23))])  # 1 Mehr
    assert sizes(left, "1405-07", "1405-08") == [3, 2]


@pytest.mark.req("H05")
def test_a_payee_who_marries_still_counts():
    assert sizes(settled([fact("marriage", MOTHER, date(2026, 9, 23))]), "1405-12") == [3]


@pytest.mark.req("H06")
def test_a_divorce_alone_brings_nobody_back():
    told = [fact("marriage", DAUGHTER, date(2026, 9, 23)),
            fact("divorce", DAUGHTER, date(2026, 11, 1), 2)]  # fmt: skip
    assert sizes(settled(told), "1405-08", "1405-12") == [2, 2]


def test_what_was_known_when_a_person_looked_into_it_changes_nothing():
    before = fact("marriage", DAUGHTER, date(2025, 5, 1), heard_on=date(2026, 1, 1))
    assert sizes(settled([before]), "1405-12") == [3]
    late = fact("marriage", DAUGHTER, date(2025, 5, 1), heard_on=date(2026, 6, 1))
    assert sizes(settled([late]), START) == [2]


@pytest.mark.req("H03", "H01")
def test_the_order_in_which_facts_are_told_does_not_matter():
    told = [
        fact("death", SON, date(2026, 6, 1), 4),
        fact("death_reversed", SON, date(2026, 6, 1), 5),
        fact("death", SON, date(2026, 10, 1), 6),
        fact("marriage", DAUGHTER, date(2026, 8, 1), 2),
    ]
    ends = {str(settled(list(order))) for order in permutations(told)}
    assert len(ends) == 1
    assert sizes(settled(told), "1405-06", "1405-07", "1405-08") == [2, 1, 1]
    assert sizes(settled(told[:2]), "1405-12") == [3]
    assert sizes(settled([told[1]]), "1405-12") == [3]  # the reversal came, the death did not yet


MONTHS = st.integers(0, 30).map(lambda n: rules.next_period(START, n))
SIZES = st.integers(0, 8)
STEPS = st.lists(st.builds(SizeFrom, MONTHS, SIZES), max_size=6)


@pytest.mark.req("H01", "H08", "LV-12")
@given(known=STEPS, wanted=STEPS, first=SIZES, wish=SIZES)
def test_versions_are_added_until_every_month_has_its_rate(known, wanted, first, wish):
    known = [SizeFrom(START, first), *known]
    wanted = [SizeFrom(START, wish), *sorted(wanted, key=lambda one: one.period)]
    added = rules.missing_versions(known, wanted)
    for month in (rules.next_period(START, n) for n in range(32)):
        paid, due = (rules.size_in(v, month) for v in ([*known, *added], wanted))
        assert min(paid, 5) == min(due, 5), month
    assert rules.missing_versions([*known, *added], wanted) == []


@pytest.mark.req("H08")
def test_five_and_six_have_one_rate():
    six, five, four = (SizeFrom(START, 6), SizeFrom("1405-03", 5), SizeFrom("1405-05", 4))
    assert rules.missing_versions([SizeFrom(START, 5)], [SizeFrom(START, 5), SizeFrom("1405-02", 6)]) == []  # fmt: skip  # noqa: E501
    assert rules.missing_versions([six], [six, five, four]) == [four]


@pytest.mark.req("LV-46")
@pytest.mark.parametrize(
    ("services", "income_rial", "both"),
    [
        ({"loans"}, 180_000_000, True),
        ({"loans"}, 179_999_999, False),
        (set(), 900_000_000, False),
        ({"shares"}, 900_000_000, False),
    ],
)
def test_an_exit_for_another_service_needs_the_improved_income_too(services, income_rial, both):
    policy = {"services": ["loans"], "income_per_person_rial": 60_000_000}
    assert all(rules.exit_rule(services, income_rial, 3, policy)) is both


def ground(*facts, past=()):
    policy = {"services": ["loans"], "income_per_person_rial": 1}
    found = rules.exit_ground(
        facts, payee=MOTHER, people=[MOTHER, SON, DAUGHTER], since=SINCE, past=past, policy=policy
    )
    return found and found[0]


@pytest.mark.req("LV-44", "LV-46", "H05")
def test_what_makes_an_award_be_looked_at_again():
    loan = fact("service", SON, date(2026, 4, 1), code="loans")
    income = fact("income_changed", MOTHER, date(2026, 5, 1))
    assert ground(loan) is None
    assert ground(income) is None
    assert ground(loan, income) == ground(income, loan) == "other_service_and_income"
    assert ground(fact("business_sustained", SON, date(2026, 5, 1))) == "business_sustained"
    assert ground(fact("marriage", MOTHER, date(2026, 5, 1))) == "head_married"
    assert ground(fact("marriage", DAUGHTER, date(2026, 5, 1))) is None


def test_what_people_have_decided_about_a_fact_stays_decided():
    """P17: the same fact, or an older one of its kind, opens nothing again; a newer one does."""
    past = [{"step": "open_exit_review",
             "facts": {"ground": "business_sustained", "occurred_on": "2026-06-01"}}]  # fmt: skip
    for day, opens in ((1, None), (31, None)):
        told = fact("business_sustained", SON, date(2026, 5, day))
        assert ground(told, past=past) is opens
    assert ground(fact("business_sustained", SON, date(2026, 6, 1)), past=past) is None
    assert ground(fact("business_sustained", SON, date(2026, 6, 2)), past=past) is not None


@pytest.mark.req("LV-40", "LV-42")
def test_two_reasons_give_two_terms():
    policy = {"reasons": {"no_head": {"months": 24, "review_months": 12},
                          "other": {"months": 12, "review_months": 6},
                          "elderly": {"months": None, "review_months": 12}}}  # fmt: skip
    start = date(2026, 11, 22)
    ends = {reason: term(reason, policy, start)[0] for reason in policy["reasons"]}
    assert ends == {"no_head": date(2028, 11, 20), "other": date(2027, 11, 21), "elderly": None}


@pytest.mark.req("LV-42")
def test_an_award_is_looked_at_before_its_end_and_at_its_review():
    ends, review = date(2027, 11, 21), date(2027, 5, 22)
    assert rules.renewal_day(ends, review, days_before=30) == review
    assert rules.renewal_day(ends, None, days_before=30) == date(2027, 10, 22)
    assert rules.renewal_day(None, None, days_before=30) is None


@pytest.mark.req("LV-48")
def test_the_last_month_is_this_one_unless_it_was_held_or_over_before():
    today = date(2026, 11, 22)  # 1 Azar
    assert rules.last_period(today) == "1405-09"
    assert rules.last_period(today, held_from="1405-07") == "1405-06"
    assert rules.last_period(today, ends_period="1405-08") == "1405-08"
    assert rules.last_period(today, ends_period="1406-08") == "1405-09"


@pytest.mark.req("H23", "H25")
def test_a_return_waits_as_long_as_policy_says_but_not_after_a_business_failed():
    stopped = date(2026, 11, 22)
    assert rules.may_return_on(stopped, opened=False, policy={"months": 3}) == date(2027, 2, 20)
    assert rules.may_return_on(stopped, opened=True, policy={"months": 3}) == stopped
    assert rules.first_period(stopped, None) == "1405-09"
    assert rules.first_period(stopped, "1405-05") == "1405-09"  # nothing for the gap
    assert rules.first_period(stopped, "1405-09") == "1405-10"  # never twice for a month


@pytest.mark.req("H07")
def test_a_child_counts_until_the_age_of_policy():
    births = {SON: date(2002, 6, 1), DAUGHTER: date(1990, 1, 1)}
    members = rules.first_stints(
        [MOTHER, SON, DAUGHTER], start=START, on=SINCE, births=births, child_until=25
    )
    grown = rules.month_after(rules.of_age(births[SON], 25))
    assert sizes(members, rules.next_period(grown, -1), grown) == [3, 2]
    assert rules.counted(members, grown) == {MOTHER, DAUGHTER}  # was grown when she was looked at
    assert rules.is_newborn(date(2026, 5, 1), date(2026, 9, 1), until=1)
    assert not rules.is_newborn(date(2025, 5, 1), date(2026, 9, 1), until=1)
    assert not rules.is_newborn(None, date(2026, 9, 1), until=1)
