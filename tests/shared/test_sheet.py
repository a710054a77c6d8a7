"""CSV that no spreadsheet works out, and that comes back as it went in."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.sheet import lines

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+98", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "  =cmd|' /C calc'!A0"]
)
def test_a_formula_is_only_text(cell):
    [[read]] = csv.reader(io.StringIO(lines([[cell]]), newline=""))
    assert read == f"'{cell}"


def test_a_number_stays_one_and_nothing_is_empty():
    assert lines([[-5, None, 'نام، «نقل» "x"', 10**15]]) == (
        '-5,,"نام، «نقل» ""x""",1000000000000000\r\n'
    )


@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), max_size=5))
def test_what_is_written_is_read_again(rows):
    read = list(csv.reader(io.StringIO(lines(rows), newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
