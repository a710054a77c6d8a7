"""The frozen list of a month: taken shard by shard by the batch role, then closed for good.

Each shard is one transaction: its items and its progress are there together or not at all, and the
lock on its progress row keeps every other runner off it. Whoever comes after a crash goes on with
what is not done; a run that is closed has no shard left to take.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg

from services.livelihood.runs import queries, rules
from services.livelihood.runs.actions import books
from services.livelihood.runs.lists import reckoning
from services.livelihood.runs.lists.kinds import AWARDS, COMPONENT, LISTS
from services.livelihood.runs.models import Run
from services.livelihood.runs.workflow import Status
from shared.storage.db import BATCH_CONNECTIONS, Runtime
from shared.storage.timers import remind
from shared.values.calendar import period_bounds
from shared.web.auth import SYSTEM
from shared.workflow import advance

SHARD_ROWS = 20_000
FOR_S = 10.0
"""A turn ends well within its lease; the next one goes on."""
NUMBERED = "pk_adjustment"
NO_FILE_MEANWHILE = "SELECT pg_advisory_xact_lock_shared(hashtextextended('livelihood.build', 0))"
"""What is withdrawn must not go into a payment file at the same moment (`building`)."""
COUNT = "count_run"
"""What a list came to is counted for the month-end report once it is closed (LV-20)."""


async def take(runtime: Runtime, run_id: UUID, *, for_s: float = FOR_S) -> bool:
    """Go on with the snapshot for about so many seconds; return whether nothing is left to do."""
    async with runtime.transaction() as tx:
        run = await queries.find_run(tx, run_id)
    if run is None or run.status != Status.OPEN:
        return True
    until = asyncio.get_running_loop().time() + for_s
    pool = await runtime.batch()
    await _plan(pool, run)
    try:
        async with asyncio.TaskGroup() as runners:
            for _ in range(BATCH_CONNECTIONS):
                runners.create_task(_take_shards(pool, runtime, run, until))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None  # whose type says what is wrong
    return await freeze(runtime, run_id)


async def _plan(pool: asyncpg.Pool, run: Run) -> None:
    """Make the month's partition and cut the awards into shards: once, whoever comes first."""
    async with pool.acquire() as connection, connection.transaction():
        await _alone(connection, run.id)
        there = "SELECT 1 FROM livelihood.run_shard WHERE run_id = $1"
        if await connection.fetchval(there, run.id):
            return
        await connection.execute("SELECT livelihood.make_item_partition($1)", run.period)
        await connection.execute(
            f"""
            INSERT INTO livelihood.run_shard (run_id, number, from_id, until_id)
            SELECT $1, row_number() OVER (ORDER BY first), first, lead(first) OVER (ORDER BY first)
            FROM (
                SELECT '00000000-0000-0000-0000-000000000000'::uuid AS first
                UNION ALL
                SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id)
                                FROM livelihood.{AWARDS.get(run.kind, "award")})
                       AS a (id, place) WHERE place % $2 = 0
            ) AS starts
            """,  # noqa: S608 - one of two constants
            run.id,
            SHARD_ROWS,
        )


async def _alone(connection: asyncpg.Connection, run_id: UUID) -> None:
    """One at a time, for what is done once in a run; until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"livelihood.run {run_id}"
    )


async def _take_shards(pool: asyncpg.Pool, runtime: Runtime, run: Run, until: float) -> None:
    now = asyncio.get_running_loop().time
    async with pool.acquire() as connection:
        while now() < until:
            try:
                if not await _take_shard(connection, run, at=runtime.clock.now()):
                    return
            except asyncpg.UniqueViolationError as clash:
                if clash.constraint_name != NUMBERED:
                    raise  # else another run adjusted the same award: the shard begins anew


async def _take_shard(connection: asyncpg.Connection, run: Run, *, at: datetime) -> bool:
    """Take one shard that nobody has in hand; False when there is none."""
    async with connection.transaction():
        shard = await connection.fetchrow(
            "SELECT number, from_id, until_id FROM livelihood.run_shard"
            " WHERE run_id = $1 AND done_at IS NULL ORDER BY number"
            " LIMIT 1 FOR UPDATE SKIP LOCKED",
            run.id,
        )
        if shard is None:
            return False
        await _reckon(connection, run, shard, at=at)
        period = rules.as_text(run.period)
        rates = [rules.Rate(*rate) for rate in run.rates]
        await connection.execute(
            LISTS[run.kind],
            run.id,
            shard["number"],
            at,
            run.period,
            run.kind,
            COMPONENT[run.kind],
            rules.amounts(rates),
            shard["from_id"],
            shard["until_id"],
            run.opened_at,
            period,
            period_bounds(period)[0],
        )
    return True


async def _reckon(
    connection: asyncpg.Connection, run: Run, shard: asyncpg.Record, *, at: datetime
) -> None:
    """Write down how closed months differ from what is known now, before a list is made of it."""
    closed = [rules.Closed.read(one) for one in run.reckons]
    if not closed:
        return
    where = shard["from_id"], shard["until_id"]
    periods = [one.period for one in closed]
    months = [rules.as_text(period) for period in periods]
    opened, runs = [one.opened_at for one in closed], [one.run_id for one in closed]
    anew = [one.anew for one in closed]
    touched = await connection.fetch(reckoning.TOUCHED, *where, periods, months, opened, any(anew))
    if may_differ := [award["id"] for award in touched if award["may_differ"]]:
        await connection.execute(
            reckoning.DIFFERENCES,
            run.id,
            at,
            may_differ,
            periods,
            months,
            [period_bounds(month)[0] for month in months],
            runs,
            opened,
            [amount for one in closed for amount in one.amounts],
            anew,
        )
    if touched:
        ids = [award["id"] for award in touched]
        await connection.execute(NO_FILE_MEANWHILE)
        await connection.execute(reckoning.WITHDRAWN, run.id, at, ids, periods, runs)


async def freeze(runtime: Runtime, run_id: UUID) -> bool:
    """Close the list with its count, sum and hash, once every shard is done.

    What is owed by it goes into the books with it. Returns whether the list is closed.
    """
    async with runtime.transaction(lone=False) as tx:
        await tx.begin()
        lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
        await tx.fetch(lock, f"livelihood.run {run_id}")
        run = await queries.find_run(tx, run_id)
        if run is None or run.status != Status.OPEN:
            return True
        shards = await queries.shards(tx, run_id)
        if not shards or any(shard["done_at"] is None for shard in shards):
            return False
        run.snapshot_at = tx.now
        run.snapshot_hash = rules.snapshot_hash([shard["digest"] for shard in shards])
        run.planned = sum(shard["planned"] for shard in shards)
        run.held = sum(shard["held"] for shard in shards)
        run.planned_rial = sum(shard["planned_rial"] for shard in shards)
        run.held_rial = sum(shard["held_rial"] for shard in shards)
        await advance(tx, run, "take_snapshot", SYSTEM)
        await books.enter(tx, run)
        await queries.note_reckoned(tx, run)
        await remind(tx, COUNT, subject_id=run_id, due_at=tx.now)
    return True
