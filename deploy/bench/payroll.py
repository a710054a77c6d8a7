"""B5: a month's list for a million households, in turns with the same rows when they are ready.

The floor is one statement. Beside it stands a harder one, with as many connections as the service
has and in pieces as large: there only the working out is not in it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

import asyncpg

from deploy.bench.stage import ROOT, BenchFault, Stage, environment_of
from deploy.data.laying import Order, lay, workers
from services.livelihood.rates.rules import TOP_SIZE
from services.livelihood.runs.actions.snapshot import SHARD_ROWS
from shared.storage.db import BATCH_CONNECTIONS

FIRST_MONTH = 140501
COLUMNS = (
    "run_id, kind, component, award_id, household_id, covered_size, amount_rial,"
    " payee_account_id, state, reason"
)


@dataclass(slots=True)
class Paid:
    """What the rounds showed; rows per second of ours and of the floor, round by round."""

    households: int
    ours: list[float]
    floor: list[float]
    shared_floor: list[float]
    mib: float
    total_rial: int

    @property
    def to_floor(self) -> float:
        return median(a / b for a, b in zip(self.ours, self.floor, strict=True))

    @property
    def to_shared_floor(self) -> float:
        return median(a / b for a, b in zip(self.ours, self.shared_floor, strict=True))


def paid(stage: Stage, *, households: int, rounds: int, seed: int) -> Paid:
    """Lay out the households and take the rounds. Raises BenchFault for a total that is not so."""
    order = Order(stage.settings, seed, households)
    lay(order, workers=workers(), laid=lambda _: None)
    result = Paid(households, [], [], [], 0.0, 0)
    for month in range(FIRST_MONTH, FIRST_MONTH + 3 * rounds, 3):
        found = _month(stage, month)
        rows, result.total_rial = asyncio.run(_exact(stage, month))
        result.mib = max(result.mib, found["mib"])
        result.ours.append(rows / found["seconds"])
        alone = asyncio.run(_written(stage, month, month + 1, connections=1))
        result.floor.append(rows / alone)
        beside = asyncio.run(_written(stage, month, month + 2, connections=BATCH_CONNECTIONS))
        result.shared_floor.append(rows / beside)
    return result


def _month(stage: Stage, month: int) -> dict[str, float]:
    """One month, in a process of its own. Raises BenchFault where a second run did anything."""
    asyncio.run(_settled(stage))
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "deploy.bench.month", f"{month // 100}-{month % 100:02d}"],
        cwd=ROOT,
        env=os.environ | environment_of(stage.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchFault(f"the month ended early: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    if found["again"] is not True:
        raise BenchFault("a second run of the month was not refused")
    return found


async def _exact(stage: Stage, month: int) -> tuple[int, int]:
    """Rows and Rials of a month's items, held against awards and rates that are asked apart."""
    owner = await stage.owner()
    try:
        sizes = await owner.fetch(
            "SELECT least(covered_size, $1) AS size, count(*) FROM livelihood.award"
            " WHERE status = 'active' GROUP BY 1",
            TOP_SIZE,
        )
        rates = await owner.fetch(
            "SELECT covered_size, amount_rial FROM livelihood.rate"
            " WHERE from_period <= $1 AND (to_period IS NULL OR to_period >= $1)",
            month,
        )
        items = await owner.fetchrow(
            "SELECT count(*) AS rows, sum(amount_rial)::bigint AS rial,"
            " count(DISTINCT household_id) AS households FROM livelihood.item WHERE period = $1",
            month,
        )
        frozen = await owner.fetchrow(
            "SELECT planned + held AS rows, planned_rial + held_rial AS rial FROM livelihood.run"
            " WHERE period = $1 AND kind = 'regular' AND status = 'snapshot'",
            month,
        )
    finally:
        await owner.close()
    amounts = {row["covered_size"]: row["amount_rial"] for row in rates}
    due = sum(row["count"] for row in sizes), sum(amounts[s["size"]] * s["count"] for s in sizes)
    kept = items["rows"], items["rial"]
    if not due == kept == (frozen["rows"], frozen["rial"]) or items["households"] != due[0]:
        raise BenchFault(f"{due} were due in {month}, {kept} are in the list")
    return due


async def _settled(stage: Stage) -> None:
    owner = await stage.owner()
    try:
        await owner.execute("CHECKPOINT")
    finally:
        await owner.close()


async def _written(stage: Stage, source: int, month: int, *, connections: int) -> float:
    """Seconds for the same rows, ready in a table, written into a month of their own.

    One connection writes them in one statement, several in shards as the service does.
    """
    writers = [await stage.owner() for _ in range(connections)]
    try:
        await writers[0].execute("DROP TABLE IF EXISTS public.bench_ready")
        await writers[0].execute(
            f"CREATE TABLE public.bench_ready AS SELECT ((row_number() OVER (ORDER BY id) - 1)"  # noqa: S608
            f" / {SHARD_ROWS})::int AS shard, id, {COLUMNS}"
            f" FROM livelihood.item WHERE period = {source} ORDER BY id"
        )
        await writers[0].execute("CREATE INDEX ON public.bench_ready (shard)")
        await writers[0].execute("ANALYZE public.bench_ready")
        await writers[0].execute("SELECT livelihood.make_item_partition($1)", month)
        last = await writers[0].fetchval("SELECT max(shard) FROM public.bench_ready")
        await writers[0].execute("CHECKPOINT")
        began = time.perf_counter()
        left = [(0, last)] if connections == 1 else [(one, one) for one in range(last + 1)]
        await asyncio.gather(*(_write(writer, left, month) for writer in writers))
        seconds = time.perf_counter() - began
        await writers[0].execute("DROP TABLE public.bench_ready")
        return seconds
    finally:
        for writer in writers:
            await writer.close()


async def _write(writer: asyncpg.Connection, left: list[tuple[int, int]], month: int) -> None:
    while left:
        await writer.execute(
            f"INSERT INTO livelihood.item (period, id, {COLUMNS})"  # noqa: S608 - our own names
            f" SELECT $1, id, {COLUMNS} FROM public.bench_ready"
            " WHERE shard BETWEEN $2 AND $3 ORDER BY id",
            month,
            *left.pop(0),
        )
