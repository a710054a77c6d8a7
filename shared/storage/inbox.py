"""Hearing: each event of the inbox is handled once, and its subject's events in their order.

What a handler writes commits together with the mark that the event is done, or not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from structlog.contextvars import bind_contextvars

from shared.storage.db import Runtime, Transaction, loads
from shared.storage.loop import LEASE_S, STUCK_AFTER, Crew, Taken
from shared.storage.outbox import Event

Handler = Callable[[Transaction, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Claimed:
    event: Event
    attempts: int
    fence: int


class Inbox:
    """Claims what is due in one service's inbox and hands it to the handler of its topic.

    A handler gets a transaction that opens at its first write, so that it may ask others before.
    What fails comes back after 0.2 s to 60 s, and only later events of its subject wait for it.
    A topic without a handler is done at once. A poke, `runtime.wake` by default, ends its rest.
    """

    def __init__(
        self,
        runtime: Runtime,
        handlers: Mapping[str, Handler],
        *,
        poke: asyncio.Event | None = None,
        at_once: int = 4,
    ) -> None:
        self._runtime, self._handlers = runtime, handlers
        self._table = f'"{runtime.service}".inbox'
        self._crew = Crew(
            f"inbox.{runtime.service}",
            claim=self._claim,
            handle=self._handle,
            put_off=self._put_off,
            poke=poke or runtime.wake,
            at_once=at_once,
        )
        self.run, self.run_once, self.stop = self._crew.run, self._crew.run_once, self._crew.stop

    async def stuck(self) -> int:
        """Return how many events have failed so often that somebody should look."""
        return int(
            await self._runtime.pool.fetchval(
                f"SELECT count(*) FROM {self._table} WHERE done_at IS NULL AND attempts >= $1",  # noqa: S608
                STUCK_AFTER,
            )
        )

    async def _claim(self, limit: int) -> Sequence[_Claimed]:
        rows = await self._runtime.pool.fetch(
            f"""
            WITH due AS (
                SELECT event_id FROM {self._table} AS i
                WHERE done_at IS NULL AND due_at <= now() AND NOT EXISTS (
                    SELECT FROM {self._table} AS earlier
                    WHERE earlier.done_at IS NULL AND earlier.subject_id = i.subject_id
                      AND earlier.version <= i.version
                      AND (earlier.version, earlier.at, earlier.event_id)
                        < (i.version, i.at, i.event_id))
                ORDER BY due_at, at, event_id LIMIT $1 FOR UPDATE OF i SKIP LOCKED
            )
            UPDATE {self._table} AS i
            SET due_at = now() + $2::interval, fence = fence + 1, attempts = attempts + 1
            FROM due WHERE i.event_id = due.event_id
            RETURNING i.event_id, source, topic, subject_id, version, payload, at, trace,
                      attempts, fence
            """,  # noqa: S608 - the schema's name comes from code
            limit,
            timedelta(seconds=LEASE_S),
        )
        return sorted(map(_claimed, rows), key=lambda claimed: claimed.event.at)

    async def _handle(self, claimed: _Claimed) -> None:
        event = claimed.event
        bind_contextvars(event_id=str(event.id), topic=event.topic, trace_id=event.trace)
        async with self._runtime.transaction(lone=False) as tx:
            tx.trace = event.trace
            if (handler := self._handlers.get(event.topic)) is not None:
                await handler(tx, event)
            done = await tx.write(
                f"""
                UPDATE {self._table} SET done_at = now(), last_error = NULL
                WHERE event_id = $1 AND fence = $2 AND done_at IS NULL RETURNING event_id
                """,  # noqa: S608 - the schema's name comes from code
                event.id,
                claimed.fence,
            )
            if done is None:
                raise Taken

    async def _put_off(self, claimed: _Claimed, seconds: float, said: str | None) -> None:
        await self._runtime.pool.execute(
            f"""
            UPDATE {self._table}
            SET due_at = now() + $3::interval, last_error = coalesce($4, last_error),
                attempts = attempts - CASE WHEN $4::text IS NULL THEN 1 ELSE 0 END
            WHERE event_id = $1 AND fence = $2 AND done_at IS NULL
            """,  # noqa: S608 - the schema's name comes from code
            claimed.event.id,
            claimed.fence,
            timedelta(seconds=seconds),
            said,
        )


def _claimed(row: asyncpg.Record) -> _Claimed:
    event = Event(
        id=row["event_id"],
        source=row["source"],
        topic=row["topic"],
        subject_id=row["subject_id"],
        version=row["version"],
        payload=loads(row["payload"]),
        at=row["at"],
        trace=row["trace"],
    )
    return _Claimed(event, row["attempts"], row["fence"])
