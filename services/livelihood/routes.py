"""HTTP of livelihood: cases from the Step table, and the waiting list."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.livelihood import queries
from services.livelihood.actions import activation, admission
from services.livelihood.errors import (
    AccountNotVerified,
    AdmissionRulesNotMet,
    CoverageNotStarted,
    DocumentsMissing,
    HouseholdHasAward,
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
    NoShowIn,
    ObjectIn,
    PlanVisitIn,
    RecordVisitIn,
    RefuseIn,
    WaitingRow,
)
from shared.cases import Nothing, case_router, shown
from shared.service import Tx
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text
from shared.web.auth import STAFF, Actor, Role, allow
from shared.web.page import KnownQuery, Limit, Page

NOT_YET = (CoverageNotStarted, HouseholdHasAward, AccountNotVerified, QuotaFull)
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
        visit_on_jalali=jalali_text(row.visit_on) if row.visit_on else None,
        visit_tries=row.visit_tries or 0,
        reasons=row.reasons or [],
        rule_version=row.rule_version,
        rule_on=row.rule_on,
        decided_on=row.decided_on,
        decided_on_jalali=jalali_text(row.decided_on) if row.decided_on else None,
        decision_id=f"livelihood-{row.decision_id}" if row.decision_id else None,
        waiting_since=row.waiting_since,
        award_id=row.award_id,
    )


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
        "declare_conflict": (ConflictIn, admission.declare_conflict),
    },
)
router = APIRouter(prefix="/livelihood", tags=["livelihood"], dependencies=[KnownQuery])

Decides = Annotated[Actor, Depends(allow(Role.APPROVER, Role.SOCIAL_WORKER))]
Sees = Annotated[Actor, Depends(allow(*(set(Role) - {Role.SYSTEM})))]


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
