"""Which rate holds in a month: months as numbers, the top step, confirmation."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.rates import rules
from services.livelihood.rates.rules import Rate

MONTHS = st.builds(
    lambda year, month: year * 100 + month, st.integers(1301, 1599), st.integers(1, 12)
)


def rate(size, first, last=None, amount=1):
    return Rate(uuid4(), size, amount, first, last, usable=True)


@given(MONTHS)
def test_a_month_is_read_back_as_it_was_written(month):
    assert rules.number(rules.text(month)) == month
    before = rules.month_before(month)
    assert 1 <= before % 100 <= 12
    assert before < month
    assert rules.months_late(before, month) == 1


@pytest.mark.parametrize(
    ("first", "announced", "late"),
    [
        (140505, None, 0),
        (140505, 140503, 0),
        (140505, 140505, 0),
        (140505, 140506, 1),
        (140411, 140502, 3),
        (140112, 140301, 13),
    ],
)
def test_a_rate_is_late_by_the_months_that_had_begun_before_it(first, announced, late):
    assert rules.months_late(first, announced) == late


def test_five_and_more_is_one_step():
    table = [rate(size, 140501, amount=size) for size in range(1, 6)]
    paid = [Rate.among(table, size, 140508).amount_rial for size in (1, 2, 3, 4, 5, 6, 11)]
    assert paid == [1, 2, 3, 4, 5, 5, 5]
    with pytest.raises(ValueError, match="covered_size"):
        rules.step_of(0)


@given(MONTHS, MONTHS, MONTHS)
def test_a_rate_holds_from_its_first_month_to_its_last_and_no_further(one, other, month):
    first, last = sorted((one, other))
    assert rate(2, first, last).holds(month) == (first <= month <= last)
    assert rate(2, first).holds(month) == (first <= month)
    assert Rate.among([rate(3, first)], 2, month) is None


@pytest.mark.parametrize(
    ("by", "confidence", "may"),
    [("op-1", "L", True), (None, "H", True), (None, "M", False), (None, "L", False)],
)
def test_what_a_person_or_two_sources_confirm_may_be_paid(by, confidence, may):
    assert rules.confirmed(by=by, confidence=confidence) is may
