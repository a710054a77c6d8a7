"""HTTP of the monthly run: open it, see how far it is and who is in it, secure its funds."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.livelihood.runs import queries
from services.livelihood.runs.actions import funding, opening
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import FundIn, ItemOut, OpenRunIn, Progress, RunOut, RunRow
from services.livelihood.runs.workflow import FINANCE
from shared.cases import made
from shared.service import JSON, KeyedTx, Tx, respond
from shared.storage.db import Transaction, dumps
from shared.web.auth import Actor, Role, allow
from shared.web.errors import NotFound, RoleNotAllowed
from shared.web.page import KnownQuery, Limit, Page
from shared.workflow import check

router = APIRouter(prefix="/livelihood/runs", tags=["livelihood"], dependencies=[KnownQuery])

Preparer = Annotated[Actor, Depends(allow(Role.FINANCE_PREPARER))]
Funder = Annotated[Actor, Depends(allow(Role.FINANCE_APPROVER))]
Reader = Annotated[Actor, Depends(allow(*sorted(FINANCE), Role.AUDITOR, Role.INSPECTOR))]


@router.post(
    "",
    status_code=202,
    response_model=RunOut,
    operation_id="livelihood_open_run",
    summary="باز کردن پرداخت یک ماه",
)
async def open_run(body: OpenRunIn, tx: KeyedTx, actor: Preparer) -> Response:
    """The month is opened and its list is taken meanwhile; a second one is refused."""
    run = await opening.prepared(tx, body)
    begun = Progress(shards=0, done=0, taken=0)
    tx.reply = lambda: made(
        202,
        queries.run_out(run, actor, how_far=begun),
        version=run.version,
        Location=f"/v1/livelihood/runs/{run.id}",
    )
    await opening.open_run(tx, run, actor)
    return respond(tx)


@router.get("", operation_id="livelihood_runs", summary="پرداخت‌های ماهانه")
async def runs(tx: Tx, _: Reader, *, limit: Limit = 50, cursor: str | None = None) -> Page[RunRow]:
    """Every run, the latest month first."""
    return await queries.runs(tx, limit=limit, cursor=cursor)


@router.get(
    "/{run_id}",
    response_model=RunOut,
    operation_id="livelihood_run",
    summary="پرداخت یک ماه و پیشرفت آن",
)
async def run(run_id: UUID, tx: Tx, actor: Reader) -> Response:
    """One run, with how far its snapshot has come."""
    found = await _found(tx, run_id)
    out = queries.run_out(found, actor, how_far=await queries.progress(tx, run_id))
    answer = made(200, out, version=found.version)
    return Response(answer.body, answer.status, answer.headers, media_type=JSON)


@router.get("/{run_id}/items", operation_id="livelihood_run_items", summary="ردیف‌های پرداخت یک ماه")
async def items(
    run_id: UUID,
    tx: Tx,
    _: Reader,
    *,
    status: Literal["planned", "held"] | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[ItemOut]:
    """Who is in the list, and who is held in it and why."""
    found = await _found(tx, run_id)
    return await queries.items(tx, found, status=status, limit=limit, cursor=cursor)


@router.post(
    "/{run_id}/fund",
    response_model=RunOut,
    operation_id="livelihood_fund_run",
    summary="تأمین اعتبار پرداخت یک ماه",
)
async def fund(run_id: UUID, body: FundIn, tx: KeyedTx, actor: Funder) -> Response:
    """Secure the funds: the whole run is funded, or the whole run waits for the budget."""
    found = await _found(tx, run_id)
    check(tx, found, "fund", actor)
    how_far = await queries.progress(tx, run_id)
    tx.reply = lambda: made(
        200, queries.run_out(found, actor, how_far=how_far), version=found.version
    )
    await funding.fund(tx, found, actor, body)
    return respond(tx)


internal = APIRouter()
Notifier = Annotated[Actor, Depends(allow(Role.SYSTEM))]


@internal.get("/runs/{run_id}/paid")
async def paid(
    run_id: UUID,
    tx: Tx,
    actor: Notifier,
    *,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """Whom notify tells that they were paid: ids only, page by page."""
    if actor.purpose != "notify":
        raise RoleNotAllowed
    found = await _found(tx, run_id)
    people, following = await queries.paid_people(tx, found, after=after, limit=limit)
    return Response(dumps({"person_ids": people, "after": following}), media_type=JSON)


async def _found(tx: Transaction, run_id: UUID) -> Run:
    run = await queries.find_run(tx, run_id)
    if run is None:
        raise NotFound
    return run
