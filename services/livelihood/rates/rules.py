"""Which rate a household gets in a Jalali month: no input or output.

Inside, a month is the number yyyymm (140508), so that ranges of months are ranges of numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

TOP_SIZE = 5
"""The last step of the table: five members and more (facts 2.3)."""


def number(period: str) -> int:
    """`1405-08` as 140508."""
    return int(period[:4]) * 100 + int(period[5:])


def text(month: int) -> str:
    """140508 as `1405-08`."""
    return f"{month // 100:04}-{month % 100:02}"


def month_before(month: int) -> int:
    """The month before: of 140501 it is 140412."""
    return month - 1 if month % 100 > 1 else month - 89


def months_late(first: int, announced: int | None) -> int:
    """How many months had begun before a rate for them was announced; 0 when nobody knows (H13).

    The month of the announcement itself is paid at its end, so it is in time.
    """
    if announced is None or announced <= first:
        return 0
    return (announced // 100 - first // 100) * 12 + announced % 100 - first % 100


def step_of(size: int) -> int:
    """The step of the table for so many covered members (H08). Raises ValueError below one."""
    if size < 1:
        raise ValueError("covered_size")
    return min(size, TOP_SIZE)


def confirmed(*, by: str | None, confidence: str) -> bool:
    """Whether production may pay by a row: a person has confirmed it, or two sources agree (H)."""
    return by is not None or confidence == "H"


@dataclass(frozen=True, slots=True)
class Rate:
    """The monthly amount of one step, both months inside; no last month means until further.

    `usable` says whether money may stand on it: outside production always.
    """

    id: UUID
    covered_size: int
    amount_rial: int
    from_period: int
    to_period: int | None
    usable: bool

    def holds(self, month: int) -> bool:
        """Whether it holds in a month."""
        return self.from_period <= month and (self.to_period is None or month <= self.to_period)

    @classmethod
    def among(cls, rates: Iterable[Self], size: int, month: int) -> Self | None:
        """The one rate of a month for so many covered members (LV-12); None where there is none."""
        step = step_of(size)
        return next((r for r in rates if r.covered_size == step and r.holds(month)), None)
