"""HTTP of emergencies: declared and changed by the operator; who is helped is seen by casework."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.livelihood.emergencies import actions, queries
from services.livelihood.emergencies.schemas import (
    ChangeIn,
    DeclareIn,
    EmergencyAwardOut,
    EmergencyOut,
)
from shared.service import KeyedTx, Tx, answer
from shared.web.auth import Actor, Role, allow
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/livelihood/emergencies", tags=["livelihood"], dependencies=[KnownQuery])

Declares = Annotated[Actor, Depends(allow(Role.OPERATOR))]
Reads = Annotated[Actor, Depends(allow(*(set(Role) - {Role.SYSTEM})))]
Visits = Annotated[
    Actor, Depends(allow(Role.APPROVER, Role.SOCIAL_WORKER, Role.AUDITOR, Role.INSPECTOR))
]


@router.get("", summary="وضعیت‌های اضطراری اعلام‌شده", operation_id="livelihood_emergencies")
async def emergencies(
    tx: Tx, _: Reads, *, limit: Limit = 50, cursor: str | None = None
) -> Page[EmergencyOut]:
    """Every declared emergency with its versions, the newest first."""
    return await queries.page(tx, limit=limit, cursor=cursor)


@router.post(
    "",
    summary="اعلام وضعیت اضطراری",
    operation_id="livelihood_declare_emergency",
    status_code=201,
    response_model=EmergencyOut,
)
async def declare(body: DeclareIn, tx: KeyedTx, actor: Declares) -> Response:
    """An emergency by decree: kind, area, first and last day."""
    emergency_id = await actions.declare(tx, body, actor)
    return await answer(tx, 201, await queries.emergency(tx, emergency_id))


@router.get("/{emergency_id}", summary="یک وضعیت اضطراری", operation_id="livelihood_emergency")
async def emergency(emergency_id: UUID, tx: Tx, _: Reads) -> EmergencyOut:
    """One emergency with its versions."""
    return await queries.emergency(tx, emergency_id)


@router.post(
    "/{emergency_id}/versions",
    summary="تغییر محدوده یا پایان وضعیت اضطراری از ماه آینده",
    operation_id="livelihood_change_emergency",
    status_code=201,
    response_model=EmergencyOut,
)
async def change(emergency_id: UUID, body: ChangeIn, tx: KeyedTx, actor: Declares) -> Response:
    """Another area or end: future months are counted anew, what was paid stays."""
    await actions.change(tx, emergency_id, body, actor)
    return await answer(tx, 201, await queries.emergency(tx, emergency_id))


@router.get(
    "/{emergency_id}/awards",
    summary="حمایت‌های یک وضعیت اضطراری",
    operation_id="livelihood_emergency_awards",
)
async def awards(
    emergency_id: UUID,
    tx: Tx,
    actor: Visits,
    *,
    visit: Literal["waiting", "overdue", "done"] | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[EmergencyAwardOut]:
    """Who is supported under it, as far as the caller may see; also whose visit is due."""
    return await queries.awards(tx, actor, emergency_id, visit=visit, page=(limit, cursor))
