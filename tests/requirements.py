"""Which requirements, card fields and hard cases the tests name, and which not yet.

`python -m tests.requirements` prints one line for each family and then what is missing.
"""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
_RANGE = re.compile(r"([A-Z]+-?)([0-9]{2})(?:…([A-Z]+-?)([0-9]{2}))?")


def data() -> dict[str, Any]:
    """The ids that exist, who owns them, and which pieces are finished."""
    found: dict[str, Any] = json.loads((HERE / "requirements.json").read_text(encoding="utf-8"))
    return found


def spelled_out(text: str) -> Iterator[str]:
    """`LV-08…LV-11, H50` as every single id."""
    for prefix, first, _, last in _RANGE.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{prefix}{number:02d}"


def existing() -> list[str]:
    """Every id there is, family by family."""
    return [
        f"{family}-{number:02d}" if family not in {"F", "H"} else f"{family}{number:02d}"
        for family, count in data()["of"].items()
        for number in range(1, count + 1)
    ]


class _Marks:
    """Hears from pytest which tests there are, parameters and all; none is run."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("req"):
                for name in mark.args:
                    self.found.setdefault(name, []).append(item.nodeid)


def named() -> dict[str, list[str]]:
    """Each id that a test is marked with, and the tests. Raises RuntimeError when none is found."""
    marks = _Marks()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(HERE)], plugins=[marks])
    if not marks.found:
        raise RuntimeError(said.getvalue())
    return marks.found


def owned(piece: str) -> list[str]:
    """The ids that one piece of the work owns."""
    return list(spelled_out(data()["pieces"][piece]))


def main() -> int:
    """Print the state; 1 where a finished piece lacks a test."""
    tests = named()
    for family, count in data()["of"].items():
        mine = [name for name in existing() if re.fullmatch(rf"{family}-?[0-9]+", name)]
        print(f"{family} {sum(name in tests for name in mine)}/{count}")
    missing = [name for name in existing() if name not in tests]
    strangers = set(tests) - set(existing())
    if strangers:
        print("marks that name nothing:", " ".join(sorted(strangers)))
    print("missing:", " ".join(missing) or "none")
    lacking = [name for piece in data()["finished"] for name in owned(piece) if name not in tests]
    if lacking:
        print("owned by a finished piece and not named by any test:", " ".join(lacking))
    return 1 if lacking or strangers else 0


if __name__ == "__main__":
    sys.exit(main())
