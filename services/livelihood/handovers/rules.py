"""What the other body must still be told of an award, and the hash of a batch: pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

INTRODUCTION, REMOVAL = "introduction", "removal"


class Need(StrEnum):
    """What is to be done next about an award."""

    INTRODUCE = INTRODUCTION
    REMOVE = REMOVAL
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Last:
    """The last row of an award that was not dropped; `may_drop` while nothing of it stands."""

    kind: str
    may_drop: bool


def needed(last: Last | None, *, supported: bool) -> Need | None:
    """What brings the other body to where the award stands; None where it is there already."""
    introduced = last is not None and last.kind == INTRODUCTION
    if supported == introduced:
        return None
    if last is not None and last.may_drop:
        return Need.DROP
    return Need.INTRODUCE if supported else Need.REMOVE


class Line(NamedTuple):
    """One row of a batch as it was frozen; the reference is what the other body answers with."""

    reference: UUID
    kind: str
    covered_size: int
    from_period: str
    last_period: str | None

    def text(self) -> str:
        """The line of which the hash is made: as deploy/sandbox/README.md describes it."""
        return "|".join("" if one is None else str(one) for one in self)


def sha256(lines: Iterable[Line]) -> str:
    """The hash of a batch: over its lines in their order, each ended by a line feed."""
    return hashlib.sha256("".join(f"{line.text()}\n" for line in lines).encode()).hexdigest()
