"""Tehran and the Jalali calendar, at the edge only: inside are UTC instants and ISO dates."""

import re
from collections.abc import Callable, Container
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Annotated
from zoneinfo import ZoneInfo

from persiantools.digits import en_to_fa
from persiantools.jdatetime import MONTH_NAMES_FA, JalaliDate
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shared.values.text import ascii_digits

# The zone of the locked tzdata, not of the machine: an old machine still knows summer time.
with files("tzdata.zoneinfo.Asia").joinpath("Tehran").open("rb") as _zone:
    TEHRAN = ZoneInfo.from_file(_zone, key="Asia/Tehran")

FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2299, 12, 31)  # whom and what we may speak about
FRIDAY = 4
_PERIOD = re.compile(r"1[345][0-9]{2}-(?:0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def tehran_date(instant: datetime) -> date:
    """The civil day in Tehran at an instant. Raises ValueError("instant") for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("instant")
    return instant.astimezone(TEHRAN).date()


def jalali_text(day: date | datetime) -> str:
    """`1405-08-30`, of the day in Tehran when an instant is given."""
    jalali = _jalali(day)
    return f"{jalali.year:04}-{jalali.month:02}-{jalali.day:02}"


def jalali_long(day: date | datetime) -> str:
    """`۳۰ آبان ۱۴۰۵`, of the day in Tehran when an instant is given."""
    jalali = _jalali(day)
    return en_to_fa(f"{jalali.day} {MONTH_NAMES_FA[jalali.month]} {jalali.year}")


def jalali_season(day: date | datetime) -> str:
    """`1405-S3`: the Jalali year and its season, 1 spring to 4 winter."""
    jalali = _jalali(day)
    return f"{jalali.year}-S{(jalali.month + 2) // 3}"


def period_of(day: date | datetime) -> str:
    """The Jalali month of a day: `1405-08`."""
    return jalali_text(day)[:7]


def parse_period(text: str) -> str:
    """A Jalali month of the years 1300-1599, ASCII. Raises ValueError("period")."""
    period = ascii_digits(text)
    if not _PERIOD.fullmatch(period):
        raise ValueError("period")
    return period


def period_bounds(period: str) -> tuple[date, date]:
    """The first and the last day of a Jalali month, both inside. Raises ValueError("period")."""
    year, month = map(int, parse_period(period).split("-"))
    last = JalaliDate.days_in_month(month, year)
    return _gregorian(year, month, 1), _gregorian(year, month, last)


def add_jalali_months(day: date, months: int) -> date:
    """The same day some Jalali months on (or back), clamped to the month's end (facts 2.1)."""
    jalali = _jalali(day)
    year, month0 = divmod(jalali.year * 12 + jalali.month - 1 + months, 12)
    last = JalaliDate.days_in_month(month0 + 1, year)
    return _gregorian(year, month0 + 1, min(jalali.day, last))


def working_days_after(
    day: date, n: int, *, closed: Container[date], weekend: Container[int] = frozenset({FRIDAY})
) -> date:
    """The n-th working day after a day; for n = 0 the day itself or the first working day after it.

    `closed` are the holidays, `weekend` days as `date.weekday()` counts (Friday 4): both are dated
    policy. Raises ValueError("working_days") when n is negative or no day of the week is left.
    """
    if n < 0 or all(weekday in weekend for weekday in range(7)):
        raise ValueError("working_days")
    if n == 0:
        day, n = day - timedelta(days=1), 1
    while n:
        day += timedelta(days=1)
        if day.weekday() not in weekend and day not in closed:
            n -= 1
    return day


def parse_day(text: str) -> date:
    """An ISO date between FIRST_DAY and LAST_DAY. Raises ValueError("day")."""
    text = ascii_digits(text)
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise ValueError("day") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError("day")
    return day


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant with its offset, as UTC. Raises ValueError("instant")."""
    try:
        instant = datetime.fromisoformat(text if _INSTANT.fullmatch(text) else "")
    except ValueError:
        raise ValueError("instant") from None
    if not FIRST_DAY <= instant.date() <= LAST_DAY:
        raise ValueError("instant")
    return instant.astimezone(UTC)


def _jalali(day: date | datetime) -> JalaliDate:
    return _jalali_of(tehran_date(day) if isinstance(day, datetime) else day)


@lru_cache(maxsize=4096)
def _jalali_of(day: date) -> JalaliDate:
    """One answer names few different days; the library counts each from the beginning."""
    return JalaliDate(day)  # type: ignore[no-untyped-call]


def _gregorian(year: int, month: int, day: int) -> date:
    return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]


def _from_text(parse: Callable[[str], date]) -> BeforeValidator:
    def read(value: object) -> object:
        try:
            return parse(value) if isinstance(value, str) else value
        except ValueError as refused:
            code = str(refused)
            raise PydanticCustomError(code, "Not acceptable: {code}", {"code": code}) from None

    return BeforeValidator(read)


# In strict mode pydantic takes no text for a date once the JSON is parsed; these do, and no number.
Day = Annotated[date, Field(strict=True, examples=["1981-03-02"]), _from_text(parse_day)]
Instant = Annotated[
    datetime, Field(strict=True, examples=["2026-10-22T08:30:00Z"]), _from_text(parse_instant)
]
