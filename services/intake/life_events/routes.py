"""Life events over HTTP, reported by the office that hears of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.intake.errors import DeathNotProven, DeathStands, RegistryAway
from services.intake.life_events import actions
from services.intake.life_events.schemas import LifeEventIn, LifeEventOut
from shared.service import Tx, answer
from shared.storage import audit
from shared.values.calendar import jalali_text
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound

router = APIRouter(tags=["life events"])
WORKERS = (Role.INTAKE_OFFICER, Role.SOCIAL_WORKER, Role.APPROVER)


@router.post(
    "/life-events",
    status_code=201,
    response_model=LifeEventOut,
    responses={200: {"model": LifeEventOut, "description": "Known already; nobody is told again"}},
    summary="ثبت رویداد زندگی",
    openapi_extra=refuses(NotFound, DeathNotProven, DeathStands, RegistryAway),
)
async def report_life_event(
    body: LifeEventIn, tx: Tx, actor: Annotated[Actor, Depends(allow(*WORKERS))]
) -> Response:
    reported = await actions.report(tx, body, actor=actor)
    event = reported.event
    await audit.record(
        tx,
        actor=actor.sub,
        action=f"life_event.{event.kind}",
        subject=tx.runtime.crypto.pseudonym(event.person_id),
        reference=str(event.id),
        request_id=tx.trace,
        role=min(actor.roles),
    )
    out = LifeEventOut(
        life_event_id=event.id,
        person_id=event.person_id,
        kind=event.kind,
        occurred_on=event.occurred_on,
        occurred_on_jalali=jalali_text(event.occurred_on),
        reported_at=event.reported_at,
        repeated=reported.repeated,
    )
    return await answer(tx, 200 if reported.repeated else 201, out)
