"""One row of an answer, and what makes it readable: codes for what does not, never what was sent.

A row that cannot be read is a fault of its line; it keeps no other row out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Literal, NamedTuple
from uuid import UUID

from shared.values.calendar import TEHRAN, parse_day, parse_instant
from shared.values.money import MOST_RIAL

State = Literal["paid", "returned", "unknown"]
Source = Literal["pain.002", "camt.053", "json"]
STATES: frozenset[State] = frozenset({"paid", "returned", "unknown"})

_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
# A Rial has no smaller coin: what a format writes behind the point can only be noughts.
_AMOUNT = re.compile(r"([0-9]{1,16})(?:\.0{1,5})?")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?")


class Result(NamedTuple):
    """What the bank says of one instruction; `reference` is the end-to-end id that we gave it."""

    line: int
    reference: UUID
    status: State
    reason: str | None = None
    bank_ref: str = ""
    amount_rial: int | None = None
    at: datetime | None = None


class Fault(NamedTuple):
    """What is wrong with one line, as a stable code."""

    line: int
    code: str


@dataclass(slots=True)
class Answers:
    """Everything that one answer says, in the order of its lines."""

    source: Source
    results: list[Result] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, row: "Raw") -> None:
        """Take one row in, or what is wrong with it."""
        try:
            self.results.append(row.read())
        except ValueError as code:
            self.faults.append(Fault(row.line, str(code)))

    def __len__(self) -> int:
        return len(self.results) + len(self.faults)


@dataclass(slots=True)
class Raw:
    """A row as it was written; None is what was not said."""

    line: int
    reference: str | None = None
    said: str | None = None
    reason: str | None = None
    bank_ref: str | None = None
    amount: str | None = None
    currency: str | None = None
    at: str | None = None
    wrong: str | None = None  # found while it was being read

    def read(self) -> Result:
        """The row. Raises ValueError with the code of the first thing that is wrong with it."""
        if self.wrong is not None:
            raise ValueError(self.wrong)
        return Result(
            self.line,
            reference(self.reference),
            _status(self.said),
            word(self.reason, "invalid_reason"),
            word(self.bank_ref, "invalid_bank_ref") or "",
            amount(self.amount, self.currency),
            instant(self.at),
        )


def reference(text: str | None) -> UUID:
    """Raises ValueError: no_reference, unknown_reference (ours are all UUIDs)."""
    if not text:
        raise ValueError("no_reference")
    if not _UUID.fullmatch(text):
        raise ValueError("unknown_reference")
    return UUID(text)


def _status(text: str | None) -> State:
    if not text:
        raise ValueError("no_status")
    if text not in STATES:
        raise ValueError("unknown_status")
    return text


def word(text: str | None, code: str) -> str | None:
    """A code or a reference between machines. Raises ValueError(code)."""
    if text is not None and not _WORD.fullmatch(text):
        raise ValueError(code)
    return text


def amount(text: str | None, currency: str | None) -> int | None:
    """Whole Rials. Raises ValueError: invalid_amount, other_currency."""
    if text is None:
        return None
    if currency != "IRR":
        raise ValueError("other_currency")
    found = _AMOUNT.fullmatch(text)
    if found is None or not 0 < int(found[1]) <= MOST_RIAL:
        raise ValueError("invalid_amount")
    return int(found[1])


def instant(text: str | None) -> datetime | None:
    """An instant; a day is its beginning, and a time without an offset is Tehran's.

    Raises ValueError("invalid_at").
    """
    if text is None:
        return None
    try:
        if _LOCAL.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=TEHRAN)
        if "T" in text:
            return parse_instant(text)
        return datetime.combine(parse_day(text), time(), tzinfo=TEHRAN)
    except ValueError:
        raise ValueError("invalid_at") from None


def from_plain(rows: Iterable[Raw]) -> Answers:
    """The answer in its JSON form."""
    answers = Answers("json")
    for row in rows:
        answers.add(row)
    return answers
