"""A run ends when everything adds up: in its items, its instructions, its files and the books.

What a bank has not answered within the time that policy gives is asked about once and is then
unknown, on an account of its own: never sent again by a machine, and final only by what the bank
itself reports (H19).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.livelihood.clients import payment_of
from services.livelihood.ledger.queries import balances
from services.livelihood.runs import queries
from services.livelihood.runs.actions.settling import (
    RECONCILE,
    REJECTED,
    accepted,
    book,
    follow,
    on_the_way,
)
from services.livelihood.runs.errors import RunDoesNotBalance
from services.livelihood.runs.models import Run
from services.livelihood.runs.statements.outcome import Move, Standing, entries
from services.livelihood.runs.statements.sums import Sums, off
from services.livelihood.runs.workflow import Status
from shared.storage import policy
from shared.storage.db import Runtime, Transaction
from shared.storage.timers import remind
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyUnavailable
from shared.workflow import advance

AT_ONCE = 8
ASKED_AT_A_TIME = 400
NO_ANSWER = "no_answer"
REST = timedelta(minutes=5)
WAITING = (Status.SENT, Status.SETTLING)


class Silent(NamedTuple):
    """A file of which some instructions have no answer."""

    id: UUID
    state: str
    sent_at: datetime | None


async def go_on(runtime: Runtime, run_id: UUID) -> datetime | None:
    """Reconcile the run if nothing is awaited, else ask about what is overdue.

    Returns when to look again; None when there is nothing more to do.
    """
    async with runtime.transaction() as tx:
        run = await queries.find_run(tx, run_id)
        if run is None or run.status not in WAITING:
            return None
        now, within = tx.now, await _within(tx)
    silent = await _silent(runtime, run_id)
    overdue = [
        file
        for file in silent
        if file.state == "accepted" and file.sent_at and file.sent_at + within <= now
    ]
    if overdue:
        await _ask(runtime, overdue[0].id)
        return now
    if silent:
        due = min((file.sent_at or now) for file in silent) + within
        return max(due, now + REST)  # a file whose own fate is unknown is asked about first
    await _reconcile(runtime, run_id)
    return None


async def _within(tx: Transaction) -> timedelta:
    rule = await policy.on(tx, "livelihood.bank_answers", tehran_date(tx.now))
    return timedelta(hours=rule["within_hours"])


async def watch(tx: Transaction, run_id: UUID) -> None:
    """See what has come of a run when the answers to what is sent now are overdue.

    Where there is nothing to send, that is at once.
    """
    sent = await tx.fetchrow("SELECT FROM livelihood.bank_file WHERE run_id = $1", run_id)
    due_at = tx.now if sent is None else tx.now + await _within(tx)
    await remind(tx, RECONCILE, subject_id=run_id, due_at=due_at)


async def _silent(runtime: Runtime, run_id: UUID) -> list[Silent]:
    pool = await runtime.batch()
    rows = await pool.fetch(
        "SELECT f.id, f.state, f.sent_at FROM livelihood.bank_file f WHERE f.run_id = $1"
        " AND EXISTS (SELECT FROM livelihood.instruction i WHERE i.file_id = f.id"
        " AND i.state IN ('queued', 'sent')) ORDER BY f.number",
        run_id,
    )
    return [Silent(*row) for row in rows]


# No answer


async def _ask(runtime: Runtime, file_id: UUID) -> None:
    """Ask about some of a file's instructions, and note that nobody knows of them.

    What the bank says to us here is no statement: it is kept as the reason, and moves no money.
    """
    pool = await runtime.batch()
    rows = await pool.fetch(
        "SELECT id FROM livelihood.instruction WHERE file_id = $1 AND state = 'sent'"
        " ORDER BY period, id LIMIT $2",
        file_id,
        ASKED_AT_A_TIME,
    )
    references = [row["id"] for row in rows]
    turns = asyncio.Semaphore(AT_ONCE)
    silent = False

    async def ask(reference: UUID) -> str:
        nonlocal silent
        async with turns:
            if silent:
                return NO_ANSWER  # who does not answer one is not asked for the others now
            try:
                return await payment_of(runtime, reference)
            except PartyUnavailable:
                silent = True
                return NO_ANSWER

    said = await asyncio.gather(*(ask(reference) for reference in references))
    async with runtime.transaction(lone=False) as tx:
        await _unknown(tx, dict(zip(references, said, strict=True)))


async def _unknown(tx: Transaction, said: Mapping[UUID, str]) -> None:
    """What has been answered meanwhile keeps its answer."""
    await tx.begin()
    rows = await tx.fetch(
        "SELECT id, period, item_id, run_id, file_id, bank_code, amount_rial, state"
        " FROM livelihood.instruction WHERE id = ANY ($1) AND state = 'sent'"
        " ORDER BY period DESC, id FOR UPDATE",
        list(said),
    )
    if not rows:
        return
    moved = [Standing(*row) for row in rows]
    await tx.write(
        "UPDATE livelihood.instruction AS i SET state = 'unknown', reason = n.reason"
        " FROM unnest($1::int[], $2::uuid[], $3::text[]) AS n (period, id, reason)"
        " WHERE i.period = n.period AND i.id = n.id",
        [one.period for one in moved],
        [one.id for one in moved],
        [said[one.id] for one in moved],
    )
    await follow(tx, moved)
    await accepted(tx, {one.file_id for one in moved})
    await book(tx, entries(_moves(moved)))


def _moves(moved: Sequence[Standing]) -> dict[Move, int]:
    found: dict[Move, int] = {}
    for one in moved:
        move = Move(one.run_id, one.bank_code, one.state, "unknown")
        found[move] = found.get(move, 0) + one.amount_rial
    return found


# The sums


async def _reconcile(runtime: Runtime, run_id: UUID) -> None:
    """Raises RuntimeError where the sums differ: somebody has to look at this run."""
    async with runtime.transaction(lone=False) as tx:
        await tx.begin()
        await tx.fetchrow("SELECT 1 FROM livelihood.run WHERE id = $1 FOR UPDATE", run_id)
        run = await queries.find_run(tx, run_id)
        if run is None or run.status not in WAITING:
            return
        if found := off(await sums(tx, run)):
            raise RuntimeError(f"run {run_id} does not add up: {sorted(found)}")
        if run.status == Status.SENT:  # nothing was in its files, or they were all refused
            await advance(tx, run, "start_settling", SYSTEM)
        await advance(tx, run, "reconcile", SYSTEM)


async def close(tx: Transaction, run: Run, actor: Actor) -> None:
    """Close the run for good. Raises RunDoesNotBalance, naming each sum that is not as it should.

    What comes back later is still booked, and paid with a later month (H17).
    """
    await tx.begin()
    await tx.fetchrow("SELECT 1 FROM livelihood.run WHERE id = $1 FOR UPDATE", run.id)
    if found := off(await sums(tx, run)):
        raise RunDoesNotBalance(off=found)
    await advance(tx, run, "close", actor)


async def sums(tx: Transaction, run: Run) -> Sums:
    """What the run comes to, four times over."""
    items = await queries.figures(tx, run)
    files = await tx.fetchrow(
        """
        SELECT coalesce(sum(f.rows), 0)::bigint AS rows,
            coalesce(sum(f.amount_rial), 0)::bigint AS amount,
            coalesce(sum(i.rows), 0)::bigint AS rows_in,
            coalesce(sum(i.amount), 0)::bigint AS amount_in
        FROM livelihood.bank_file f CROSS JOIN LATERAL (
            SELECT count(*) AS rows, sum(amount_rial) AS amount
            FROM livelihood.instruction WHERE file_id = f.id) AS i
        WHERE f.run_id = $1
        """,
        run.id,
    )
    stands = await balances(tx, run_id=run.id)
    return Sums(
        approved=((run.planned or 0) + (run.held or 0), _approved_rial(run)),
        items=items,
        parts=await _parts(tx, run),
        files=tuple(files or (0, 0, 0, 0)),
        books=stands,
        on_the_way=sum(amount for code, amount in stands.items() if on_the_way(code)),
    )


def _approved_rial(run: Run) -> int:
    return (run.planned_rial or 0) + (run.held_rial or 0)


async def _parts(tx: Transaction, run: Run) -> dict[str, int]:
    """Rials by where the last attempt at each part of an item stands; what has none is held.

    A live attempt is always the last one. What never left with a refused file is held as well.
    """
    rows = await tx.fetch(
        """
        SELECT state, sum(amount)::bigint AS amount FROM (
            SELECT state, sum(amount_rial) AS amount FROM livelihood.instruction
            WHERE period = $1 AND run_id = $2 AND state <> 'returned' GROUP BY state
            UNION ALL
            SELECT CASE WHEN NOT bool_and(reason IS NOT DISTINCT FROM $3) THEN 'returned'
                    WHEN EXISTS (SELECT FROM livelihood.item i WHERE i.period = $1
                                 AND i.id = item_id AND i.reversed) THEN 'withdrawn'
                    ELSE 'held' END,
                (array_agg(amount_rial ORDER BY attempt DESC))[1]
            FROM livelihood.instruction x
            WHERE period = $1 AND run_id = $2 AND state = 'returned' AND NOT EXISTS (
                SELECT FROM livelihood.instruction l WHERE l.period = x.period
                  AND l.item_id = x.item_id AND l.part = x.part AND l.state <> 'returned')
            GROUP BY item_id, part
            UNION ALL
            SELECT CASE WHEN reversed THEN 'withdrawn' ELSE 'held' END, amount_rial
            FROM livelihood.item i
            WHERE period = $1 AND run_id = $2 AND state = 'held' AND NOT EXISTS (
                SELECT FROM livelihood.instruction b WHERE b.period = i.period
                  AND b.item_id = i.id AND b.state = 'returned')
        ) AS a GROUP BY state
        """,
        run.period,
        run.id,
        REJECTED,
    )
    return {row["state"]: row["amount"] for row in rows}
