"""Lines of an entry, and the lines that undo them: pure."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Side = Literal["debit", "credit"]
OTHER: dict[Side, Side] = {"debit": "credit", "credit": "debit"}

# Codes of the accounts that the code itself names; their names and the rest are rows of `account`.
SUPPORT, PAYABLE = "support", "payable"
FUNDS, FUNDING = "funds", "funding"
RECOVERY = "recovery"


class Line(NamedTuple):
    """So many Rials on one side of an account."""

    account: str
    side: Side
    amount_rial: int


def transfer(amount_rial: int, *, debit: str, credit: str) -> list[Line]:
    """The two lines of an amount that goes from one account to another."""
    return [Line(debit, "debit", amount_rial), Line(credit, "credit", amount_rial)]


def mirrored(lines: Iterable[Line]) -> list[Line]:
    """The lines that take others back: the same amounts on the other sides."""
    return [Line(line.account, OTHER[line.side], line.amount_rial) for line in lines]
