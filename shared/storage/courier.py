"""The courier takes events from the outboxes to the inboxes of those who hear them.

Its role may touch these two tables of each schema and nothing else; in Postgres a batch moves in
one statement, so an event is never lost and never there twice. A bus joins behind `Transport`.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

import asyncpg

from shared.running.log import get_logger
from shared.storage.loop import Loop

KEPT = timedelta(days=7)
"""How long a moved event stays in its outbox, for whoever looks into a fault."""
AILING_S = 1.0
PRUNE_EVERY_S = 600.0
PRUNE_BATCH = 1000

# The outboxes grow and shrink faster than their statistics; the plan must not follow those.
SESSION = {
    "application_name": "soha_courier",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_log = get_logger()


class Moved(NamedTuple):
    """How many events left an outbox, and who heard of one."""

    events: int
    hearers: frozenset[str]


class Transport(Protocol):
    """Takes due events of one outbox to their hearers and marks them moved, or does neither."""

    async def move(self, connection: asyncpg.Connection, source: str, *, limit: int) -> Moved:
        """Move up to `limit` events, oldest first; those with an unknown hearer stay due."""


def rights(schema: str) -> tuple[str, ...]:
    """Return the grants that the courier needs in one schema."""
    return (
        f'GRANT USAGE ON SCHEMA "{schema}" TO soha_courier',
        f'GRANT SELECT, DELETE, UPDATE (moved_at) ON "{schema}".outbox TO soha_courier',
        f'GRANT INSERT, SELECT (event_id) ON "{schema}".inbox TO soha_courier',
    )


def must_know(schemas: Collection[str], heard_by: Mapping[str, Collection[str]]) -> None:
    """Raise LookupError when a topic names a hearer that is not installed."""
    for topic, hearers in heard_by.items():
        if strangers := set(hearers) - set(schemas):
            raise LookupError(f"{topic} is heard by {sorted(strangers)}, not installed here")


class InPostgres:
    """Outbox to inboxes in one statement."""

    def __init__(self, schemas: Sequence[str]) -> None:
        self._schemas = list(schemas)
        columns = "event_id, topic, subject_id, version, payload, trace, at"
        inserts = "".join(
            f"""
            , to_{number} AS (
                INSERT INTO "{hearer}".inbox (source, {columns})
                SELECT $3, {columns} FROM due WHERE '{hearer}' = ANY (hearers)
                ON CONFLICT (event_id) DO NOTHING
            )"""  # noqa: S608 - the schemas' names come from code
            for number, hearer in enumerate(schemas)
        )
        # One courier at a time for each outbox: two could overtake each other within a subject.
        self._sql = {
            source: f"""
            WITH due AS MATERIALIZED (
                SELECT {columns}, hearers FROM "{source}".outbox
                WHERE moved_at IS NULL AND hearers <@ $1
                  AND (SELECT pg_try_advisory_xact_lock(hashtextextended($3 || '.outbox', 0)))
                ORDER BY written_at, event_id LIMIT $2 FOR UPDATE SKIP LOCKED
            ), moved AS (
                UPDATE "{source}".outbox AS o SET moved_at = now()
                FROM due WHERE o.event_id = due.event_id RETURNING o.hearers
            ){inserts}
            SELECT count(*) AS events, ARRAY(SELECT DISTINCT unnest(hearers) FROM moved) AS hearers
            FROM moved
            """  # noqa: S608 - the schemas' names come from code
            for source in schemas
        }

    async def move(self, connection: asyncpg.Connection, source: str, *, limit: int) -> Moved:
        """Move up to `limit` events, oldest first; those with an unknown hearer stay due."""
        row = await connection.fetchrow(self._sql[source], self._schemas, limit, source)
        return Moved(row["events"], frozenset(row["hearers"]))


class Courier:
    """One connection, one loop, all outboxes.

    `dsn` is that of the role soha_courier, `poke` shortens the rest after a write in this process,
    `wake` holds the inboxes of this process that want to know at once.
    Raises LookupError when a topic names a hearer outside `schemas`.
    """

    def __init__(
        self,
        dsn: str,
        schemas: Sequence[str],
        *,
        batch: int = 500,
        poke: asyncio.Event | None = None,
        wake: Mapping[str, asyncio.Event] | None = None,
        heard_by: Mapping[str, Collection[str]] | None = None,
        kept: timedelta = KEPT,
    ) -> None:
        must_know(schemas, _declared() if heard_by is None else heard_by)
        self._dsn, self._schemas, self._batch, self._kept = dsn, list(schemas), batch, kept
        self._wake = wake or {}
        self._transport: Transport = InPostgres(self._schemas)
        self._loop = Loop("courier", poke=poke or asyncio.Event())
        self._connection: asyncpg.Connection | None = None
        self._ailing: dict[str, float] = {}
        self._next_prune = 0.0
        self._due_sql = " UNION ALL ".join(
            f"""
            SELECT '{schema}' WHERE EXISTS
                (SELECT FROM "{schema}".outbox WHERE moved_at IS NULL AND hearers <@ $1)
            """  # noqa: S608 - the schemas' names come from code
            for schema in self._schemas
        )

    async def run(self) -> None:
        """Run until `stop()`, through any loss of the database."""
        try:
            await self._loop.run(self._turn)
        finally:
            self._hang_up()

    def stop(self) -> None:
        """Ask the courier to end; `run` returns after the batch in hand."""
        self._loop.stop()

    async def move_once(self) -> int:
        """Move one batch from each outbox that has something due; return how many events."""
        connection = await self._connected()
        moved = 0
        for (source,) in await connection.fetch(self._due_sql, self._schemas):
            if time.monotonic() < self._ailing.get(source, 0):
                continue
            try:
                events, hearers = await self._transport.move(connection, source, limit=self._batch)
            except asyncpg.PostgresError as error:
                if connection.is_closed():
                    raise
                # One schema in trouble must not silence the others.
                _log.warning("outbox_failed", service=source, exc_info=error)
                self._ailing[source] = time.monotonic() + AILING_S
                continue
            moved += events
            for hearer in hearers & self._wake.keys():
                self._wake[hearer].set()
        return moved

    async def prune(self) -> int:
        """Delete one batch of events from each outbox that were moved long ago; return how many."""
        connection = await self._connected()
        pruned = 0
        for schema in self._schemas:
            async with connection.transaction():
                await connection.execute("SET LOCAL enable_seqscan = on")
                done = await connection.execute(
                    f"""
                    DELETE FROM "{schema}".outbox WHERE event_id IN (
                        SELECT event_id FROM "{schema}".outbox
                        WHERE moved_at < now() - $1::interval LIMIT {PRUNE_BATCH})
                    """,  # noqa: S608 - the schemas' names come from code
                    self._kept,
                )
            pruned += int(done.removeprefix("DELETE "))
        return pruned

    async def _turn(self) -> int:
        try:
            moved = await self.move_once()
            if not moved and time.monotonic() >= self._next_prune:
                self._next_prune = time.monotonic() + PRUNE_EVERY_S
                if await self.prune():
                    self._next_prune = 0.0
        except BaseException:
            self._hang_up()  # whatever it was, the next turn starts from a clean connection
            raise
        return moved

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn, timeout=5, command_timeout=15, server_settings=SESSION
            )
        return self._connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _declared() -> dict[str, Collection[str]]:
    from shared.topics import TOPICS  # the page of topics stands above storage

    return {name: topic.heard_by for name, topic in TOPICS.items()}
