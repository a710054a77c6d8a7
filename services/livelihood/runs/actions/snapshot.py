"""The frozen list of a month: taken shard by shard by the batch role, then closed for good.

Each shard is one transaction: its items and its progress are there together or not at all, and the
lock on its progress row keeps every other runner off it. Whoever comes after a crash goes on with
what is not done; a run that is closed has no shard left to take.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg

from services.livelihood.ledger.actions import post
from services.livelihood.ledger.rules import PAYABLE, SUPPORT, transfer
from services.livelihood.runs import queries, rules
from services.livelihood.runs.models import Run
from services.livelihood.runs.workflow import Status
from shared.storage.db import BATCH_CONNECTIONS, Runtime
from shared.values.calendar import period_bounds
from shared.web.auth import SYSTEM
from shared.workflow import advance

SHARD_ROWS = 20_000
FOR_S = 10.0
"""A turn ends well within its lease; the next one goes on."""
BASE = "base"
APPROVED = "run_approved"


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
            """
            INSERT INTO livelihood.run_shard (run_id, number, from_id, until_id)
            SELECT $1, row_number() OVER (ORDER BY first), first, lead(first) OVER (ORDER BY first)
            FROM (
                SELECT '00000000-0000-0000-0000-000000000000'::uuid AS first
                UNION ALL
                SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) FROM livelihood.award)
                       AS a (id, place) WHERE place % $2 = 0
            ) AS starts
            """,
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
        while now() < until and await _take_shard(connection, run, at=runtime.clock.now()):
            pass


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
        period = rules.as_text(run.period)
        rates = [rules.Rate(*rate) for rate in run.rates]
        await connection.execute(
            _TAKE,
            run.id,
            shard["number"],
            at,
            run.period,
            run.kind,
            BASE,
            rules.amounts(rates),
            shard["from_id"],
            shard["until_id"],
            run.opened_at,
            period,
            period_bounds(period)[0],
        )
    return True


# Who is in the list: whose award had been made when the run was opened, has begun by this month and
# has not ended before it; as many count as the version says that was recorded by then and holds in
# this month. Who is held in it, and why: a suspension that holds this month back (H02), or there is
# no account that was verified for the payee whom it has now (LV-22, H22).
_TAKE = f"""
WITH placed AS (
    INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
        covered_size, amount_rial, payee_account_id, state, reason)
    SELECT $4, (left(a.id::text, 15) || right(md5($1::uuid::text || a.id::text || $6), 19))::uuid,
        $1, $5, $6, a.id, a.household_id, counted.size,
        ($7::bigint[])[least(counted.size, {rules.TOP_SIZE})], a.payee_account_id,
        CASE WHEN held.reason IS NULL THEN 'planned' ELSE 'held' END, held.reason
    FROM livelihood.award a
    JOIN livelihood.payee_account p ON p.id = a.payee_account_id
    LEFT JOIN LATERAL (
        SELECT covered_size FROM livelihood.award_version v
        WHERE v.award_id = a.id AND v.effective_from_period <= $11 AND v.recorded_at <= $10
        ORDER BY v.version DESC LIMIT 1
    ) v ON true
    CROSS JOIN LATERAL (SELECT coalesce(v.covered_size, a.covered_size) AS size) AS counted
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.status = 'suspended' AND coalesce(a.held_from_period, $11) <= $11 THEN 'suspended'
        WHEN p.person_id <> a.payee_id THEN 'account_missing'
    END AS reason) AS held
    WHERE a.id >= $8 AND ($9::uuid IS NULL OR a.id < $9) AND counted.size > 0
      AND a.created_at <= $10 AND a.start_period <= $11
      AND (a.ends_period IS NULL OR $11 <= a.ends_period)
      AND (a.ends_on IS NULL OR a.ends_on >= $12)
      AND (a.status NOT IN ('stopped', 'objection_open') OR $11 <= a.last_period)
    ORDER BY a.id
    RETURNING id, household_id, amount_rial, state
)
UPDATE livelihood.run_shard AS s
SET done_at = $3, planned = t.planned, held = t.held, digest = t.digest,
    planned_rial = t.planned_rial, held_rial = t.held_rial
FROM (
    SELECT count(*) FILTER (WHERE state = 'planned') AS planned,
        count(*) FILTER (WHERE state = 'held') AS held,
        coalesce(sum(amount_rial) FILTER (WHERE state = 'planned'), 0) AS planned_rial,
        coalesce(sum(amount_rial) FILTER (WHERE state = 'held'), 0) AS held_rial,
        sha256(coalesce(string_agg(
            uuid_send(id) || uuid_send(household_id) || int8send(amount_rial), '' ORDER BY id
        ), '')) AS digest
    FROM placed
) AS t
WHERE s.run_id = $1 AND s.number = $2
"""  # noqa: S608 - a constant


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
        if owed := run.planned_rial + run.held_rial:
            lines = transfer(owed, debit=SUPPORT, credit=PAYABLE)
            await post(tx, APPROVED, str(run_id), lines, run_id=run_id)
    return True
