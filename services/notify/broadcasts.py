"""One event for very many people: they are fetched page by page, and each is queued once.

Every page is one transaction with its progress, so whoever comes after a crash goes on from there.
The words are kept once for all; for each person there is only whose message it is. They are let
out to the provider a few at a time, so that nobody else's message waits behind them.
"""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg

from services.notify import queries, rules
from services.notify.actions import SEND, may_send_from
from services.notify.clients import Reachable, reachable, recipients
from services.notify.rules import Words
from shared.storage.audit import entry_bytes
from shared.storage.db import Runtime, Transaction
from shared.storage.outbox import Event
from shared.storage.timers import Timer, remind
from shared.topics import TOPICS
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM

BROADCAST = "broadcast"
PAGE = 5_000
FOR_S = 10.0
"""A turn ends well within its lease; the next one goes on."""
AT_A_TIME = 500
REST = timedelta(seconds=1)

# $1 event, $2 who, $3 their blind indexes, $4 whether they have a mobile, $5 now, $6 the last one.
# Who stands there already, told by an earlier row of the same household, is left out.
QUEUE = """
WITH whole AS (SELECT * FROM notify.broadcast WHERE event_id = $1),
page AS (
    SELECT DISTINCT ON (person_id) person_id, holder, mobile
    FROM unnest($2::uuid[], $3::bytea[], $4::bool[]) AS p (person_id, holder, mobile)
), items AS (
    INSERT INTO notify.inbox_item
        (id, event_id, person_id, holder_index, topic, title, created_at)
    SELECT uuidv7(), $1, p.person_id, p.holder, b.topic, b.title, $5 FROM page p, whole b
    ON CONFLICT DO NOTHING RETURNING person_id
), notices AS (
    INSERT INTO notify.notice (id, event_id, person_id, channel, topic, status, version, segments,
        created_at, changed_at)
    SELECT uuidv7(), $1, p.person_id, 'sms', b.topic, 'queued', 1, b.segments, $5, $5
    FROM page p, whole b WHERE p.mobile
    ON CONFLICT DO NOTHING RETURNING id
), past AS (
    INSERT INTO notify.history (subject_id, version, step, status, actor_sub, actor_role, at)
    SELECT id, 1, 'queue', 'queued', 'system', 'system', $5 FROM notices
)
UPDATE notify.broadcast
SET items = items + (SELECT count(*) FROM items),
    notices = notices + (SELECT count(*) FROM notices),
    after = coalesce($6, after), queued_at = CASE WHEN $6::uuid IS NULL THEN $5::timestamptz END
WHERE event_id = $1
"""
# $1 event, $2 up to whom the last ones were let out, $3 how many, $4 now.
LET_OUT = """
WITH coming AS (
    SELECT id, person_id FROM notify.notice
    WHERE event_id = $1 AND ($2::uuid IS NULL OR person_id > $2) ORDER BY person_id LIMIT $3
), due AS (
    INSERT INTO notify.timer (kind, subject_id, due_at) SELECT $5, id, $4 FROM coming
    ON CONFLICT DO NOTHING
)
UPDATE notify.broadcast
SET let_out_to = coalesce((SELECT person_id FROM coming ORDER BY person_id DESC LIMIT 1), $2),
    done_at = CASE WHEN (SELECT count(*) FROM coming) < $3 THEN $4::timestamptz END
WHERE event_id = $1 AND let_out_to IS NOT DISTINCT FROM $2
RETURNING done_at
"""


async def begin(tx: Transaction, event: Event, words: Words) -> None:
    """Keep the words and where the recipients are to be fetched; the rest follows by itself."""
    path = TOPICS[event.topic].recipients
    if path is None:
        raise LookupError("a topic that names its recipients itself")
    await tx.begin()
    await tx.write(
        "INSERT INTO notify.broadcast (event_id, source, path, topic, title, sms, inbox, segments,"
        " begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        event.id,
        event.source,
        path.format_map(event.payload),
        event.topic,
        words.title,
        words.sms,
        words.inbox,
        rules.segments(words.sms),
        tx.now,
    )
    await remind(tx, BROADCAST, subject_id=event.id, due_at=tx.now)


async def carry_on(runtime: Runtime, timer: Timer, *, for_s: float = FOR_S) -> None:
    """Queue page after page, then let out as many as the provider keeps up with."""
    now = asyncio.get_running_loop().time
    until, moved = now() + for_s, True
    while moved and now() < until:
        async with runtime.transaction() as tx:
            told = await queries.broadcast(tx, timer.subject_id)
        if told is None or told["done_at"] is not None:
            return
        moved = await (queue if told["queued_at"] is None else _let_out)(runtime, told)
    async with runtime.transaction() as tx:
        due = await may_send_from(tx) if not moved else tx.now
        await remind(tx, BROADCAST, subject_id=timer.subject_id, due_at=max(due, tx.now + REST))


async def queue(runtime: Runtime, told: asyncpg.Record) -> bool:
    """One page: asked for first, then written with how far it goes."""
    page = await recipients(runtime, told["source"], told["path"], after=told["after"], limit=PAGE)
    people = await reachable(runtime, page.person_ids) if page.person_ids else []
    pool = await runtime.batch()
    at = runtime.clock.now()
    async with pool.acquire() as connection, connection.transaction():
        mine = await connection.fetchval(
            "SELECT 1 FROM notify.broadcast WHERE event_id = $1 AND queued_at IS NULL"
            " AND after IS NOT DISTINCT FROM $2 FOR UPDATE",
            told["event_id"],
            told["after"],
        )
        if mine is None:
            return True  # another runner has queued this page
        columns = zip(*people, strict=True) if people else ((), (), ())
        await connection.execute(QUEUE, told["event_id"], *map(list, columns), at, page.after)
        await connection.execute(
            "INSERT INTO notify.audit (id, at, entry) VALUES ($1, $2, $3)",
            *_entry(runtime, told, people, at),
        )
    return True


def _entry(
    runtime: Runtime, told: asyncpg.Record, people: list[Reachable], at: Any
) -> tuple[Any, Any, bytes]:
    audit_id = uuid7()
    entry = entry_bytes(
        id=audit_id,
        at=at,
        service=runtime.service,
        actor=SYSTEM.sub,
        action="notify.notice.queue",
        subject=None,
        reference=str(told["event_id"]),
        request_id=None,
        count=len(people),
    )
    return audit_id, at, entry


async def _let_out(runtime: Runtime, told: asyncpg.Record) -> bool:
    """The next few, unless it is night (H60) or enough are waiting to be sent."""
    async with runtime.transaction() as tx:
        if await may_send_from(tx) > tx.now or await queries.due(tx, SEND) >= AT_A_TIME:
            return False
        await tx.write(LET_OUT, told["event_id"], told["let_out_to"], AT_A_TIME, tx.now, SEND)
    runtime.due.set()
    return True
