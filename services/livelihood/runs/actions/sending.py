"""Files go to their banks: written down before, asked about where the answer was lost.

A bank takes a message id once, for ever (a contract test shows it): what is sent again is the same
bytes under the same id, and only after the bank has said that it does not know it (decision 5).
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.livelihood.clients import Taken, clients
from services.livelihood.runs import queries
from services.livelihood.runs.files import store
from services.livelihood.runs.models import BankFile, Run
from shared.storage import policy
from shared.storage.db import Runtime, Transaction
from shared.storage.timers import remind
from shared.values.calendar import tehran_date
from shared.web.auth import Actor
from shared.web.clients import PartyRefused, PartyUnavailable
from shared.workflow import advance

SEND = "send_file"
REJECTED = "file_rejected"


async def send(tx: Transaction, run: Run, actor: Actor) -> None:
    """Hand the files of a run over for sending, each with a reminder of its own."""
    await tx.begin()
    await advance(tx, run, "send", actor)
    await tx.write(
        "INSERT INTO livelihood.timer (kind, subject_id, due_at)"
        " SELECT $2, id, $3 FROM livelihood.bank_file WHERE run_id = $1 AND state = 'built'"
        " ON CONFLICT (kind, subject_id) DO NOTHING",
        *(run.id, SEND, tx.now),
    )
    tx.runtime.due.set()


async def go_on(runtime: Runtime, file_id: UUID) -> None:
    """Take one file a step further: send it, or ask what became of it. Harmless when repeated."""
    async with runtime.transaction() as tx:
        file = await queries.file_of(tx, file_id)
    if file is None or file.state in {"filling", "accepted", "rejected"}:
        return
    try:
        known = None
        if file.state != "built":
            known = await clients(runtime).payment_file(file.id)
        if known is None:
            if not await _sending(runtime, file):
                return
            known = await clients(runtime).send_payment_file(
                file.id, await _content(runtime, file), bank=file.bank_code
            )
    except PartyUnavailable:
        await _unknown(runtime, file)
    except PartyRefused as refused:
        await _rejected(runtime, file, refused.party_code)
    else:
        await _accepted(runtime, file, known)


async def _sending(runtime: Runtime, file: BankFile) -> bool:
    """Write down that it is sent, before it is; False when somebody else did.

    It goes to the cycle that is next now, whichever it was built for (H21).
    """
    async with runtime.transaction() as tx:
        cycles = await queries.cycles_on(tx, tehran_date(tx.now))
        row = await tx.write(
            "UPDATE livelihood.bank_file SET state = 'sending', attempt = attempt + 1,"
            " sent_at = $4, cycle_at = greatest(cycle_at, $5)"
            " WHERE id = $1 AND state = $2 AND attempt = $3 RETURNING id",
            *(file.id, file.state, file.attempt, tx.now, cycles.next(tx.now)),
        )
    return row is not None


async def _content(runtime: Runtime, file: BankFile) -> bytes:
    """The file as it was written; its rows are as many as policy lets one have."""
    if file.place is None or file.sha256 is None:
        raise AssertionError("a file that is sent has been written")
    frames = store.read(runtime, file.id, file.place, sha256=file.sha256)
    return await asyncio.to_thread(lambda: b"".join(frames))


async def _unknown(runtime: Runtime, file: BankFile) -> None:
    """Nobody knows whether the bank has it: it is asked, after a while and until it answers."""
    async with runtime.transaction(lone=False) as tx:
        await tx.write(
            "UPDATE livelihood.bank_file SET state = 'unknown' WHERE id = $1"
            " AND state IN ('sending', 'unknown')",
            file.id,
        )
        wait = await policy.on(tx, "livelihood.bank_inquiry", tehran_date(tx.now))
        due_at = tx.now + timedelta(seconds=wait["after_s"])
        await remind(tx, SEND, subject_id=file.id, due_at=due_at)


async def _accepted(runtime: Runtime, file: BankFile, taken: Taken) -> None:
    """The bank has it: its instructions are on their way.

    Raises RuntimeError where the bank has another file than ours; then nothing is moved.
    """
    if (taken.rows, taken.amount_rial, taken.sha256) != (
        *(file.rows, file.amount_rial, file.sha256),
    ):
        raise RuntimeError(f"payment file {file.id}: the bank has another one under its id")
    pool = await runtime.batch()
    async with pool.acquire() as connection, connection.transaction():
        if await _settle_state(connection, file, "accepted", bank_ref=taken.bank_ref):
            await _move(connection, file, to="sent")


async def _rejected(runtime: Runtime, file: BankFile, code: str | None) -> None:
    """The bank will not execute it: what was in it is owed still, and goes into a later file."""
    pool = await runtime.batch()
    async with pool.acquire() as connection, connection.transaction():
        if await _settle_state(connection, file, "rejected", bank_ref=code):
            await _move(connection, file, to="returned", reason=REJECTED)


async def _settle_state(
    connection: asyncpg.Connection, file: BankFile, state: str, *, bank_ref: str | None
) -> bool:
    return bool(
        await connection.fetchval(
            "UPDATE livelihood.bank_file SET state = $2, bank_ref = $3"
            " WHERE id = $1 AND state IN ('sending', 'unknown') RETURNING true",
            *(file.id, state, bank_ref),
        )
    )


async def _move(
    connection: asyncpg.Connection, file: BankFile, *, to: str, reason: str | None = None
) -> None:
    """Move the instructions of a file, and each item that has none left to be sent.

    Month by month: every table is asked for one partition only.
    """
    periods = await connection.fetch(
        "SELECT DISTINCT period FROM livelihood.instruction WHERE file_id = $1", file.id
    )
    for (period,) in periods:
        await connection.execute(
            "UPDATE livelihood.instruction SET state = $3, reason = $4"
            " WHERE period = $1 AND file_id = $2 AND state = 'queued'",
            *(period, file.id, to, reason),
        )
        await connection.execute(_MOVE_ITEMS, period, file.id, REJECTED)


# An item is held, and not returned, while none of its money has ever left: it never came back.
_MOVE_ITEMS = """
UPDATE livelihood.item i SET state = t.becomes,
    reason = CASE WHEN t.becomes = 'sent' THEN NULL ELSE $3 END
FROM (
    SELECT mine.item_id, CASE WHEN lost.parts = 0 THEN 'sent'
        WHEN live.parts = 0 AND lost.only_rejected THEN 'held' ELSE 'returned' END AS becomes
    FROM (SELECT DISTINCT item_id FROM livelihood.instruction
          WHERE period = $1 AND file_id = $2) AS mine
    CROSS JOIN LATERAL (
        SELECT count(*) AS parts, count(*) FILTER (WHERE x.state = 'queued') AS queued
        FROM livelihood.instruction x
        WHERE x.period = $1 AND x.item_id = mine.item_id AND x.state <> 'returned'
    ) AS live
    CROSS JOIN LATERAL (
        SELECT count(*) AS parts, bool_and(x.reason = $3) AS only_rejected
        FROM livelihood.instruction x
        WHERE x.period = $1 AND x.item_id = mine.item_id AND x.state = 'returned'
          AND NOT EXISTS (
            SELECT FROM livelihood.instruction y WHERE y.period = $1
              AND y.item_id = x.item_id AND y.part = x.part AND y.state <> 'returned')
    ) AS lost
    WHERE live.queued = 0
) AS t
WHERE i.period = $1 AND i.id = t.item_id AND i.state IN ('queued', 'requeued')
"""
