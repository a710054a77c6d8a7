"""The worklist over HTTP, for the staff of a province."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.intake.applications.models import Application
from services.intake.catalogue.card import ServiceName
from services.intake.worklist import actions, queries
from services.intake.worklist.schemas import ReassignIn, WorklistRow
from shared.cases import get_or_refuse
from shared.service import Tx, answer
from shared.storage.db import Transaction
from shared.values.identifiers import OfficeCode, TrackingCode
from shared.web.auth import STAFF, Actor, allow
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/worklist", tags=["worklist"])
Staff = Annotated[Actor, Depends(allow(*sorted(STAFF)))]


@router.get("", dependencies=[KnownQuery], summary="پرونده‌هایی که در انتظار من است")
async def read_worklist(
    tx: Tx,
    actor: Staff,
    *,
    service: ServiceName | None = None,
    office_code: OfficeCode | None = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Page[WorklistRow]:
    return await queries.waiting(
        tx, actor, service=service, office_code=office_code, limit=limit, cursor=cursor
    )


@router.post("/{tracking_code}/claim", response_model=WorklistRow, summary="در دست گرفتن پرونده")
async def claim(tracking_code: TrackingCode, tx: Tx, actor: Staff) -> Response:
    case = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    await actions.claim(tx, case, actor)
    return await _answer(tx, case, actor)


@router.post("/{tracking_code}/release", response_model=WorklistRow, summary="واگذاشتن پرونده")
async def release(tracking_code: TrackingCode, tx: Tx, actor: Staff) -> Response:
    case = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    await actions.release(tx, case, actor)
    return await _answer(tx, case, actor)


@router.post("/{tracking_code}/reassign", response_model=WorklistRow, summary="سپردن به همکار")
async def reassign(tracking_code: TrackingCode, body: ReassignIn, tx: Tx, actor: Staff) -> Response:
    case = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    await actions.reassign(tx, case, body, actor)
    return await _answer(tx, case, actor)


async def _answer(tx: Transaction, case: Application, actor: Actor) -> Response:
    row = await queries.one(tx, case.tracking_code)
    return await answer(tx, 200, queries.line(tx, row, actor))
