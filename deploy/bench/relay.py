"""B7: from the commit of an event to its hearers' inboxes, by the real courier.

It is not told when something is written, as when writer and courier are two processes.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from deploy.bench.stage import BenchFault, Stage
from shared.running.settings import SERVICES
from shared.storage.courier import Courier

SOURCE, HEARER = "livelihood", "notify"
MEAN_GAP_S = 0.04
LOOK_S = 0.002
COLUMNS = "topic, subject_id, version, hearers, payload, trace, at"


@dataclass(frozen=True, slots=True)
class Relayed:
    """Milliseconds from commit to inbox, and events per second of a full outbox."""

    p50_ms: float
    p99_ms: float
    per_s: float


async def relayed(stage: Stage, *, events: int, singles: int, seed: int) -> Relayed:
    """Relay a full outbox, then single events that come at random moments."""
    owner = await stage.owner()
    writer = await asyncpg.connect(stage.settings.dsn(SOURCE))
    courier = Courier(stage.settings.dsn("courier"), SERVICES)
    carrying: asyncio.Task[None] | None = None
    try:
        for service in SERVICES:
            await owner.execute(f'UPDATE "{service}".outbox SET moved_at = now()')  # noqa: S608
        await _fill(owner, events)
        began = time.perf_counter()
        carrying = asyncio.create_task(courier.run())
        await _until_empty(owner)
        per_s = events / (time.perf_counter() - began)
        waits = await _singles(owner, writer, singles, random.Random(seed))
    finally:
        courier.stop()
        if carrying is not None:
            await carrying
        await writer.close()
        await owner.close()
    waits.sort()
    return Relayed(
        p50_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[len(waits) * 99 // 100] * 1000,
        per_s=per_s,
    )


async def _fill(owner: asyncpg.Connection, events: int) -> None:
    """Copies of a real event, each of a subject of its own."""
    await owner.execute(
        f"""
        INSERT INTO {SOURCE}.outbox (event_id, {COLUMNS})
        SELECT gen_random_uuid(), topic, uuidv7(), version, hearers, payload, trace, at
        FROM (SELECT * FROM {SOURCE}.outbox WHERE '{HEARER}' = ANY (hearers) LIMIT 1) AS real,
             generate_series(1, $1)
        """,  # noqa: S608 - our own names
        events,
    )
    await owner.execute(f"ANALYZE {SOURCE}.outbox")


async def _until_empty(owner: asyncpg.Connection) -> None:
    waiting = await owner.prepare(
        f"SELECT count(*) FROM (SELECT FROM {SOURCE}.outbox WHERE moved_at IS NULL LIMIT 1) AS due"  # noqa: S608 - our own name
    )
    async with asyncio.timeout(300):
        while await waiting.fetchval():  # noqa: ASYNC110 - it is the database that is asked
            await asyncio.sleep(LOOK_S)


async def _singles(
    owner: asyncpg.Connection, writer: asyncpg.Connection, count: int, dice: random.Random
) -> list[float]:
    """Write one event after another, whether or not the one before has arrived."""
    committed: dict[UUID, float] = {}
    waits: list[float] = []
    looking = asyncio.create_task(_look(owner, committed, waits, count))
    write = await writer.prepare(
        f"""
        INSERT INTO {SOURCE}.outbox (event_id, {COLUMNS})
        SELECT $1, topic, uuidv7(), version, hearers, payload, trace, at FROM {SOURCE}.outbox
        WHERE '{HEARER}' = ANY (hearers) LIMIT 1
        """  # noqa: S608 - our own names
    )
    for _ in range(count):
        await asyncio.sleep(dice.expovariate(1 / MEAN_GAP_S))
        event_id = uuid4()
        await write.fetch(event_id)
        committed[event_id] = time.perf_counter()
    async with asyncio.timeout(30):
        await looking
    if len(waits) != count:
        raise BenchFault(f"{len(waits)} of {count} events arrived")
    return waits


async def _look(
    owner: asyncpg.Connection, committed: dict[UUID, float], waits: list[float], count: int
) -> None:
    """Note when each event stands in the hearer's inbox, seen from outside."""
    look = await owner.prepare(
        f"SELECT event_id FROM {HEARER}.inbox WHERE event_id = ANY ($1)"  # noqa: S608 - our own name
    )
    while len(waits) < count:
        await asyncio.sleep(LOOK_S)
        rows = await look.fetch(list(committed)) if committed else []
        now = time.perf_counter()
        waits += [now - committed.pop(row["event_id"]) for row in rows]
