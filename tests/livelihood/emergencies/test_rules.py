"""Which months an emergency pays, and where a regular award begins after it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.awards.rules import next_period
from services.livelihood.emergencies import rules
from services.livelihood.emergencies.rules import Declared, Granted
from shared.values.calendar import period_bounds, period_of

FIRST = "1440-01"
MONTHS = [next_period(FIRST, n) for n in range(12)]
HERE, THERE = ("Ilam",), ("Fars",)
months = st.integers(0, 11).map(MONTHS.__getitem__)


@st.composite
def declarations(draw):
    """A declaration from the first month on, with up to three later versions."""
    from_on = period_bounds(FIRST)[0]
    to_on = [period_bounds(draw(months))[1] for _ in range(4)]
    first = Declared(FIRST, HERE, (), from_on, to_on[0])
    later = sorted(draw(st.lists(st.integers(1, 11), max_size=3)))
    return [first] + [
        Declared(MONTHS[month], draw(st.sampled_from([HERE, THERE])), (), from_on, end)
        for month, end in zip(later, to_on[1:], strict=False)
    ]


def test_a_version_rules_from_its_month_until_the_next():
    first = Declared("1440-01", HERE, (), date(2061, 3, 21), date(2061, 9, 1))
    second = Declared("1440-03", THERE, (), date(2061, 3, 21), date(2061, 9, 1))
    ruled = [rules.ruling([first, second], f"1440-0{n}") for n in (1, 2, 3, 4)]
    assert ruled == [first, first, second, second]
    assert rules.ruling([first], "1439-12") is None


@pytest.mark.req("H28")
def test_only_the_first_version_reaches_months_that_have_begun():
    today = date(2061, 5, 1)
    assert rules.effective_from(1, date(2061, 3, 21), today) == "1440-01"
    assert rules.effective_from(2, date(2061, 3, 21), today) == next_period(period_of(today))


@pytest.mark.req("LV-34")
@given(declarations(), st.dates(date(2061, 1, 1), date(2062, 6, 1)))
def test_a_day_is_inside_when_the_version_of_its_month_says_so(versions, day):
    declared = rules.ruling(versions, period_of(day))
    inside = declared is not None and declared.from_on <= day <= declared.to_on
    if not inside:
        assert rules.outside(versions, "Ilam", None, day) == "dates"
    else:
        expected = None if declared.provinces == HERE else "area"
        assert rules.outside(versions, "Ilam", None, day) == expected
    assert rules.outside(versions, None, None, day) in {"dates", "area"}


@pytest.mark.req("H26", "H27")
@given(declarations(), st.tuples(months, months), st.integers(0, 11), st.booleans(), st.data())
def test_no_month_has_two_base_stipends_and_a_pending_request_leaves_no_gap(
    versions, granted_for, activated, pending, data
):
    """Whatever happens to the declaration after the regular award began as well."""
    granted = Granted("Ilam", None, min(granted_for), max(granted_for))
    here = MONTHS[activated]
    until = rules.last_paid(granted, versions, until=here)
    start = rules.regular_start(until, here=here, pending=pending) or here
    # What is changed in the month of the activation, or later, rules later months only.
    changed = next_period(here, data.draw(st.integers(1, 12)))
    after = [*versions, Declared(changed, THERE, (), versions[0].from_on, versions[0].to_on)]
    first = until or here
    for month in (next_period(first, n) for n in range(24)):
        emergency = rules.is_paid_in(granted, after, month)
        regular = month >= start
        in_place = emergency and not regular  # beside a regular award it only adds
        assert not (month <= here and emergency and regular)
        assert in_place or regular or not pending
    if until == here:
        assert start == next_period(here)
    elif until is not None and pending:
        assert start == next_period(until)
    else:
        assert start == here


@pytest.mark.req("LV-35")
@given(declarations(), months, months, months)
def test_the_last_month_paid_is_one_that_is_paid_and_none_after_it(versions, one, other, until):
    granted = Granted("Ilam", None, min(one, other), max(one, other))
    last = rules.last_paid(granted, versions, until=until)
    paid = [month for month in MONTHS if rules.is_paid_in(granted, versions, month)]
    assert last == max((month for month in paid if month <= until), default=None)
    assert all(month <= granted.last_period for month in paid)


@given(st.integers(1, 10**12), st.integers(0, 300))
def test_a_share_of_a_rate_is_whole_rials_and_never_more_than_said(rate, percent):
    amount = rules.amount(rate, percent)
    assert amount * 100 <= rate * percent < (amount + 1) * 100


def test_a_promise_in_working_days_skips_what_is_closed():
    friday, closed = {4}, {date(2026, 11, 24)}
    monday = date(2026, 11, 23)
    due = rules.due_on(monday, {"working_days": 3}, closed=closed, weekend=friday)
    assert due == monday + timedelta(days=5)
    assert rules.due_on(monday, {"jalali_months": 1}, closed=(), weekend=()) > due
