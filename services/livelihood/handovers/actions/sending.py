"""A batch is frozen with its number, count and hash, and goes out under one reference for good.

The organisation takes a reference once (deploy/sandbox/README.md), so whoever does not know
whether it arrived sends the same again (decision 5).
"""

from collections.abc import Collection
from uuid import UUID

from services.livelihood.clients import HandoverBatch, HandoverEntry, clients, identities
from services.livelihood.handovers import queries, rules
from services.livelihood.handovers.errors import NothingToHandOver
from services.livelihood.handovers.models import Handover, HandoverLine
from shared.running.log import get_logger
from shared.storage import audit, policy
from shared.storage.db import Runtime, Transaction
from shared.storage.outbox import tell
from shared.storage.timers import Timer, remind
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyRefused
from shared.workflow import advance

HAND_OVER = "hand_over"
BODY, PURPOSE = "subsidies", "handover"

_log = get_logger()


async def build(tx: Transaction, actor: Actor) -> UUID:
    """Freeze what waits into the next batch; it is sent at once. Raises NothingToHandOver."""
    await tx.begin()
    await tx.fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "livelihood.handover")
    rule = await policy.on(tx, "livelihood.handover", tehran_date(tx.now))
    waits = await queries.waiting(tx, limit=rule["rows"])
    if not waits:
        raise NothingToHandOver
    last = await tx.fetchrow("SELECT max(number) AS number FROM livelihood.handover")
    batch = Handover(
        id=uuid7(),
        number=1 + ((last["number"] if last else None) or 0),
        rows=len(waits),
        sha256=rules.sha256(one.line for one in waits),
        state="built",
        built_by=actor.sub,
        built_at=tx.now,
    )
    await tx.add(batch)
    await tx.add(*(_frozen(batch.id, at, one) for at, one in enumerate(waits, start=1)))
    await tx.write(
        "UPDATE livelihood.handover_row SET handover_id = $1 WHERE id = ANY ($2)",
        batch.id,
        [one.line.reference for one in waits],
    )
    await audit.record(
        tx, actor=actor.sub, action="livelihood.handover.build", reference=str(batch.id),
        request_id=tx.trace, number=batch.number, count=batch.rows,
    )  # fmt: skip
    await remind(tx, HAND_OVER, subject_id=batch.id, due_at=tx.now)
    return batch.id


def _frozen(handover_id: UUID, at: int, one: queries.Waits) -> HandoverLine:
    line = one.line
    return HandoverLine(
        handover_id=handover_id,
        line=at,
        row_id=line.reference,
        kind=line.kind,
        person_id=one.person_id,
        covered_size=line.covered_size,
        from_period=line.from_period,
        last_period=line.last_period,
    )


async def send(runtime: Runtime, timer: Timer) -> None:
    """Send a batch in stages: written ahead, handed over, and noted for each row.

    Raises Unavailable and PartyUnavailable: the reminder comes back, with the same reference.
    """
    batch = await _about_to_send(runtime, timer.subject_id)
    if batch is None:
        return
    try:
        receipt = await clients(runtime).hand_over(batch)
    except PartyRefused as no:
        await _refused(runtime, batch, no)
    else:
        await _sent(runtime, batch, receipt)


async def _about_to_send(runtime: Runtime, handover_id: UUID) -> HandoverBatch | None:
    async with runtime.transaction() as tx:
        head = await tx.write(
            "UPDATE livelihood.handover SET state = 'sending', attempt = attempt + 1"
            " WHERE id = $1 AND state IN ('built', 'sending') RETURNING number, rows, sha256",
            handover_id,
        )
        if head is None:
            return None
        lines = await queries.lines(tx, handover_id)
    codes = await identities(runtime, {one.person_id for one in lines}, purpose=PURPOSE)
    entries = [
        HandoverEntry(
            reference=str(one.line.reference),
            kind=one.line.kind,
            national_code=codes[one.person_id],
            covered_size=one.line.covered_size,
            from_period=one.line.from_period,
            last_period=one.line.last_period,
        )
        for one in lines
    ]
    return HandoverBatch(handover_id, head["number"], head["sha256"], entries)


async def _sent(runtime: Runtime, batch: HandoverBatch, receipt: str) -> None:
    """The organisation has it; what was acknowledged before we knew has gone on already."""
    async with runtime.transaction(lone=False) as tx:
        done = await tx.write(
            "UPDATE livelihood.handover SET state = 'accepted', receipt = $2, sent_at = $3"
            " WHERE id = $1 AND state = 'sending' RETURNING id",
            batch.id,
            receipt,
            tx.now,
        )
        for row in await queries.still_to_send(tx, batch.id):
            await advance(tx, row, "send", SYSTEM, facts={"batch": str(batch.number)})
        if done is not None:
            people = {one.person_id for one in await queries.lines(tx, batch.id)}
            await disclosed(tx, batch.id, people, what="livelihood.handover.sent")


async def disclosed(
    tx: Transaction, reference: UUID, people: Collection[UUID], *, what: str
) -> None:
    """Tell intake whom the organisation has learnt of: it stands in their access log."""
    pseudonyms = sorted(map(tx.runtime.crypto.pseudonym, people))
    payload = {"body": BODY, "purpose": PURPOSE, "what": what, "pseudonyms": pseudonyms}
    await tell(tx, "access.recorded", subject_id=reference, version=1, payload=payload)


async def _refused(runtime: Runtime, batch: HandoverBatch, no: PartyRefused) -> None:
    """The whole batch was not taken: its rows wait for another one, people look at this one."""
    async with runtime.transaction(lone=False) as tx:
        await tx.write(
            "UPDATE livelihood.handover SET state = 'refused' WHERE id = $1 AND state = 'sending'",
            batch.id,
        )
        await tx.write(
            "UPDATE livelihood.handover_row SET handover_id = NULL"
            " WHERE handover_id = $1 AND status IN ('ready', 'corrected')",
            batch.id,
        )
    _log.error("handover_refused", party=BODY, number=batch.number, code=no.party_code)
