"""Which months an emergency covers and what it is worth: no input or output, no clock."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.livelihood.awards.rules import next_period
from shared.values.calendar import add_jalali_months, period_of, working_days_after


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of a declaration: area and days, ruling the months from `effective_from` on."""

    effective_from: str
    provinces: tuple[str, ...]
    counties: tuple[str, ...]
    from_on: date
    to_on: date

    def covers_place(self, province: str | None, county: str | None) -> bool:
        return province in self.provinces or county in self.counties

    def covers_month(self, period: str) -> bool:
        return period_of(self.from_on) <= period <= period_of(self.to_on)


@dataclass(frozen=True, slots=True)
class Granted:
    """An award under a declaration: where the household lives, its first and last month."""

    province: str | None
    county: str | None
    start_period: str
    last_period: str


def ruling(versions: Sequence[Declared], period: str) -> Declared | None:
    """The version that rules a month, oldest first given: the last that is in force by then."""
    in_force = [version for version in versions if version.effective_from <= period]
    return in_force[-1] if in_force else None


def outside(
    versions: Sequence[Declared], province: str | None, county: str | None, *days: date
) -> str | None:
    """What of a grant the declaration does not cover: `area`, `dates`, or nothing (LV-34)."""
    for day in days:
        declared = ruling(versions, period_of(day))
        if declared is None or not declared.from_on <= day <= declared.to_on:
            return "dates"
        if not declared.covers_place(province, county):
            return "area"
    return None


def effective_from(version: int, from_on: date, today: date) -> str:
    """The first month a version rules: the first one all of them, a later one the next (H28)."""
    return period_of(from_on) if version == 1 else next_period(period_of(today))


def is_paid_in(granted: Granted, versions: Sequence[Declared], period: str) -> bool:
    """Whether an award is paid for a month, as the declaration stands for it (LV-35, H28)."""
    declared = ruling(versions, period)
    return (
        granted.start_period <= period <= granted.last_period
        and declared is not None
        and declared.covers_month(period)
        and declared.covers_place(granted.province, granted.county)
    )


def last_paid(granted: Granted, versions: Sequence[Declared], *, until: str) -> str | None:
    """The last month up to `until` that an award is paid for; None when there is none."""
    period = min(until, granted.last_period)
    while period >= granted.start_period:
        if is_paid_in(granted, versions, period):
            return period
        period = next_period(period, -1)
    return None


def regular_start(paid_until: str | None, *, here: str, pending: bool) -> str | None:
    """The first month of a regular award after emergency support (H26); None: as any other's.

    The month after the last one that the emergency pays, so that none is paid twice; where the
    request was pending when the emergency ended, also when that month is over: no gap.
    """
    if paid_until is None:
        return None
    after = next_period(paid_until)
    return after if pending or after > here else None


def worth_of(policy: Mapping[str, Any]) -> dict[str, list[int]]:
    """Per kind the percent of the rate in place of the base stipend, and beside one (H27)."""
    return {
        kind: [said["base_percent"], said["added_percent"]]
        for kind, said in policy["kinds"].items()
    }


def amount(rate_rial: int, percent: int) -> int:
    """A share of a rate in whole Rials, rounded down."""
    return rate_rial * percent // 100


def due_on(
    day: date, promise: Mapping[str, int], *, closed: Container[date], weekend: Container[int]
) -> date:
    """When a promise made on a day falls due: in Jalali months, then in working days."""
    later = add_jalali_months(day, promise.get("jalali_months", 0))
    return working_days_after(later, promise.get("working_days", 0), closed=closed, weekend=weekend)
