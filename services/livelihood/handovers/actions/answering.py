"""The organisation answers row by row, in any order, as often as it likes; officers correct."""

from uuid import UUID

from services.livelihood.handovers import queries
from services.livelihood.handovers.actions.preparing import follow
from services.livelihood.handovers.models import HandoverRow
from services.livelihood.handovers.schemas import (
    AcknowledgeIn,
    Answered,
    AnswerIn,
    CorrectIn,
    LineFault,
)
from services.livelihood.handovers.workflow import WAITING, Status
from shared.storage.db import Transaction
from shared.web.auth import SYSTEM, Actor
from shared.web.errors import NotFound
from shared.workflow import advance, check

STEP = {Status.ACKNOWLEDGED: "acknowledge", Status.REJECTED: "reject"}


async def acknowledge(
    tx: Transaction, handover_id: UUID, actor: Actor, body: AcknowledgeIn
) -> Answered:
    """Take every answer that can be taken, and say of the others why not. Raises NotFound."""
    await tx.begin()
    head = await tx.fetchrow(
        "SELECT number, state FROM livelihood.handover WHERE id = $1 FOR UPDATE", handover_id
    )
    if head is None or head["state"] in {"built", "refused"}:
        raise NotFound  # nobody outside has seen it
    accepted, repeated, errors = 0, 0, []
    for at, one in enumerate(body.rows, start=1):
        said = await _take(tx, handover_id, actor, one, number=head["number"])
        accepted += said == ""
        repeated += said == "repeated"
        if said not in {"", "repeated"}:
            errors.append(LineFault(line=at, code=said))
    return Answered(accepted=accepted, repeated=repeated, errors=errors)


async def _take(
    tx: Transaction, handover_id: UUID, actor: Actor, one: AnswerIn, *, number: int
) -> str:
    """Take one answer; returns what is wrong with it, `repeated`, or nothing."""
    if (one.outcome == "rejected") != (one.code is not None):
        return "code_missing" if one.code is None else "code_not_expected"
    row = await queries.row(tx, handover_id, one.reference)
    if row is None:
        return "unknown_reference"
    before = await tx.fetchrow(
        "SELECT outcome, code FROM livelihood.handover_answer"
        " WHERE handover_id = $1 AND row_id = $2",
        handover_id,
        row.id,
    )
    if before is not None:
        return "repeated" if tuple(before) == (one.outcome, one.code) else "answered_otherwise"
    await tx.write(
        "INSERT INTO livelihood.handover_answer"
        " (handover_id, row_id, outcome, code, answered_by, answered_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(handover_id, row.id, one.outcome, one.code, actor.sub, tx.now),
    )
    if row.status in WAITING:  # their answer came before we knew that it had arrived
        await advance(tx, row, "send", SYSTEM, facts={"batch": str(number)})
    row.code = one.code
    facts = {"batch": str(number)} | ({"code": one.code} if one.code else {})
    await advance(tx, row, STEP[Status(one.outcome)], actor, facts=facts)
    if one.outcome == "rejected":
        await follow(tx, row.award_id)  # it may have been stopped meanwhile
    return ""


async def correct(tx: Transaction, handover_id: UUID, actor: Actor, body: CorrectIn) -> HandoverRow:
    """What was rejected goes again, with the award as it stands then. Raises NotFound."""
    await tx.begin()
    row = await queries.row(tx, handover_id, body.reference)
    if row is None or row.province is None or row.province != actor.province:
        raise NotFound
    check(tx, row, "correct", actor)
    row.handover_id = None
    await advance(tx, row, "correct", actor, reason=body.reason)
    return row
