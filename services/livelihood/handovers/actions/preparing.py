"""Rows follow their award: whatever was told of it, in whatever order, it comes to the same."""

from uuid import UUID

from services.livelihood.handovers import queries, rules
from services.livelihood.handovers.models import HandoverRow
from services.livelihood.handovers.rules import Need
from services.livelihood.handovers.workflow import Status
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM
from shared.workflow import advance

GONE_OUT = {Status.SENT, Status.ACKNOWLEDGED}


async def follow(tx: Transaction, award_id: UUID) -> None:
    """Make the rows that are still needed so that the other body knows where the award stands."""
    await tx.begin()
    lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await tx.fetch(lock, f"livelihood.handover/{award_id}")
    award = await queries.award(tx, award_id)
    if award is None:
        return
    rows = await queries.rows_of_award(tx, award_id)
    number = len(rows)
    live = [row for row in rows if row.status != Status.DROPPED]
    while True:
        last = rules.Last(live[-1].kind, _may_drop(live[-1])) if live else None
        need = rules.needed(last, supported=award["supported"])
        if need is not Need.DROP:
            break
        await advance(tx, live.pop(), "drop", SYSTEM)
    if need is None:
        return
    row = HandoverRow(
        id=uuid7(),
        award_id=award_id,
        number=number + 1,
        kind=need,
        tracking_code=award["tracking_code"],
        person_id=award["payee_id"],
        province=award["province"],
        opened_at=tx.now,
    )
    await advance(tx, row, "prepare", SYSTEM)


def _may_drop(row: HandoverRow) -> bool:
    """Whether nothing of the row stands with the other body, nor may be on its way there."""
    under_way = row.handover_id is not None and row.status != Status.REJECTED
    return row.status not in GONE_OUT and not under_way
