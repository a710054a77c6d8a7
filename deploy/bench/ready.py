"""B13: the default run, everything in one process, from its start to ready; and its memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.bench.stage import ROOT, end, free_port, wait_ready

SETTLE_S = 1.0
SETS_UP_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Ready:
    """Seconds until /readyz answered 200, with everything set up and (first) from nothing."""

    seconds: float
    first_seconds: float
    mib: float


def ready(place: Path) -> Ready:
    """Run `make run`'s command twice over `place`: the first one sets everything up.

    Memory is what the one process holds (resident), PostgreSQL and the sandbox left out.
    """
    first, _ = _run(place)
    seconds, mib = _run(place)
    return Ready(seconds, first, mib)


def _run(place: Path) -> tuple[float, float]:
    port = free_port()
    environment = os.environ | {
        "ENV": "development",
        "LOG_LEVEL": "warning",
        "DATA_DIR": str(place),
        "RUN_DIR": str(place / "run"),
        "PORT": str(port),
        "SANDBOX_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "shared.running.cli", "run"],
        cwd=place,  # a developer's .env is none of ours
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        seconds = wait_ready(f"http://127.0.0.1:{port}/readyz", process, within_s=SETS_UP_WITHIN_S)
        time.sleep(SETTLE_S)
        return seconds, resident_mib(process.pid)
    finally:
        end([process])


def resident_mib(pid: int) -> float:
    """What a process holds in memory; 0 where there is no /proc."""
    try:
        lines = Path("/proc", str(pid), "status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
