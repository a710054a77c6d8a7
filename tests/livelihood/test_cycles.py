"""The Paya cycle of a file, and the day that is promised with it, come from the calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.runs.rules import THURSDAY, Cycles
from shared.values.calendar import TEHRAN, tehran_date

pytestmark = pytest.mark.req("H21")
PAYA = {"cycles": ["10:45", "03:45", "13:45"], "notice_minutes": 60, "thursday_settles_later": True}
NOWRUZ = {date(2027, 3, day) for day in (21, 22, 23, 24)}
CYCLES = Cycles.of(PAYA, NOWRUZ, [4])
START = datetime(2027, 1, 1, tzinfo=UTC)


def tehran(text):
    return datetime.fromisoformat(text).replace(tzinfo=TEHRAN)


@pytest.mark.parametrize(
    ("now", "cycle", "promised"),
    [
        pytest.param("2027-03-01 09:00", "2027-03-01 10:45", "2027-03-01", id="in time"),
        pytest.param("2027-03-01 09:45", "2027-03-01 10:45", "2027-03-01", id="just in time"),
        pytest.param("2027-03-01 09:46", "2027-03-01 13:45", "2027-03-01", id="a minute late"),
        pytest.param("2027-03-01 20:00", "2027-03-02 03:45", "2027-03-02", id="in the evening"),
        pytest.param("2027-03-04 08:00", "2027-03-04 10:45", "2027-03-06", id="on a Thursday"),
        pytest.param("2027-03-04 20:00", "2027-03-06 03:45", "2027-03-06", id="Thursday evening"),
        pytest.param("2027-03-05 08:00", "2027-03-06 03:45", "2027-03-06", id="on a Friday"),
        pytest.param("2027-03-20 20:00", "2027-03-25 03:45", "2027-03-27", id="before Nowruz"),
        pytest.param("2027-03-22 08:00", "2027-03-25 03:45", "2027-03-27", id="at Nowruz"),
    ],
)
def test_a_file_goes_to_the_next_cycle_that_it_reaches(now, cycle, promised):
    found = CYCLES.next(tehran(now))
    assert found == tehran(cycle)
    assert CYCLES.promised_on(found) == date.fromisoformat(promised)


def test_where_thursday_settles_at_once_it_is_promised_for_thursday():
    cycles = Cycles.of({**PAYA, "thursday_settles_later": False}, NOWRUZ, [4])
    assert cycles.promised_on(tehran("2027-03-04 10:45")) == date(2027, 3, 4)


@given(st.integers(0, 366 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)))
def test_nothing_is_executed_or_promised_on_a_day_on_which_banks_rest(now):
    cycle = CYCLES.next(now)
    promised = CYCLES.promised_on(cycle)
    assert cycle >= now + timedelta(hours=1)
    for day in (tehran_date(cycle), promised):
        assert day.weekday() != 4
        assert day not in NOWRUZ
    assert (promised == tehran_date(cycle)) is (tehran_date(cycle).weekday() != THURSDAY)
