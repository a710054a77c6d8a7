"""What has to be equal before a run is closed: pure.

Everything that was approved is held, paid, returned or unknown, by count and by Rial; items, their
parts, the files and the books say the same (decision 6 and 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass

NOT_SETTLED = ("planned", "queued", "requeued", "sent")


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts and Rials of a run.

    `approved` is what its snapshot froze; `items` by state, count and Rials; `parts` Rials by the
    state of the last attempt; `files` rows and Rials as they say, then as they are; `books` what
    stands on each account.
    """

    approved: tuple[int, int]
    items: Mapping[str, tuple[int, int]]
    parts: Mapping[str, int]
    files: tuple[int, ...]
    books: Mapping[str, int]
    on_the_way: int


def off(sums: Sums) -> dict[str, dict[str, int]]:
    """Every sum that is not as it should be, with what it is and what it should be."""
    count = sum(one[0] for one in sums.items.values())
    amount = sum(one[1] for one in sums.items.values())
    waiting = sum(sums.items.get(state, (0, 0))[0] for state in NOT_SETTLED)
    books = sums.books
    spent = books.get("funding", 0) - books.get("funds", 0)
    rows, rial, rows_in, rial_in = sums.files
    found = {
        "items": (count, sums.approved[0]),
        "items_rial": (amount, sums.approved[1]),
        "items_not_settled": (waiting, 0),
        "on_the_way_rial": (sums.on_the_way, 0),
        "held_rial": (sums.parts.get("held", 0), books.get("payable", 0)),
        "paid_rial": (sums.parts.get("paid", 0), spent),
        "returned_rial": (sums.parts.get("returned", 0), books.get("returned", 0)),
        "unknown_rial": (sums.parts.get("unknown", 0), books.get("clearing.unknown", 0)),
        "settled_rial": (sum(sums.parts.values()), sums.approved[1]),
        "files": (rows, rows_in),
        "files_rial": (rial, rial_in),
    }
    return {
        name: {"is": is_, "should_be": should_be}
        for name, (is_, should_be) in found.items()
        if is_ != should_be
    }
