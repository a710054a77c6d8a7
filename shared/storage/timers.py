"""What falls due: reminders by business time, each fired once, together with what it causes.

Due is asked of the business clock, leases of the database's (decisions 21 and 26).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.storage.db import Runtime, Transaction
from shared.storage.loop import LEASE_S, STUCK_AFTER, Crew, Taken

IDLE_S = 0.5
"""What falls due with time is in no hurry of milliseconds; what is due at once wakes the loop."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A reminder that fires; `attempts` counts this time too."""

    kind: str
    subject_id: UUID
    due_at: datetime
    attempts: int


TimerHandler = Callable[[Transaction, Timer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Staged:
    """A handler that commits by itself, in stages: it must bear being called again."""

    handler: Callable[[Runtime, Timer], Awaitable[None]]


AnyTimerHandler = TimerHandler | Staged


def staged(handler: Callable[[Runtime, Timer], Awaitable[None]]) -> Staged:
    """Mark a handler that opens its own transactions, as one that calls an outside party does."""
    return Staged(handler)


def timer_values(kind: str, *, subject_id: UUID, due_at: datetime) -> dict[str, Any]:
    """Return the columns of a reminder, for a statement that replaces the row on conflict."""
    return {
        "kind": kind,
        "subject_id": subject_id,
        "due_at": due_at,
        "leased_until": None,
        "attempts": 0,
        "last_error": None,
    }


async def remind(tx: Transaction, kind: str, *, subject_id: UUID, due_at: datetime) -> None:
    """Set the one reminder of this kind for this subject, anew if there was one."""
    await tx.begin()
    await tx.write(
        f"""
        INSERT INTO "{tx.schema}".timer (kind, subject_id, due_at) VALUES ($1, $2, $3)
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET due_at = excluded.due_at, leased_until = NULL, attempts = 0, last_error = NULL
        """,  # noqa: S608 - the schema's name comes from code
        kind,
        subject_id,
        due_at,
    )
    if due_at <= tx.now:
        tx.runtime.due.set()


async def forget(tx: Transaction, kind: str, *, subject_id: UUID) -> None:
    """Take the reminder back; without one nothing happens."""
    await tx.begin()
    await tx.write(
        f'DELETE FROM "{tx.schema}".timer WHERE kind = $1 AND subject_id = $2',  # noqa: S608
        kind,
        subject_id,
    )


@dataclass(frozen=True, slots=True)
class _Claimed:
    timer: Timer
    fence: int

    @property
    def attempts(self) -> int:
        return self.timer.attempts

    @property
    def key(self) -> tuple[str, UUID, int]:
        return self.timer.kind, self.timer.subject_id, self.fence


class Timers:
    """Claims what is due in one service and calls the handler of its kind, as `system`.

    What a handler writes commits together with the end of its reminder; a handler that sets the
    same reminder again keeps it. Its transaction is open from the start and lives 5 s at most: who
    must ask an outside party is `staged`. Kinds without a handler stay for a release that has one.
    `runtime.due` ends its rest.
    """

    def __init__(
        self, runtime: Runtime, handlers: Mapping[str, AnyTimerHandler], *, at_once: int = 4
    ) -> None:
        self._runtime, self._handlers = runtime, handlers
        self._table = f'"{runtime.service}".timer'
        # As it was claimed: not forgotten, not set anew, not taken by another.
        self._mine = "kind = $1 AND subject_id = $2 AND fence = $3 AND leased_until IS NOT NULL"
        self._crew = Crew(
            f"timers.{runtime.service}",
            claim=self._claim,
            handle=self._handle,
            put_off=self._put_off,
            poke=runtime.due,
            idle_s=IDLE_S,
            at_once=at_once,
        )
        self.run, self.run_once, self.stop = self._crew.run, self._crew.run_once, self._crew.stop

    async def stuck(self) -> int:
        """Return how many reminders have failed so often that somebody should look."""
        return int(
            await self._runtime.pool.fetchval(
                f"SELECT count(*) FROM {self._table} WHERE attempts >= $1",  # noqa: S608
                STUCK_AFTER,
            )
        )

    async def _claim(self, limit: int) -> Sequence[_Claimed]:
        rows = await self._runtime.pool.fetch(
            f"""
            WITH due AS (
                SELECT kind, subject_id FROM {self._table}
                WHERE due_at <= $1 AND kind = ANY ($2)
                  AND (leased_until IS NULL OR leased_until <= now())
                ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
            )
            UPDATE {self._table} AS t
            SET leased_until = now() + $4::interval, fence = fence + 1, attempts = attempts + 1
            FROM due WHERE t.kind = due.kind AND t.subject_id = due.subject_id
            RETURNING t.kind, t.subject_id, due_at, attempts, fence
            """,  # noqa: S608 - the schema's name comes from code
            self._runtime.clock.now(),
            list(self._handlers),
            limit,
            timedelta(seconds=LEASE_S),
        )
        claimed = [_Claimed(Timer(*tuple(row)[:4]), row["fence"]) for row in rows]
        return sorted(claimed, key=lambda one: one.timer.due_at)

    async def _handle(self, claimed: _Claimed) -> None:
        handler = self._handlers[claimed.timer.kind]
        if isinstance(handler, Staged):
            await self._in_stages(claimed, handler)
            return
        async with self._runtime.transaction(lone=False) as tx:
            await self._must_be_mine(tx, claimed)
            await handler(tx, claimed.timer)
            await self._end(tx, claimed)

    async def _must_be_mine(self, tx: Transaction, claimed: _Claimed) -> None:
        # Runners exclude each other by a lock that no request takes. A row lock on the reminder
        # would be taken in the opposite order to a request, which changes its case first.
        await tx.begin()
        name = f"{self._table} {claimed.timer.kind} {claimed.timer.subject_id}"
        lock = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS got"
        got = await tx.fetchrow(lock, name)
        mine = f"SELECT FROM {self._table} WHERE {self._mine}"
        if got is None or not got["got"] or await tx.fetchrow(mine, *claimed.key) is None:
            raise Taken

    async def _end(self, tx: Transaction, claimed: _Claimed) -> None:
        gone = await tx.write(
            f"DELETE FROM {self._table} WHERE {self._mine} RETURNING kind",  # noqa: S608
            *claimed.key,
        )
        if gone is None:  # set anew or forgotten by the handler: or has another runner claimed it?
            others = f"""
                SELECT FROM {self._table} WHERE kind = $1 AND subject_id = $2 AND fence <> $3
            """
            if await tx.fetchrow(others, *claimed.key) is not None:
                raise Taken

    async def _in_stages(self, claimed: _Claimed, staged_handler: Staged) -> None:
        pool = self._runtime.pool
        mine = f"SELECT 1 FROM {self._table} WHERE {self._mine}"  # noqa: S608
        if await pool.fetchval(mine, *claimed.key) is None:
            raise Taken
        await staged_handler.handler(self._runtime, claimed.timer)
        await pool.execute(f"DELETE FROM {self._table} WHERE {self._mine}", *claimed.key)  # noqa: S608

    async def _put_off(self, claimed: _Claimed, seconds: float, said: str | None) -> None:
        await self._runtime.pool.execute(
            f"""
            UPDATE {self._table}
            SET leased_until = now() + $4::interval, last_error = coalesce($5, last_error),
                attempts = attempts - CASE WHEN $5::text IS NULL THEN 1 ELSE 0 END
            WHERE {self._mine}
            """,  # noqa: S608 - the schema's name comes from code
            *claimed.key,
            timedelta(seconds=seconds),
            said,
        )
