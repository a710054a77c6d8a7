"""Months, rates and digests of a run: pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

TOP_SIZE = 5
"""The last step of the rates is "five and more" (facts 2.3, H08)."""


class Rate(NamedTuple):
    """What a covered size is worth in a month, in Rials; periods are yyyymm, both inside."""

    covered_size: int
    amount_rial: int
    from_period: int
    to_period: int | None


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
