"""Households over HTTP, for the offices of their province."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.intake.errors import HeadNeedsSuccessor, PersonInOtherHousehold, RegistryAway
from services.intake.households import actions, queries
from services.intake.households.schemas import (
    HeadIn,
    HouseholdChangeIn,
    HouseholdIn,
    HouseholdOut,
    MemberEndIn,
    MemberIn,
    TransferIn,
)
from services.intake.people.actions.persons import note_conflict
from shared.service import JSON, Tx, answer, transaction
from shared.storage import audit
from shared.storage.db import Transaction
from shared.values.calendar import tehran_date
from shared.web.auth import STAFF, SYSTEM, Actor, Role, allow
from shared.web.document import refuses
from shared.web.page import etag, version_from_if_match

router = APIRouter(tags=["households and coverage"])
internal = APIRouter()
OurService = Annotated[Actor, Depends(allow(Role.SYSTEM))]
Worker = Annotated[Actor, Depends(allow(Role.INTAKE_OFFICER, Role.SOCIAL_WORKER))]
Officer = Annotated[Actor, Depends(allow(Role.INTAKE_OFFICER))]
Reader = Annotated[Actor, Depends(allow(*sorted(STAFF), Role.AUDITOR, Role.INSPECTOR))]


@asynccontextmanager
async def _noting_conflicts(request: Request) -> AsyncIterator[Transaction]:
    """The transaction of a request; a person whom two households claim becomes a task (H09)."""
    try:
        async with transaction(request) as tx:
            yield tx
    except PersonInOtherHousehold as clash:
        async with request.app.state.runtime.transaction() as fresh:
            await note_conflict(fresh, UUID(str(clash.extensions["person_id"])))
        raise


@router.post(
    "/households",
    status_code=201,
    response_model=HouseholdOut,
    summary="تشکیل پروندهٔ خانوار",
    openapi_extra=refuses(PersonInOtherHousehold, RegistryAway),
)
async def form_household(body: HouseholdIn, request: Request, actor: Worker) -> Response:
    async with _noting_conflicts(request) as tx:
        household_id = await actions.form(tx, body, actor=actor)
        return await _answer(tx, 201, household_id, actor, action="household.formed")


@router.get("/households/{household_id}", response_model=HouseholdOut, summary="خانوار و اعضای آن")
async def read_household(household_id: UUID, tx: Tx, actor: Reader) -> Response:
    found = await queries.household(tx, household_id, actor)
    await _record(tx, "household.read", actor, found)
    headers = {"ETag": etag(found["version"])}
    return Response(queries.view(tx, found).model_dump_json(), headers=headers, media_type=JSON)


@router.put(
    "/households/{household_id}", response_model=HouseholdOut, summary="سرپرست و نشانی خانوار"
)
async def change_household(
    household_id: UUID, body: HouseholdChangeIn, tx: Tx, actor: Worker, request: Request
) -> Response:
    version_from_if_match(request.headers, required=True)
    await queries.household(tx, household_id, actor)
    await actions.change(tx, household_id, body, actor=actor)
    return await _answer(tx, 200, household_id, actor, action="household.changed")


@router.post(
    "/households/{household_id}/members",
    response_model=HouseholdOut,
    summary="پیوستن عضو",
    openapi_extra=refuses(PersonInOtherHousehold, RegistryAway),
)
async def add_member(
    household_id: UUID, body: MemberIn, request: Request, actor: Worker
) -> Response:
    async with _noting_conflicts(request) as tx:
        await queries.household(tx, household_id, actor)
        on = body.joined_on or tehran_date(tx.now)
        await actions.join(tx, household_id, body, on=on)
        return await _answer(tx, 200, household_id, actor, action="household.member_joined")


@router.post(
    "/households/{household_id}/members/{person_id}/end",
    response_model=HouseholdOut,
    summary="جدا شدن عضو",
    openapi_extra=refuses(HeadNeedsSuccessor),
)
async def end_member(
    household_id: UUID, person_id: UUID, body: MemberEndIn, tx: Tx, actor: Worker
) -> Response:
    await queries.household(tx, household_id, actor)
    await actions.leave(tx, household_id, person_id, body, actor=actor)
    return await _answer(tx, 200, household_id, actor, action="household.member_left")


@router.post(
    "/households/{household_id}/transfer",
    response_model=HouseholdOut,
    summary="انتقال خانوار به ادارهٔ دیگر با پرونده‌های باز",
)
async def transfer_household(
    household_id: UUID, body: TransferIn, tx: Tx, actor: Officer
) -> Response:
    await queries.household(tx, household_id, actor)
    await actions.transfer(tx, household_id, body, actor=actor)
    return await _answer(tx, 200, household_id, actor, action="household.transferred")


@internal.post("/households/lookup")
async def household_of_head(body: HeadIn, tx: Tx, actor: OurService) -> dict[str, Any]:
    """A head's household with births and address; which service read it is written down."""
    found = await queries.of_head(tx, body.head)
    await _record(tx, "household.read", actor, found | {"id": found["household_id"]})
    return found


async def _answer(
    tx: Transaction, status: int, household_id: UUID, actor: Actor, *, action: str
) -> Response:
    """The household as it is now; whoever sent it to another province still sees where it went."""
    found = await queries.household(tx, household_id, SYSTEM)
    await _record(tx, action, actor, found)
    more = {"Location": f"/v1/households/{household_id}"} if status == 201 else {}
    return await answer(tx, status, queries.view(tx, found), ETag=etag(found["version"]), **more)


async def _record(tx: Transaction, action: str, actor: Actor, found: dict[str, Any]) -> None:
    await audit.record(
        tx,
        actor=actor.sub,
        action=action,
        subject=tx.runtime.crypto.pseudonym(found["head_id"]),
        reference=str(found["id"]),
        request_id=tx.trace,
        purpose=actor.purpose,
        role=min(actor.roles),
    )
