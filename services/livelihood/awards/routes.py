"""HTTP of awards: who is supported since when, and what is done with it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.livelihood.awards import queries
from services.livelihood.awards.actions import recovery, steps
from services.livelihood.awards.schemas import (
    AccountIn,
    AwardOut,
    AwardView,
    ChangeSizeIn,
    DecideExitReviewIn,
    DecideStopObjectionIn,
    ObjectToStopIn,
    OpenExitReviewIn,
    RecoveryPlanIn,
    RenewIn,
    ResumeIn,
    StopIn,
    SuspendIn,
)
from services.livelihood.awards.workflow import AWARD
from services.livelihood.schemas import ConflictIn
from shared.cases import Action, made, taking
from shared.service import Tx, respond, transaction
from shared.values.identifiers import TrackingCode
from shared.web.auth import Actor, Caller, Role, allow
from shared.web.errors import RoleNotAllowed
from shared.web.page import KnownQuery, Limit, Page, version_from_if_match
from shared.workflow import check

router = APIRouter(prefix="/livelihood/awards", tags=["livelihood"], dependencies=[KnownQuery])
Sees = Annotated[Actor, Depends(allow(*(set(Role) - {Role.SYSTEM})))]
ACTIONS: dict[str, tuple[type[BaseModel], Action]] = {
    "suspend": (SuspendIn, steps.suspend),
    "resume": (ResumeIn, steps.resume),
    "stop": (StopIn, steps.stop),
    "open_exit_review": (OpenExitReviewIn, steps.open_exit_review),
    "decide_exit_review": (DecideExitReviewIn, steps.decide_exit_review),
    "renew": (RenewIn, steps.renew),
    "set_recovery_plan": (RecoveryPlanIn, recovery.set_recovery_plan),
    "change_size": (ChangeSizeIn, steps.change_size),
    "object": (ObjectToStopIn, steps.object_to_stop),
    "decide_objection": (DecideStopObjectionIn, steps.decide_objection),
    "declare_conflict": (ConflictIn, steps.declare_conflict),
}


@router.get("", summary="مستمری‌های برقرارشده", operation_id="livelihood_awards")
async def awards(
    tx: Tx,
    actor: Sees,
    *,
    tracking_code: TrackingCode | None = None,
    person_id: UUID | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[AwardOut]:
    """Awards of a case or a person, as far as this caller may see them."""
    return await queries.page(
        tx, actor, tracking_code=tracking_code, person_id=person_id, limit=limit, cursor=cursor
    )


@router.get(
    "/{award_id}",
    summary="یک مستمری با نسخه‌ها و تاریخچه",
    response_model=AwardView,
    operation_id="livelihood_award",
)
async def award(award_id: UUID, tx: Tx, actor: Sees) -> Response:
    """One award, with the ETag of its version."""
    row = await queries.get_or_refuse(tx, award_id, actor=actor)
    found = queries.show(
        row, await queries.versions(tx, award_id), actor,
        adjustments=await queries.adjustments(tx, award_id),
    )  # fmt: skip
    answer = made(200, found, version=found.version)
    return Response(answer.body, answer.status, answer.headers, media_type="application/json")


@router.put(
    "/{award_id}/account",
    summary="تغییر حساب دریافت‌کننده پس از استعلام مالکیت",
    response_model=AwardView,
    operation_id="livelihood_award_account",
    openapi_extra={"x-roles": sorted(AWARD.steps["change_account"].by),
                   "security": [{"oidc": []}]},
)  # fmt: skip
async def put_account(award_id: UUID, body: AccountIn, request: Request, actor: Caller) -> Response:
    """The payee's own account, verified at the central bank; needs If-Match."""
    version_from_if_match(request.headers, required=True)
    return await _take(request, award_id, actor, "change_account", body, keyed=False)


def _action(name: str, body_type: type[BaseModel]) -> Callable[..., Awaitable[Response]]:
    async def take(
        award_id: UUID,
        body: body_type,  # type: ignore[valid-type]
        request: Request,
        actor: Caller,
    ) -> Response:
        return await _take(request, award_id, actor, name, body, keyed=True)

    take.__name__ = name
    return take


for _name, (_body, _) in ACTIONS.items():
    router.add_api_route(
        f"/{{award_id}}/{AWARD.steps[_name].path}",
        _action(_name, _body),
        methods=["POST"],
        response_model=AwardView,
        operation_id=f"livelihood_award_{_name}",
        summary=AWARD.steps[_name].fa,
        openapi_extra={
            "x-roles": sorted(AWARD.steps[_name].by),
            "security": [{"oidc": []}],
            **taking(AWARD, _name),
        },
    )


async def _take(
    request: Request, award_id: UUID, actor: Actor, name: str, body: Any, *, keyed: bool
) -> Response:
    """Take one step of an award: role, then sight, then state and duties, then the action."""
    if not AWARD.steps[name].by & actor.roles:
        raise RoleNotAllowed
    action = steps.change_account if name == "change_account" else ACTIONS[name][1]
    async with transaction(request, keyed=keyed) as tx:
        row = await queries.get_or_refuse(tx, award_id, actor=actor)
        check(tx, row, name, actor)
        versions = await queries.versions(tx, award_id)
        adjusted = await queries.adjustments(tx, award_id)
        tx.reply = lambda: made(
            200,
            queries.show(row, [*versions, *row.added], actor, adjustments=adjusted),
            version=row.version,
        )
        await action(tx, row, actor, body)
        return respond(tx)
