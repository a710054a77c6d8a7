"""HTTP of the hand-over: the operator sends a batch, the body answers, an officer corrects."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.livelihood.handovers import queries
from services.livelihood.handovers.actions import answering, sending
from services.livelihood.handovers.errors import NothingToHandOver
from services.livelihood.handovers.schemas import (
    AcknowledgeIn,
    Answered,
    CorrectIn,
    HandoverOut,
    HandoverView,
)
from services.livelihood.handovers.workflow import HANDOVER
from shared.cases import taking
from shared.service import KeyedTx, Tx, answer
from shared.storage import audit
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound, RoleNotAllowed
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/livelihood/handovers", tags=["livelihood"], dependencies=[KnownQuery])

OFFICERS = (Role.INTAKE_OFFICER, Role.SOCIAL_WORKER)
Sends = Annotated[Actor, Depends(allow(Role.OPERATOR))]
Corrects = Annotated[Actor, Depends(allow(*OFFICERS))]
Body = Annotated[Actor, Depends(allow(Role.MINISTRY))]
Reads = Annotated[
    Actor,
    Depends(allow(Role.OPERATOR, *OFFICERS, Role.AUDITOR, Role.INSPECTOR, Role.MINISTRY)),
]
After = Annotated[str | None, Query(max_length=1024)]


def _may_know(actor: Actor) -> None:
    """Of all ministries and organisations this is for one."""
    if actor.has(Role.MINISTRY) and actor.organisation != sending.BODY:
        raise RoleNotAllowed


@router.get("", operation_id="livelihood_handovers", summary="بسته‌های معرفی به سازمان هدفمندی")
async def handovers(
    tx: Tx, actor: Reads, *, limit: Limit = 50, cursor: After = None
) -> Page[HandoverOut]:
    """Every batch with its count, its hash and how many of its rows were answered."""
    _may_know(actor)
    return await queries.batches(tx, limit=limit, cursor=cursor)


@router.post(
    "",
    status_code=202,
    response_model=HandoverOut,
    operation_id="livelihood_hand_over",
    summary="ساختن و فرستادن بستهٔ بعدی",
    openapi_extra=refuses(NothingToHandOver),
)
async def hand_over(tx: KeyedTx, actor: Sends) -> Response:
    """What waits is frozen with a number, a count and a hash, and sent meanwhile."""
    handover_id = await sending.build(tx, actor)
    out = queries.shown(await queries.batch(tx, handover_id))
    return await answer(tx, 202, out, Location=f"/v1/livelihood/handovers/{handover_id}")


@router.get(
    "/{handover_id}", operation_id="livelihood_handover", summary="یک بسته با ردیف‌ها و پاسخ‌ها"
)
async def handover(
    handover_id: UUID, tx: Tx, actor: Reads, *, limit: Limit = 50, cursor: After = None
) -> HandoverView:
    """A batch and a page of its rows; that another body looked is written down for each person."""
    _may_know(actor)
    out, people = await queries.view(tx, handover_id, limit=limit, cursor=cursor)
    if actor.has(Role.MINISTRY):
        await _looked(tx, actor, people, handover_id)
    return out


@router.post(
    "/{handover_id}/acknowledge",
    response_model=Answered,
    operation_id="livelihood_acknowledge_handover",
    summary="پاسخ سازمان هدفمندی به ردیف‌های یک بسته",
    openapi_extra=taking(HANDOVER, "acknowledge", NotFound),
)
async def acknowledge(handover_id: UUID, body: AcknowledgeIn, tx: KeyedTx, actor: Body) -> Response:
    """Each row is acknowledged or rejected with a code; said again, it changes nothing."""
    _may_know(actor)
    return await answer(tx, 200, await answering.acknowledge(tx, handover_id, actor, body))


@router.post(
    "/{handover_id}/correct",
    response_model=HandoverOut,
    operation_id="livelihood_correct_handover",
    summary="اصلاح یک ردیف ردشده برای بستهٔ بعدی",
    openapi_extra=taking(HANDOVER, "correct"),
)
async def correct(handover_id: UUID, body: CorrectIn, tx: KeyedTx, actor: Corrects) -> Response:
    """A rejected row goes into the next batch."""
    await answering.correct(tx, handover_id, actor, body)
    return await answer(tx, 200, queries.shown(await queries.batch(tx, handover_id)))


async def _looked(tx: Transaction, actor: Actor, people: list[UUID], handover_id: UUID) -> None:
    await tx.begin()
    for person_id in people:
        await audit.record(
            tx, actor=actor.sub, action="livelihood.handover.read",
            subject=tx.runtime.crypto.pseudonym(person_id), reference=str(handover_id),
            request_id=tx.trace, purpose=sending.PURPOSE, role=Role.MINISTRY,
            organisation=actor.organisation,
        )  # fmt: skip
    if people:
        await sending.disclosed(tx, uuid7(), people, what="livelihood.handover.read")
