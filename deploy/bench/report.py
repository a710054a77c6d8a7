"""The figures as a table for people and as evidence/bench.json."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.bench.stage import ROOT

EVIDENCE = ROOT / "evidence"


@dataclass(frozen=True, slots=True)
class Line:
    """One target beside its figure; `met` is None where nothing was measured."""

    name: str
    work: str
    target: str
    figure: str
    met: bool | None
    note: str = ""

    @property
    def verdict(self) -> str:
        return "-" if self.met is None else "ok" if self.met else "MISSED"


def table(lines: Sequence[Line]) -> str:
    """The lines under each other, with the notes below."""
    rows = [("", "work", "target", "figure", "")]
    rows += [(line.name, line.work, line.target, line.figure, line.verdict) for line in lines]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]  # fmt: skip
    notes = [f"{line.name}: {line.note}" for line in lines if line.note]
    return "\n".join([*text, "", *notes])


def write(
    lines: Sequence[Line],
    *,
    quick: bool,
    seed: int,
    settings: Mapping[str, Any],
    rounds: Mapping[str, Any],
) -> str:
    """Write the evidence; returns where."""
    EVIDENCE.mkdir(exist_ok=True)
    file = EVIDENCE / ("bench-quick.json" if quick else "bench.json")
    evidence = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "quick": quick,
        "seed": seed,
        "settings": dict(settings),
        "machine": {
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "figures": [asdict(line) for line in lines],
        "rounds": dict(rounds),
    }
    file.write_text(json.dumps(evidence, indent=2, ensure_ascii=False) + "\n")
    return str(file.relative_to(ROOT))


def _git(*asked: str) -> str | None:
    """What git says, None in a tree that came without it."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *asked],  # noqa: S607 - whichever git the developer has
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
