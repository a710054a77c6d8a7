"""What follows from a bank's answers for the instructions that they name: pure.

A state is only ever left for a higher one, so that the order and the number of answers do not
matter (H18): not known, then paid, then returned, for a payment may come back and its return may
not (H17).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.livelihood.ledger.rules import FUNDS, Line, transfer
from services.livelihood.runs.statements.rows import Fault, Result

RANK = {"queued": 0, "sent": 0, "unknown": 1, "paid": 2, "returned": 3}
ON_THE_WAY = frozenset({"queued", "sent"})
UNKNOWN, RETURNED = "clearing.unknown", "returned"

Said = tuple[UUID, str, str]
"""Instruction, status and the bank's own reference: the same said again is nothing new."""


class Standing(NamedTuple):
    """An instruction as it stands, and whose books it is in."""

    id: UUID
    period: int
    item_id: UUID
    run_id: UUID
    file_id: UUID
    bank_code: str
    amount_rial: int
    state: str


class Move(NamedTuple):
    """Money that is known to be elsewhere than it was, of one run at one bank."""

    run_id: UUID
    bank_code: str
    before: str
    after: str


@dataclass(slots=True)
class Outcome:
    """`new` are the answers to be kept, `final` the last word on each instruction that moved."""

    new: list[Result] = field(default_factory=list)
    repeated: int = 0
    faults: list[Fault] = field(default_factory=list)
    final: dict[UUID, Result] = field(default_factory=dict)
    moved: Counter[Move] = field(default_factory=Counter)


def settle(
    results: Iterable[Result],
    standing: Mapping[UUID, Standing],
    *,
    bank: str | None,
    said: Collection[Said] = (),
) -> Outcome:
    """What the answers of one bank come to; what is another bank's is as unknown as what is not."""
    out = Outcome()
    seen = set(said)
    states = {one.id: one.state for one in standing.values()}
    for result in results:
        one = standing.get(result.reference)
        if one is None or one.bank_code != bank:
            out.faults.append(Fault(result.line, "unknown_reference"))
            continue
        if result.amount_rial not in {None, one.amount_rial}:
            out.faults.append(Fault(result.line, "amount_differs"))
            continue
        key = (one.id, result.status, result.bank_ref)
        if key in seen:
            out.repeated += 1
            continue
        seen.add(key)
        out.new.append(result)
        before = states[one.id]
        if RANK[result.status] > RANK[before]:
            states[one.id] = result.status
            out.final[one.id] = result
            out.moved[Move(one.run_id, one.bank_code, before, result.status)] += one.amount_rial
    return out


def place(state: str, bank_code: str) -> str:
    """The account on which the money of an instruction stands."""
    if state in ON_THE_WAY:
        return f"clearing.{bank_code}"
    return {"unknown": UNKNOWN, "paid": FUNDS, "returned": RETURNED}[state]


def entries(moved: Mapping[Move, int]) -> dict[tuple[UUID, str], list[Line]]:
    """Lines of one entry for each run and kind of move."""
    found: dict[tuple[UUID, str], list[Line]] = {}
    for move, amount in sorted(moved.items()):
        kind = f"bank_{move.after}" if move.before in ON_THE_WAY else f"{move.before}_{move.after}"
        debit, credit = place(move.before, move.bank_code), place(move.after, move.bank_code)
        lines = found.setdefault((move.run_id, kind), [])
        lines += transfer(amount, debit=debit, credit=credit)
    return found
