"""What the proofs share: a voice for their figures."""

import sys

import pytest


@pytest.fixture
def say(capsys):
    """Write a figure where the person who runs the proof sees it."""

    def write(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}")

    return write
