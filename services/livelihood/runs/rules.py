"""Months, rates and digests of a run, and the cycles in which banks execute it: pure."""

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

from shared.values.calendar import TEHRAN, tehran_date, working_days_after

THURSDAY = 3

TOP_SIZE = 5
"""The last step of the rates is "five and more" (facts 2.3, H08)."""


class Rate(NamedTuple):
    """What a covered size is worth in a month, in Rials; periods are yyyymm, both inside."""

    covered_size: int
    amount_rial: int
    from_period: int
    to_period: int | None


class Closed(NamedTuple):
    """A month whose regular list is closed, and what a size is worth in it by what is known now.

    `anew`: that is not what it was when the month was last reckoned.
    """

    period: int
    run_id: UUID
    opened_at: datetime
    amounts: list[int]
    anew: bool

    def as_json(self) -> dict[str, Any]:
        stored = {"run_id": str(self.run_id), "opened_at": self.opened_at.isoformat()}
        return self._asdict() | stored

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        at = datetime.fromisoformat(stored["opened_at"])
        return cls(**{**stored, "run_id": UUID(stored["run_id"]), "opened_at": at})


def as_number(period: str) -> int:
    """`1405-08` as 140508, the way a month is kept."""
    return int(period.replace("-", ""))


def as_text(period: int) -> str:
    """140508 as `1405-08`."""
    return f"{year_of(period)}-{period % 100:02d}"


def year_of(period: int) -> int:
    """The budget year of a month."""
    return period // 100


def missing_sizes(rates: Iterable[Rate]) -> list[int]:
    """The covered sizes that no rate is known for."""
    return sorted({*range(1, TOP_SIZE + 1)} - {rate.covered_size for rate in rates})


def amounts(rates: Iterable[Rate]) -> list[int]:
    """The amounts by size, the first for one covered person. The rates are complete."""
    by_size: Mapping[int, int] = {rate.covered_size: rate.amount_rial for rate in rates}
    return [by_size[size] for size in range(1, TOP_SIZE + 1)]


def rate_version(rates: Iterable[Rate], worth: Mapping[str, Sequence[int]] | None = None) -> str:
    """A short name of exactly these rates and what emergencies are worth: others have another."""
    told = [(kind, *percents) for kind, percents in sorted((worth or {}).items())]
    lines = "\n".join(":".join(map(str, line)) for line in (*sorted(rates), *told))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def snapshot_hash(digests: Sequence[bytes]) -> str:
    """The hash of a list from the digests of its shards, in their order."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


@dataclass(frozen=True, slots=True)
class Cycles:
    """When Paya executes: dated policy (facts 2.7). A file must be there `notice` before."""

    times: tuple[time, ...]
    notice: timedelta
    thursday_settles_later: bool
    closed: Container[date]
    weekend: frozenset[int]

    @classmethod
    def of(
        cls, paya: Mapping[str, list[str] | int | bool], closed: Container[date], weekend: list[int]
    ) -> "Cycles":
        """As the policies `livelihood.paya`, `calendar.holidays` and `calendar.weekend` say."""
        times, minutes = paya["cycles"], paya["notice_minutes"]
        if not (isinstance(times, list) and isinstance(minutes, int)):
            raise TypeError("livelihood.paya")
        return cls(
            times=tuple(sorted(map(time.fromisoformat, times))),
            notice=timedelta(minutes=minutes),
            thursday_settles_later=bool(paya["thursday_settles_later"]),
            closed=closed,
            weekend=frozenset(weekend),
        )

    def next(self, now: datetime) -> datetime:
        """The first cycle that a file of now still reaches; none on a holiday (H21)."""
        day = self._working(tehran_date(now))
        while True:
            for at in self.times:
                cycle = datetime.combine(day, at, TEHRAN)
                if now + self.notice <= cycle:
                    return cycle
            day = self._working(day + timedelta(days=1))

    def promised_on(self, cycle_at: datetime) -> date:
        """The day on which what is executed in a cycle is in the accounts (H21)."""
        day = tehran_date(cycle_at)
        if day.weekday() == THURSDAY and self.thursday_settles_later:
            return self._working(day + timedelta(days=1))
        return day

    def _working(self, day: date) -> date:
        return working_days_after(day, 0, closed=self.closed, weekend=self.weekend)
