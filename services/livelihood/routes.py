"""HTTP of livelihood: cases from the Step table, and the waiting list."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.livelihood import queries
from services.livelihood.actions import activation, admission, emergency, identification
from services.livelihood.emergencies.errors import (
    EmergencyVisitMissing,
    HouseholdHasEmergency,
    HouseholdNotKnown,
    OutsideEmergency,
)
from services.livelihood.errors import (
    AccountNotVerified,
    AdmissionRulesNotMet,
    CoverageNotStarted,
    DocumentsMissing,
    HouseholdHasAward,
    IdentificationNotPossible,
    ObjectionTooLate,
    QuotaFull,
    VisitTriesUsed,
)
from services.livelihood.models import AdmissionCase
from services.livelihood.schemas import (
    AddressOut,
    AdmissionOut,
    ConfirmIn,
    ConflictIn,
    CorrectAccountIn,
    DecideObjectionIn,
    GrantEmergencyIn,
    IdentifyIn,
    NoShowIn,
    ObjectIn,
    OpenEmergencyIn,
    PlanVisitIn,
    RecordVisitIn,
    RefuseIn,
    ReviewEmergencyIn,
    WaitingRow,
)
from services.livelihood.workflow import ADMISSION
from shared.cases import Nothing, case_router, made, shown, taking
from shared.service import KeyedTx, Tx, respond
from shared.storage import idempotency
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text
from shared.values.identifiers import TrackingCode
from shared.web.auth import STAFF, Actor, Role, allow
from shared.web.errors import RoleNotAllowed
from shared.web.page import KnownQuery, Limit, Page

NOT_YET = (CoverageNotStarted, HouseholdHasAward, AccountNotVerified, QuotaFull)
NO_GRANT = (OutsideEmergency, HouseholdHasEmergency, HouseholdNotKnown)
WORKS_ON_IT = frozenset({Role.SOCIAL_WORKER, Role.APPROVER, Role.CITIZEN})
AMONG_COLLEAGUES = "declare_conflict"


def show(tx: Transaction, row: AdmissionCase, actor: Actor) -> AdmissionOut:
    """An admission for this caller; what colleagues say among themselves stays there."""
    fields: dict[str, Any] = shown(tx, row, actor)
    if not actor.roles & STAFF:
        fields["history"] = [h for h in fields["history"] if h.step != AMONG_COLLEAGUES]
    address = queries.opened(tx, row, "address") if actor.roles & WORKS_ON_IT else None
    return AdmissionOut.model_construct(
        **fields,
        reason=row.reason,
        origin=row.origin,
        priority=row.priority,
        province=row.province,
        county=row.county,
        household_id=row.household_id,
        members=row.members,
        address=AddressOut(**address) if address else None,
        submitted_on=row.submitted_on,
        submitted_on_jalali=jalali_text(row.submitted_on),
        account_state=row.account_state,
        account_checked_at=row.account_checked_at,
        visit_on=row.visit_on,
        visit_on_jalali=_jalali(row.visit_on),
        visit_tries=row.visit_tries or 0,
        reasons=row.reasons or [],
        rule_version=row.rule_version,
        rule_on=row.rule_on,
        decided_on=row.decided_on,
        decided_on_jalali=_jalali(row.decided_on),
        decision_id=f"livelihood-{row.decision_id}" if row.decision_id else None,
        waiting_since=row.waiting_since,
        award_id=row.award_id,
        emergency_id=row.emergency_id,
        emergency_ends_on=row.emergency_ends_on,
        emergency_ends_on_jalali=_jalali(row.emergency_ends_on),
    )


def _jalali(day: date | None) -> str | None:
    return jalali_text(day) if day else None


cases = case_router(
    "livelihood",
    AdmissionCase,
    show,
    out=AdmissionOut,
    actions={
        "review": (Nothing, admission.review, DocumentsMissing),
        "plan_visit": (PlanVisitIn, admission.plan_visit, VisitTriesUsed),
        "record_visit": (RecordVisitIn, admission.record_visit),
        "record_no_show": (NoShowIn, admission.record_no_show),
        "confirm": (ConfirmIn, admission.confirm, AdmissionRulesNotMet, HouseholdHasAward),
        "refuse": (RefuseIn, admission.refuse),
        "object": (ObjectIn, admission.object_to, ObjectionTooLate),
        "decide_objection": (DecideObjectionIn, admission.decide_objection, HouseholdHasAward),
        "correct_account": (CorrectAccountIn, admission.correct_account),
        "activate": (Nothing, activation.activate, *NOT_YET),
        "grant_emergency": (GrantEmergencyIn, emergency.grant, *NO_GRANT),
        "record_emergency_visit": (RecordVisitIn, emergency.record_visit),
        "review_emergency": (
            ReviewEmergencyIn,
            emergency.review,
            EmergencyVisitMissing,
            OutsideEmergency,
        ),
        "declare_conflict": (ConflictIn, admission.declare_conflict),
    },
)
router = APIRouter(prefix="/livelihood", tags=["livelihood"], dependencies=[KnownQuery])

Worker = Annotated[Actor, Depends(allow(Role.SOCIAL_WORKER))]
Decides = Annotated[Actor, Depends(allow(Role.APPROVER, Role.SOCIAL_WORKER))]
Grants = Annotated[Actor, Depends(allow(Role.APPROVER))]


@router.post(
    "/identifications",
    status_code=201,
    response_model=AdmissionOut,
    operation_id="livelihood_identify",
    summary="شناسایی خانوار نیازمند بی آنکه درخواستی داده باشد",
    openapi_extra=taking(ADMISSION, "identify", IdentificationNotPossible),
)
async def identify(body: IdentifyIn, tx: KeyedTx, actor: Worker) -> Response:
    """A case that the agency itself begins; the household is invited to file its papers."""
    await idempotency.replay_if_known(tx)
    row = await identification.prepare(tx, body, actor)
    tx.reply = lambda: made(
        201,
        show(tx, row, actor),
        version=row.version,
        Location=f"/v1/livelihood/cases/{row.tracking_code}",
    )
    await identification.identify(tx, row, actor)
    return respond(tx)


internal = APIRouter()
Adopter = Annotated[Actor, Depends(allow(Role.SYSTEM))]


@internal.get("/identifications/{tracking_code}")
async def identification_for_intake(
    tracking_code: TrackingCode, tx: Tx, actor: Adopter
) -> dict[str, Any]:
    """What intake needs to give the case its application."""
    if actor.purpose != "adopt":
        raise RoleNotAllowed
    return await queries.begun_by_us(tx, tracking_code)


@router.get(
    "/waiting-list",
    summary="پشت نوبت‌ها به ترتیب اولویت و تاریخ",
    operation_id="livelihood_waiting_list",
)
async def waiting_list(
    tx: Tx, actor: Decides, limit: Limit = 50, cursor: str | None = None
) -> Page[WaitingRow]:
    """Who waits in the caller's province: the elderly and disabled first, then by date."""
    return await queries.waiting_list(tx, actor.province, limit=limit, cursor=cursor)


@router.post(
    "/emergencies/{emergency_id}/awards",
    summary="حمایت اضطراری در کنار مستمری یا درخواست خانوار",
    operation_id="livelihood_open_emergency",
    status_code=201,
    response_model=AdmissionOut,
    openapi_extra=taking(ADMISSION, "open_emergency", *NO_GRANT),
)
async def open_emergency(
    emergency_id: UUID, body: OpenEmergencyIn, tx: KeyedTx, actor: Grants
) -> Response:
    """A case of its own: what the household has goes on beside it, and no month is paid twice."""
    row, rows = await emergency.beside(tx, emergency_id, actor, body)
    path = f"/v1/livelihood/cases/{row.tracking_code}"
    tx.reply = lambda: made(201, show(tx, row, actor), version=row.version, Location=path)
    await emergency.take(tx, row, "open_emergency", actor, rows, reason=body.reason)
    return respond(tx)
