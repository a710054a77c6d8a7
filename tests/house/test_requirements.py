"""Every requirement that a finished piece owns is named by a test, and no mark names a stranger."""

import subprocess
import sys

from tests.requirements import data, existing, spelled_out


def test_every_id_has_one_owner():
    owners = [name for text in data()["pieces"].values() for name in spelled_out(text)]
    assert sorted(owners) == sorted(existing())


def test_finished_pieces_are_covered_and_marks_exist():
    """In a process of its own: the marks are those of the whole suite, whatever runs here."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.requirements"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
