"""A bank's answers are taken in: kept once, booked once, and every item follows its instructions.

One answer is one transaction. The instructions that it names are locked first, the later months
before the earlier ones, so that two answers to the same instruction follow one another.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from services.livelihood.ledger.actions import post
from services.livelihood.ledger.queries import balances
from services.livelihood.ledger.rules import PAYABLE, Line, transfer
from services.livelihood.runs import queries
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import ResultsOut, RowFault
from services.livelihood.runs.statements.outcome import (
    RETURNED,
    Outcome,
    Said,
    Standing,
    entries,
    settle,
)
from services.livelihood.runs.statements.rows import Answers, Result
from services.livelihood.runs.workflow import ANSWERED, Status
from shared.storage.db import Transaction
from shared.storage.timers import remind
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.errors import StepNotAllowed
from shared.workflow import advance

RECONCILE = "reconcile_run"
ACCEPTED = "file_accepted"
REJECTED = "file_rejected"

_NAMED = """
SELECT i.id, i.period, i.item_id, i.run_id, i.file_id, i.bank_code, i.amount_rial, i.state
FROM livelihood.instruction i
WHERE i.id = ANY ($1) AND i.period {which} $2
  AND (i.run_id = $3 OR i.file_id IN (SELECT id FROM livelihood.bank_file WHERE run_id = $3))
ORDER BY i.period DESC, i.id FOR UPDATE OF i
"""
_KEEP = """
INSERT INTO livelihood.bank_result
    (instruction_id, status, bank_ref, period, reason, at, received_at, source, file_id)
SELECT r.id, r.status, r.bank_ref, r.period, r.reason, coalesce(r.at, $7), $7, $8, r.file_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[],
            $9::uuid[]) AS r (id, status, bank_ref, period, reason, at, file_id)
"""
_MOVE = """
UPDATE livelihood.instruction AS i
SET state = r.state, reason = r.reason, bank_ref = coalesce(nullif(r.bank_ref, ''), i.bank_ref),
    settled_at = CASE WHEN r.state <> 'unknown' THEN coalesce(r.at, $7) END
FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
     AS r (period, id, state, reason, bank_ref, at)
WHERE i.period = r.period AND i.id = r.id
"""
# An item stands where the last attempt at each of its parts stands: it waits for all of them, and
# is paid only when all are (H16). What is not sent yet stays as its file was built. Live and
# returned attempts have an index each.
_FOLLOW = """
UPDATE livelihood.item AS i SET state = w.state, reason = w.reason
FROM (
    SELECT period, item_id, CASE
            WHEN bool_or(state = 'queued') THEN 'queued'
            WHEN bool_or(state = 'sent') THEN 'sent'
            WHEN bool_or(state = 'unknown') THEN 'unknown'
            WHEN bool_or(state = 'returned') THEN 'returned'
            ELSE 'paid'
        END AS state, min(reason) AS reason
    FROM (
        SELECT DISTINCT ON (n.period, n.item_id, n.part) n.period, n.item_id, n.state, n.reason
        FROM unnest($1::int[], $2::uuid[]) AS named (period, item_id)
        CROSS JOIN LATERAL (
            SELECT * FROM livelihood.instruction l
            WHERE l.period = named.period AND l.item_id = named.item_id AND l.state <> 'returned'
            UNION ALL
            SELECT * FROM livelihood.instruction b
            WHERE b.period = named.period AND b.item_id = named.item_id AND b.state = 'returned'
        ) AS n
        ORDER BY n.period, n.item_id, n.part, n.attempt DESC
    ) AS last GROUP BY period, item_id
) AS w
WHERE i.period = w.period AND i.id = w.item_id AND i.state <> w.state AND w.state <> 'queued'
  AND NOT (i.state = 'recovery_due' AND w.state = 'paid')
"""
_NOT_BOOKED = """
SELECT file_id, run_id, bank_code, again, sum(amount_rial)::bigint AS amount
FROM (
    SELECT i.*, i.attempt > 1 AND EXISTS (
        SELECT FROM livelihood.instruction x
        WHERE x.period = i.period AND x.item_id = i.item_id AND x.part = i.part
          AND x.state = 'returned' AND x.attempt < i.attempt
          AND x.reason IS DISTINCT FROM $3) AS again
    FROM livelihood.instruction i
    WHERE i.file_id = ANY ($1) AND NOT EXISTS (
        SELECT FROM livelihood.journal_entry e
        WHERE e.kind = $2 AND e.reference = i.file_id || '/' || i.run_id)
) AS i
GROUP BY file_id, run_id, bank_code, again ORDER BY file_id, run_id, again
"""


async def take_in(tx: Transaction, run: Run, answers: Answers, actor: Actor) -> ResultsOut:
    """Keep and book what is new; raises StepNotAllowed for a run that no bank has yet."""
    if run.status not in ANSWERED:
        raise StepNotAllowed(current_status=run.status)
    await tx.begin()
    standing = await _named(tx, run, [result.reference for result in answers.results])
    outcome = settle(
        answers.results,
        standing,
        bank=actor.organisation,
        said=await _said(tx, standing),
    )
    if outcome.new:
        await _keep(tx, outcome, standing, answers.source)
        await _settled(tx, outcome, standing)
        await _begin_settling(tx, run)
        await reconcile_soon(tx, {one.run_id for one in standing.values()} | {run.id})
    faults = sorted([*answers.faults, *outcome.faults])
    return ResultsOut(
        accepted=len(outcome.new),
        repeated=outcome.repeated,
        errors=[RowFault(line=line, code=code) for line, code in faults],
    )


async def _named(tx: Transaction, run: Run, references: Sequence[UUID]) -> dict[UUID, Standing]:
    """The instructions of this run, or in its files, by reference; locked.

    Nearly all are of its own month; only what is not found there is looked for in the others.
    """
    found: dict[UUID, Standing] = {}
    for which in ("=", "<>"):
        missing = list({one for one in references if one not in found})
        if missing:
            sql = _NAMED.format(which=which)
            rows = await tx.fetch(sql, missing, run.period, run.id)
            found |= {row["id"]: Standing(*row) for row in rows}
    return found


async def _said(tx: Transaction, ids: Collection[UUID]) -> set[Said]:
    rows = await tx.fetch(
        "SELECT instruction_id, status, bank_ref FROM livelihood.bank_result"
        " WHERE instruction_id = ANY ($1)",
        list(ids),
    )
    return {(row["instruction_id"], row["status"], row["bank_ref"]) for row in rows}


async def _keep(
    tx: Transaction, outcome: Outcome, standing: dict[UUID, Standing], source: str
) -> None:
    new = outcome.new
    about = [standing[one.reference] for one in new]
    await tx.write(
        _KEEP,
        [one.reference for one in new],
        [one.status for one in new],
        [one.bank_ref for one in new],
        [one.period for one in about],
        [one.reason for one in new],
        [one.at for one in new],
        tx.now,
        source,
        [one.file_id for one in about],
    )


async def _settled(tx: Transaction, outcome: Outcome, standing: dict[UUID, Standing]) -> None:
    """Instructions, their items and the books move together."""
    if not outcome.final:
        return
    moved = [standing[reference] for reference in outcome.final]
    last: list[Result] = list(outcome.final.values())
    await tx.write(
        _MOVE,
        [one.period for one in moved],
        [one.id for one in moved],
        [one.status for one in last],
        [one.reason if one.status != "paid" else None for one in last],
        [one.bank_ref for one in last],
        [one.at for one in last],
        tx.now,
    )
    await follow(tx, moved)
    await accepted(tx, {one.file_id for one in moved})
    await book(tx, entries(outcome.moved))


async def follow(tx: Transaction, moved: Iterable[Standing]) -> None:
    """Let the items of these instructions stand where those stand."""
    items = sorted({(one.period, one.item_id) for one in moved})
    await tx.write(_FOLLOW, [one[0] for one in items], [one[1] for one in items])


# The books


async def book(tx: Transaction, lines: dict[tuple[UUID, str], list[Line]]) -> None:
    """One entry for each run and kind of what one answer moved."""
    answer = uuid7()
    for (run_id, kind), entry in lines.items():
        await post(tx, kind, f"{answer}/{run_id}", entry, run_id=run_id)


async def accepted(tx: Transaction, files: Collection[UUID]) -> None:
    """Book that a bank has these files: once each, by whoever knows it first (H20).

    What came back from a bank comes out of what was returned, everything else out of what is owed:
    what only a whole refused file held has never left.
    """
    await tx.begin()
    lock = "SELECT 1 FROM livelihood.bank_file WHERE id = ANY ($1) ORDER BY id FOR UPDATE"
    await tx.fetch(lock, list(files))
    found: dict[tuple[UUID, UUID], list[Line]] = {}
    for row in await tx.fetch(_NOT_BOOKED, list(files), ACCEPTED, REJECTED):
        debit, credit = RETURNED if row["again"] else PAYABLE, f"clearing.{row['bank_code']}"
        lines = found.setdefault((row["file_id"], row["run_id"]), [])
        lines += transfer(row["amount"], debit=debit, credit=credit)
    for (file_id, run_id), lines in found.items():
        await post(tx, ACCEPTED, f"{file_id}/{run_id}", lines, run_id=run_id)


# The run


async def _begin_settling(tx: Transaction, run: Run) -> None:
    """The first answer moves the run; whoever comes at the same moment finds it moved."""
    if run.status != Status.SENT:
        return
    await tx.fetchrow("SELECT 1 FROM livelihood.run WHERE id = $1 FOR UPDATE", run.id)
    now = await queries.find_run(tx, run.id)
    if now is not None and now.status == Status.SENT:
        await advance(tx, now, "start_settling", SYSTEM)


async def reconcile_soon(tx: Transaction, runs: Iterable[UUID]) -> None:
    """Where nothing is on the way any more, see whether everything adds up.

    One answer after another, so that the last of them sees what the others have booked.
    """
    await tx.begin()
    for run_id in sorted(runs):
        lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
        await tx.fetch(lock, f"livelihood.settled {run_id}")
        stands = await balances(tx, run_id=run_id)
        if not any(stands[code] for code in stands if on_the_way(code)):
            await remind(tx, RECONCILE, subject_id=run_id, due_at=tx.now)


def on_the_way(account: str) -> bool:
    """Whether money on this account has left us and has not arrived, as far as is known."""
    return account.startswith("clearing.") and account != "clearing.unknown"
