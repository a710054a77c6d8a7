"""The promised time, in arithmetic: months end, pauses push the day on, nothing starts it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.applications import rules
from shared.values.calendar import FRIDAY
from shared.workflow import Clock

MONTH = {"jalali_months": 1}
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))


@pytest.mark.req("X-06")
@pytest.mark.parametrize(
    ("filed", "due"),
    [
        (date(2026, 11, 22), date(2026, 12, 22)),  # 1 Azar -> 1 Dey
        (date(2025, 9, 22), date(2025, 10, 22)),  # 31 Shahrivar -> 30 Mehr, the month's last day
        (date(2025, 2, 18), date(2025, 3, 20)),  # 30 Bahman 1403 -> 30 Esfand of a leap year
        (date(2026, 2, 19), date(2026, 3, 21)),  # 30 Bahman 1404 -> 29 Esfand is a Friday -> next
    ],
)
def test_one_month_is_a_jalali_month_and_never_ends_on_a_closed_day(filed, due):
    assert rules.due_on(filed, MONTH, closed=frozenset()) == due


@pytest.mark.req("X-06")
@given(filed=DAYS, months=st.integers(0, 24), working=st.integers(0, 40))
def test_a_promise_never_falls_on_a_friday_nor_before_the_filing(filed, months, working):
    due = rules.due_on(
        filed, {"jalali_months": months, "working_days": working}, closed=frozenset()
    )
    assert due.weekday() != FRIDAY
    assert due >= filed


@pytest.mark.req("X-06")
@given(start=DAYS, waits=st.integers(0, 60), before=st.integers(0, 20))
def test_days_of_waiting_are_given_back(start, waits, before):
    promised = rules.ClockMove(
        due=start + timedelta(days=40), paused_on=None, paused_days=before, stopped_on=None
    )
    paused = rules.move_clock(promised, Clock.PAUSE, start, closed=frozenset())
    assert (paused.due, paused.paused_on) == (promised.due, start)
    resumed = rules.move_clock(paused, Clock.RUN, start + timedelta(days=waits), closed=frozenset())
    assert resumed.paused_on is None
    assert resumed.paused_days == before + waits
    late = (resumed.due - promised.due).days
    assert waits <= late <= waits + 1, "a Friday may add one day, nothing else"


@pytest.mark.req("X-06")
def test_a_paused_application_is_not_in_breach_and_an_ended_one_stays_as_it_ended():
    common = {"submitted_on": date(2026, 1, 1), "due": date(2026, 1, 10), "paused_days": 0}
    late = date(2026, 2, 1)
    running = rules.sla(**common, paused_on=None, stopped_on=None, today=late)
    waiting = rules.sla(**common, paused_on=date(2026, 1, 5), stopped_on=None, today=late)
    ended = rules.sla(**common, paused_on=None, stopped_on=date(2026, 1, 9), today=late)
    assert (running.breached, running.elapsed_days) == (True, 31)
    assert (waiting.breached, waiting.paused, waiting.elapsed_days) == (False, True, 4)
    assert (ended.breached, ended.elapsed_days) == (False, 8)


@given(birth=DAYS, years=st.integers(0, 100))
def test_age_grows_by_one_on_the_birthday(birth, years):
    if (birth.month, birth.day) == (2, 29):
        birth = birth.replace(day=28)
    day = birth.replace(year=birth.year + years)
    assert rules.age_on(day, birth) == years
    if years:
        assert rules.age_on(day - timedelta(days=1), birth) == years - 1


@pytest.mark.parametrize(
    ("opens", "ended", "open_"),
    [
        (None, None, False),
        ("2026-11-22", None, True),
        ("2026-11-23", None, False),
        ("2026-01-01", "2026-11-22", False),
        ("2026-01-01", "2026-11-23", True),
    ],
)
def test_a_service_takes_applications_from_its_first_day_to_the_day_before_its_end(
    opens, ended, open_
):
    assert rules.open_on(date(2026, 11, 22), opens, ended) is open_
