"""Coverage over HTTP, for the offices of the household's province; and for our services."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.intake.coverage import actions, queries
from services.intake.coverage.schemas import CoverageIn, CoverageOut
from services.intake.errors import AlreadyCovered
from services.intake.schemas import DatedReasonIn
from shared.service import JSON, Tx, answer
from shared.storage import audit
from shared.storage.db import Transaction
from shared.web.auth import STAFF, Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound, StepNotAllowed
from shared.web.page import KnownQuery, etag

router = APIRouter(tags=["households and coverage"])
internal = APIRouter()
ENDED = refuses(StepNotAllowed)
Worker = Annotated[Actor, Depends(allow(Role.INTAKE_OFFICER, Role.SOCIAL_WORKER))]
Reader = Annotated[Actor, Depends(allow(*sorted(STAFF), Role.AUDITOR, Role.INSPECTOR))]


@router.post(
    "/coverage",
    status_code=201,
    response_model=CoverageOut,
    summary="آغاز پوشش اعضای خانوار",
    openapi_extra=refuses(NotFound, AlreadyCovered),
)
async def start_coverage(body: CoverageIn, tx: Tx, actor: Worker) -> Response:
    await queries.household_in_reach(tx, body.household_id, actor)
    coverage_id = await actions.start(tx, body, actor=actor)
    location = f"/v1/coverage/{coverage_id}"
    return await _answer(tx, coverage_id, actor, "started", status=201, Location=location)


@router.get("/coverage/{coverage_id}", response_model=CoverageOut, summary="پوشش و افراد آن")
async def read_coverage(coverage_id: UUID, tx: Tx, actor: Reader) -> Response:
    found = await queries.coverage(tx, coverage_id, actor)
    await _record(tx, "coverage.read", actor, found)
    headers = {"ETag": etag(found["version"])}
    return Response(queries.view(found).model_dump_json(), headers=headers, media_type=JSON)


@router.post(
    "/coverage/{coverage_id}/end",
    response_model=CoverageOut,
    summary="پایان پوشش",
    openapi_extra=ENDED,
)
async def end_coverage(coverage_id: UUID, body: DatedReasonIn, tx: Tx, actor: Worker) -> Response:
    await queries.coverage(tx, coverage_id, actor)
    await actions.end(tx, coverage_id, body, actor=actor)
    return await _answer(tx, coverage_id, actor, "ended")


@router.post(
    "/coverage/{coverage_id}/suspend-file",
    response_model=CoverageOut,
    summary="راکد شدن پرونده",
    openapi_extra=ENDED,
)
async def suspend_file(coverage_id: UUID, body: DatedReasonIn, tx: Tx, actor: Worker) -> Response:
    await queries.coverage(tx, coverage_id, actor)
    await actions.set_file(tx, coverage_id, body, to="suspended", actor=actor)
    return await _answer(tx, coverage_id, actor, "file_suspended")


@router.post(
    "/coverage/{coverage_id}/resume-file",
    response_model=CoverageOut,
    summary="جاری شدن پرونده",
    openapi_extra=ENDED,
)
async def resume_file(coverage_id: UUID, body: DatedReasonIn, tx: Tx, actor: Worker) -> Response:
    await queries.coverage(tx, coverage_id, actor)
    await actions.set_file(tx, coverage_id, body, to="current", actor=actor)
    return await _answer(tx, coverage_id, actor, "file_resumed")


async def _answer(
    tx: Transaction, coverage_id: UUID, actor: Actor, what: str, *, status: int = 200, **more: str
) -> Response:
    found = await queries.coverage(tx, coverage_id, actor)
    await _record(tx, f"coverage.{what}", actor, found)
    return await answer(tx, status, queries.view(found), ETag=etag(found["version"]), **more)


async def _record(tx: Transaction, action: str, actor: Actor, found: dict[str, Any]) -> None:
    await audit.record(
        tx,
        actor=actor.sub,
        action=action,
        subject=tx.runtime.crypto.pseudonym(found["head_id"]),
        reference=str(found["coverage_id"]),
        request_id=tx.trace,
        role=min(actor.roles),
    )


@internal.get("/coverage", dependencies=[Depends(allow(Role.SYSTEM)), KnownQuery])
async def coverage_of_person(person_id: UUID, tx: Tx) -> dict[str, Any]:
    """Whether and since when a person is covered: codes and dates, no names."""
    return {"items": await queries.of_person(tx, person_id)}
