"""What a bare clone is made from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def pinned(name):
    return dict(PINNED.findall((ROOT / name).read_text()))


def test_the_tools_are_locked_on_top_of_what_runs():
    runs, tools = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert len(runs) > 50
    assert runs.items() <= tools.items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_hashes_and_no_addresses(lock):
    text = (ROOT / lock).read_text()
    assert text.count("--hash=sha256:") >= len(pinned(lock))
    assert "://" not in re.sub(r"#.*", "", text)


def test_every_target_of_make_is_explained_and_help_is_the_default():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    targets = "run stop test check fmt bench bench-quick demo migrate docs requirements lock clean"
    for target in targets.split():
        assert re.search(rf"make {target} +\S", said), target
