"""People over HTTP: looked up by POST, named by id, every look of the staff written down."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.intake.people import queries
from services.intake.people.actions import persons
from services.intake.people.schemas import LookupIn, LookupOut, PersonView
from shared.service import JSON, Tx, answer
from shared.storage import audit
from shared.storage.db import Transaction
from shared.web.auth import STAFF, Actor, Role, allow
from shared.web.document import REPEATABLE, refuses
from shared.web.errors import NotFound, StaleVersion
from shared.web.page import etag

router = APIRouter(tags=["people"])
internal = APIRouter()
Staff = Annotated[Actor, Depends(allow(*sorted(STAFF)))]
Reader = Annotated[Actor, Depends(allow(*sorted(STAFF), Role.AUDITOR, Role.INSPECTOR))]
Officer = Annotated[Actor, Depends(allow(Role.INTAKE_OFFICER))]
OurService = Annotated[Actor, Depends(allow(Role.SYSTEM))]


@router.post(
    "/people/lookup",
    summary="یافتن شناسهٔ شخص با کد ملی",
    openapi_extra=REPEATABLE | refuses(NotFound),
)
async def look_up(body: LookupIn, tx: Tx, actor: Staff) -> LookupOut:
    found = await queries.person(tx, national_code=body.national_code)
    await _looked(tx, "person.looked_up", actor, found)
    if found is None:
        raise NotFound
    return queries.glimpse(tx, found)


@router.get("/people/{person_id}", response_model=PersonView, summary="شخص، خانوار و پوشش او")
async def read_person(person_id: UUID, tx: Tx, actor: Reader) -> Response:
    found = await _within_reach(tx, person_id, actor)
    await _looked(tx, "person.read", actor, found)
    headers = {"ETag": etag(found["version"])}
    return Response(queries.view(tx, found).model_dump_json(), headers=headers, media_type=JSON)


@router.post(
    "/people/{person_id}/contradictions/{contradiction_id}/settle",
    response_model=PersonView,
    summary="تعیین تکلیف مغایرت",
)
async def settle_contradiction(
    person_id: UUID, contradiction_id: UUID, tx: Tx, actor: Officer
) -> Response:
    found = await _within_reach(tx, person_id, actor)
    if tx.if_match not in {None, found["version"]}:
        raise StaleVersion
    await persons.settle(tx, person_id, contradiction_id, by=actor.sub)
    await _looked(tx, "contradiction.settled", actor, found)
    found = await _within_reach(tx, person_id, actor)
    return await answer(tx, 200, queries.view(tx, found), ETag=etag(found["version"]))


async def _within_reach(tx: Transaction, person_id: UUID, actor: Actor) -> dict[str, Any]:
    found = await queries.person(tx, person_id=person_id)
    if found is None or not queries.in_reach(found, actor):
        raise NotFound
    return found


async def _looked(tx: Transaction, action: str, actor: Actor, found: dict[str, Any] | None) -> None:
    subject = tx.runtime.crypto.pseudonym(found["id"]) if found else None
    await audit.record(
        tx,
        actor=actor.sub,
        action=action,
        subject=subject,
        request_id=tx.trace,
        purpose=actor.purpose,
        role=min(actor.roles),
    )


@internal.get("/people/{person_id}")
async def person_for_service(person_id: UUID, tx: Tx, actor: OurService) -> dict[str, Any]:
    """A person in clear; which service read it, and what for, is written down."""
    found = await queries.person(tx, person_id=person_id)
    if found is None:
        raise NotFound
    await _looked(tx, "person.read", actor, found)
    return queries.for_service(tx, found)
