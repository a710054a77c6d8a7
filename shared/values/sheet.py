"""Tables as CSV for people's spreadsheets: read as Persian, and never as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

BOM = "\ufeff"
"""Stands before a file's first row: without it Excel takes UTF-8 for something else."""
# A cell that begins so is worked out by the reader's program; an apostrophe makes it text.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180); nothing is an empty cell, and a number stays one."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_FORMULA):
        return f"'{value}"
    return value
