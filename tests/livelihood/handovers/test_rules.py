"""What the other body must still be told, worked out from where it and the award stand."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.handovers.rules import (
    INTRODUCTION,
    REMOVAL,
    Last,
    Line,
    Need,
    needed,
    sha256,
)


@pytest.mark.parametrize(
    ("last", "supported", "need"),
    [
        (None, True, Need.INTRODUCE),
        (None, False, None),
        (Last(INTRODUCTION, may_drop=False), True, None),
        (Last(INTRODUCTION, may_drop=True), True, None),
        (Last(INTRODUCTION, may_drop=False), False, Need.REMOVE),
        (Last(INTRODUCTION, may_drop=True), False, Need.DROP),
        (Last(REMOVAL, may_drop=False), False, None),
        (Last(REMOVAL, may_drop=False), True, Need.INTRODUCE),
        (Last(REMOVAL, may_drop=True), True, Need.DROP),
    ],
)
def test_what_is_needed_next(last, supported, need):
    assert needed(last, supported=supported) is need


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_whatever_happens_the_other_body_ends_where_the_award_stands(changes):
    """Awards stop and come back; some rows have gone out by then and some have not."""
    rows: list[tuple[str, bool]] = []  # kind, whether it has gone out
    supported = False
    for supported, sends in changes:
        for _ in range(3):
            last = Last(rows[-1][0], may_drop=not rows[-1][1]) if rows else None
            need = needed(last, supported=supported)
            if need is None:
                break
            if need is Need.DROP:
                rows.pop()
            else:
                rows.append((need, False))
        rows = [(kind, gone or sends) for kind, gone in rows]
    known = [kind for kind, _ in rows]
    assert known == [INTRODUCTION if at % 2 == 0 else REMOVAL for at in range(len(known))]
    assert supported == (known[-1:] == [INTRODUCTION])


def test_the_hash_is_over_the_lines_in_their_order_and_names_nobody():
    first = Line(UUID(int=1), INTRODUCTION, 3, "1405-08", None)
    second = Line(UUID(int=2), REMOVAL, 2, "1404-01", "1405-07")
    text = f"{UUID(int=1)}|introduction|3|1405-08|\n{UUID(int=2)}|removal|2|1404-01|1405-07\n"
    assert sha256([first, second]) == hashlib.sha256(text.encode()).hexdigest()
    assert sha256([second, first]) != sha256([first, second])
