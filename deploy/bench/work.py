"""B1 to B3: a route in turns with its floor and its plain version; the median of the rounds."""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median
from typing import Any

from deploy.bench.copies import copy_case
from deploy.bench.floor import CLIENTS, Script
from deploy.bench.people import national_codes
from deploy.bench.routes import (
    COUNTER,
    WORKER,
    Learned,
    Request,
    authorised,
    learn,
    planning,
    reading,
    submission,
)
from deploy.bench.stage import ROOT, BenchFault, Stage, Workers
from shared.storage.encryption import Crypto
from shared.web.auth import Actor

WARM_UP = 10 * CLIENTS
READ_ROWS = 2_000
STEP_TABLES = ("history", "audit", "outbox", "idempotency")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many requests a round has, of ours and of the plain version, and how many rounds.

    `aged` are those kept for the database when it has grown old.
    """

    requests: int
    plain: int
    rounds: int
    aged: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """One route: how it is asked, of ours and of the plain version, and what a request writes."""

    service: str
    actor: Actor
    ours: Iterator[Request]
    plain: Iterator[Request]
    floor: Script
    floor_start: int
    among: int | None
    tables: tuple[str, ...]


@dataclass(slots=True)
class Figures:
    """Requests or transactions per second, round by round."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    runs: list[dict[str, float]] = field(default_factory=list)

    @property
    def to_floor(self) -> float:
        return median(a / b for a, b in zip(self.ours, self.floor, strict=True))

    @property
    def to_plain(self) -> float:
        return median(a / b for a, b in zip(self.ours, self.plain, strict=True))

    def middle(self) -> dict[str, float]:
        """The medians of what was noted of our own rounds."""
        return {name: median(run[name] for run in self.runs) for name in self.runs[0]}

    def record(self) -> dict[str, Any]:
        """What evidence keeps: every round, and how the last one went."""
        return {
            "requests_per_s": self.ours,
            "pgbench_per_s": self.floor,
            "plain_per_s": self.plain,
            "runs": self.runs,
        }


def works(stage: Stage, sizes: Sizes, *, seed: int) -> dict[str, Work]:
    """Lay out the rows that the three routes need."""
    codes = national_codes(seed)
    learned = asyncio.run(learn(stage, codes))
    applications, cases = asyncio.run(_copies(stage, learned, sizes))
    submissions = (submission(code) for code in codes)
    readings = (reading(code) for code in cycle(applications))
    ours = sizes.rounds * sizes.requests + WARM_UP + sizes.aged
    plain = ours + sizes.rounds * sizes.plain + WARM_UP
    return {
        "B1": Work(
            "intake", COUNTER, submissions, submissions, learned.submit, 0, None,
            ("application", "person", *STEP_TABLES),
        ),
        "B2": Work("intake", COUNTER, readings, readings, learned.read, 0, READ_ROWS, ()),
        "B3": Work(
            "livelihood", WORKER, map(planning, cases[:ours]), map(planning, cases[ours:plain]),
            learned.step, plain, None, ("visit", *STEP_TABLES),
        ),
    }  # fmt: skip


async def _copies(
    stage: Stage, learned: Learned, sizes: Sizes
) -> tuple[Sequence[str], Sequence[str]]:
    keys_dir = stage.settings.keys_dir
    steps = sizes.rounds * (sizes.requests + sizes.plain + floor_count(sizes)) + 2 * WARM_UP
    steps += sizes.aged
    owner = await stage.owner()
    try:
        applications = await copy_case(
            owner, Crypto(keys_dir, "intake"), "intake.application", learned.application,
            count=READ_ROWS, unique=("subject_index",),
        )  # fmt: skip
        cases = await copy_case(
            owner, Crypto(keys_dir, "livelihood"), "livelihood.case", learned.case,
            count=steps, sealed=("address",),
        )  # fmt: skip
    finally:
        await owner.close()
    return applications, cases


def floor_count(sizes: Sizes) -> int:
    """Transactions of a pgbench round: pgbench is faster, so it gets more to last as long."""
    return 2 * sizes.requests // CLIENTS * CLIENTS


def compare(stage: Stage, work: Work, sizes: Sizes) -> Figures:
    """Run the rounds. Raises BenchFault for any answer but a 2xx, and where rows are missing."""
    figures = Figures()
    dsn = stage.settings.dsn(work.service)
    start = work.floor_start
    ours, plain = stage.workers["measured"], stage.workers["plain"]
    for workers in (ours, plain):
        workers.wait()
    for workers, requests in ((ours, work.ours), (plain, work.plain)):
        _load(stage, work, workers, requests, count=WARM_UP)
    for _ in range(sizes.rounds):
        used, at_database = ours.cpu_s(), stage.database_cpu_s()
        run = _load(stage, work, ours, work.ours, count=sizes.requests)
        run["worker_us"] = (ours.cpu_s() - used) / sizes.requests * 1e6
        run["database_us"] = (stage.database_cpu_s() - at_database) / sizes.requests * 1e6
        figures.ours.append(run["per_s"])
        count, used = floor_count(sizes), stage.database_cpu_s() + _ended_cpu_s()
        with _counted(stage, work, count):
            figures.floor.append(
                work.floor.run(dsn, stage.place, count=count, start=start, among=work.among)
            )
        used = stage.database_cpu_s() + _ended_cpu_s() - used
        run["floor_us"] = used / count * 1e6
        figures.runs.append(run)
        start += count
        run = _load(stage, work, plain, work.plain, count=sizes.plain)
        figures.plain.append(run["per_s"])
    return figures


def _ended_cpu_s() -> float:
    """The processor time of our children that have ended: between two looks, pgbench."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _load(
    stage: Stage, work: Work, workers: Workers, requests: Iterator[Request], *, count: int
) -> dict[str, float]:
    """Send so many requests, and see that the database has a row for each."""
    with _counted(stage, work, count):
        return send(stage, work, workers, requests, count=count)


def send(
    stage: Stage, work: Work, workers: Workers, requests: Iterator[Request], *, count: int
) -> dict[str, float]:
    """Send so many requests from a process of their own. Raises BenchFault for any but a 2xx."""
    file = stage.place / "requests.json"
    given = {
        "ports": workers.ports,
        "connections": CLIENTS,
        "headers": authorised(stage, work.service, work.actor),
        "requests": list(islice(requests, count)),
    }
    file.write_text(json.dumps(given))
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "deploy.bench.load", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        raise BenchFault(f"the load ended early: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    if found["count"] != count:
        raise BenchFault(f"{found['count']} answers to {count} requests")
    return found


@contextmanager
def _counted(stage: Stage, work: Work, count: int) -> Iterator[None]:
    """Raise BenchFault unless every table has gained as many rows as were answered for."""
    before = asyncio.run(_rows(stage, work))
    yield
    gained = {name: now - before[name] for name, now in asyncio.run(_rows(stage, work)).items()}
    if any(more != count for more in gained.values()):
        raise BenchFault(f"{count} were answered for, the tables gained {gained}")


async def _rows(stage: Stage, work: Work) -> dict[str, int]:
    owner = await stage.owner()
    try:
        return {
            name: await owner.fetchval(f'SELECT count(*) FROM "{work.service}"."{name}"')  # noqa: S608
            for name in work.tables
        }
    finally:
        await owner.close()
