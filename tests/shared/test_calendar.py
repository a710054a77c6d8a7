"""Tehran and the Jalali calendar: leap years, month ends, working days."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.values.calendar import (
    Day,
    Instant,
    add_jalali_months,
    jalali_long,
    jalali_season,
    jalali_text,
    parse_period,
    period_bounds,
    period_of,
    tehran_date,
    working_days_after,
)

calm = settings(deadline=None, max_examples=300)
jalali_days = st.dates(date(1921, 3, 21), date(2122, 3, 20))  # 1300-01-01 to 1500-12-29
periods = st.builds("{:04}-{:02}".format, st.integers(1300, 1500), st.integers(1, 12))


@pytest.mark.req("H69")
@pytest.mark.parametrize(
    ("gregorian", "jalali"),
    [
        (date(2025, 3, 20), "1403-12-30"),
        (date(2025, 3, 21), "1404-01-01"),
        (date(2021, 3, 20), "1399-12-30"),
        (date(2026, 3, 20), "1404-12-29"),
        (date(2026, 3, 21), "1405-01-01"),
        (date(2030, 3, 20), "1408-12-30"),
        (date(2026, 11, 21), "1405-08-30"),
        (date(1921, 3, 21), "1300-01-01"),
    ],
)
def test_leap_boundaries(gregorian, jalali):
    assert jalali_text(gregorian) == jalali


@pytest.mark.req("H69")
@calm
@given(jalali_days)
def test_every_day_of_1300_to_1500_comes_back(day):
    period, number = jalali_text(day)[:7], int(jalali_text(day)[8:])
    first, last = period_bounds(period)
    assert first + timedelta(days=number - 1) == day
    assert first <= day <= last
    assert period_of(day) == period


@pytest.mark.req("H69")
def test_the_years_1300_to_1500_follow_each_other_without_a_gap():
    lengths = {}
    for year in range(1300, 1501):
        bounds = [period_bounds(f"{year}-{month:02}") for month in range(1, 13)]
        assert all(last + timedelta(days=1) == first for (_, last), (first, _) in pairwise(bounds))
        assert all((last - first).days == 30 for first, last in bounds[:6])
        assert all((last - first).days == 29 for first, last in bounds[6:11])
        if year < 1500:
            assert bounds[-1][1] + timedelta(days=1) == period_bounds(f"{year + 1}-01")[0]
        lengths[year] = (bounds[-1][1] - bounds[0][0]).days + 1
    assert set(lengths.values()) == {365, 366}
    leap = {year for year, length in lengths.items() if length == 366}
    assert {year for year in leap if 1399 <= year <= 1420} == {1399, 1403, 1408, 1412, 1416, 1420}


def test_a_date_in_words():
    assert jalali_long(date(2026, 11, 21)) == "۳۰ آبان ۱۴۰۵"
    assert jalali_long(date(2025, 3, 20)) == "۳۰ اسفند ۱۴۰۳"


def test_the_day_is_the_day_in_tehran_whatever_the_zone_of_the_instant():
    late = datetime(2026, 11, 20, 20, 29, 59, tzinfo=UTC)
    assert tehran_date(late) == date(2026, 11, 20)
    assert tehran_date(late + timedelta(seconds=1)) == date(2026, 11, 21)
    assert jalali_text(late + timedelta(seconds=1)) == "1405-08-30"
    elsewhere = (late + timedelta(seconds=1)).astimezone(timezone(-timedelta(hours=10)))
    assert tehran_date(elsewhere) == date(2026, 11, 21)
    with pytest.raises(ValueError, match=r"^instant$"):
        tehran_date(late.replace(tzinfo=None))


def test_summer_time_ended_in_1401():
    assert tehran_date(datetime(2022, 7, 1, 19, 45, tzinfo=UTC)) == date(2022, 7, 2)
    assert tehran_date(datetime(2023, 7, 1, 19, 45, tzinfo=UTC)) == date(2023, 7, 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("1404-06-31", 1, "1404-07-30"),
        ("1404-11-30", 1, "1404-12-29"),
        ("1403-11-30", 1, "1403-12-30"),
        ("1403-12-30", 12, "1404-12-29"),
        ("1405-01-01", -1, "1404-12-01"),
        ("1405-08-30", 0, "1405-08-30"),
        ("1405-08-30", 84, "1412-08-30"),
    ],
)
def test_one_month_is_clamped_to_the_months_end(start, months, end):
    first, _ = period_bounds(start[:7])
    day = first + timedelta(days=int(start[8:]) - 1)
    assert jalali_text(add_jalali_months(day, months)) == end


@calm
@given(jalali_days, st.integers(-120, 120))
def test_months_move_the_period_by_their_number(day, months):
    def count(when):
        year, month = map(int, period_of(when).split("-"))
        return year * 12 + month

    assert count(add_jalali_months(day, months)) == count(day) + months


@pytest.mark.parametrize(
    ("day", "season"),
    [
        (date(2026, 3, 21), "1405-S1"),
        (date(2026, 6, 22), "1405-S2"),
        (date(2026, 11, 21), "1405-S3"),
        (date(2026, 3, 20), "1404-S4"),
    ],
)
def test_seasons_are_jalali(day, season):
    assert jalali_season(day) == season


def test_working_days_step_over_fridays_and_nowruz():
    nowruz = {date(2026, 3, 21) + timedelta(days=number) for number in range(4)}
    thursday = date(2026, 3, 19)
    assert working_days_after(thursday, 1, closed=()) == date(2026, 3, 21)
    assert working_days_after(thursday, 1, closed=nowruz) == date(2026, 3, 25)
    assert working_days_after(thursday, 3, closed=nowruz) == date(2026, 3, 28)
    assert working_days_after(thursday, 3, closed=nowruz, weekend={3, 4}) == date(2026, 3, 29)
    assert working_days_after(thursday, 0, closed=nowruz) == thursday
    assert working_days_after(date(2026, 3, 20), 0, closed=nowruz) == date(2026, 3, 25)


@calm
@given(jalali_days, st.integers(1, 60), st.sets(st.integers(0, 90), max_size=20))
def test_so_many_working_days_lie_between(day, n, holidays):
    closed = {day + timedelta(days=number) for number in holidays}
    end = working_days_after(day, n, closed=closed)
    between = [day + timedelta(days=number + 1) for number in range((end - day).days)]
    assert len([one for one in between if one.weekday() != 4 and one not in closed]) == n
    assert end.weekday() != 4
    assert end not in closed


@pytest.mark.parametrize(("n", "weekend"), [(-1, {4}), (1, set(range(7)))])
def test_working_days_that_never_come_are_refused(n, weekend):
    with pytest.raises(ValueError, match=r"^working_days$"):
        working_days_after(date(2026, 3, 19), n, closed=(), weekend=weekend)


@calm
@given(periods)
def test_a_period_is_the_period_of_its_own_days(period):
    first, last = period_bounds(period)
    assert period_of(first) == period_of(last) == parse_period(period) == period
    assert period_of(last + timedelta(days=1)) != period


def test_no_period_no_bounds():
    with pytest.raises(ValueError, match=r"^period$"):
        period_bounds("1405-13")


class Birth(BaseModel):
    model_config = ConfigDict(strict=True)
    birth_on: Day | None = None
    at: Instant | None = None


def refusal(**values):
    with pytest.raises(ValidationError) as refused:
        Birth(**values)
    (error,) = refused.value.errors()
    return error["type"]


def test_dates_are_taken_as_text_in_strict_mode():
    assert Birth(birth_on="1981-03-02").birth_on == date(1981, 3, 2)
    assert Birth(birth_on="۱۹۸۱-۰۳-۰۲").birth_on == date(1981, 3, 2)
    assert Birth(birth_on=date(1981, 3, 2)).birth_on == date(1981, 3, 2)
    assert Birth.model_validate_json('{"birth_on": "1981-03-02"}').birth_on == date(1981, 3, 2)
    instant = Birth(at="2026-11-21T00:00:00.5+03:30").at
    assert instant == datetime(2026, 11, 20, 20, 30, 0, 500_000, tzinfo=UTC)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "1981-02-30",
        "1981-3-2",
        "19810302",
        "1981-W10-1",
        "1981-03-02T00:00:00Z",
        "1981-03-02\n",
        "0001-01-01",
        "9999-12-31",
        "1403-12-30",
        "\ud800",
        "",
    ],
)
def test_other_texts_are_no_day(text):
    assert refusal(birth_on=text) == "day"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T00:00:00",
        "2026-11-21",
        "2026-11-21T24:00:00Z",
        "2026-11-21T00:00:00Z\n",
        "2026-11-21T00:00:00+99:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\ud800",
    ],
)
def test_other_texts_are_no_instant(text):
    assert refusal(at=text) == "instant"


@pytest.mark.parametrize("value", [0, 1.5, True, b"1981-03-02"])
def test_a_number_is_no_day_and_no_instant(value):
    assert refusal(birth_on=value) == "date_type"
    assert refusal(at=value) == "datetime_type"
