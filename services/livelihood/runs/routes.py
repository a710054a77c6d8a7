"""HTTP of the monthly run: open it, see how far it is and who is in it, secure its funds."""

import re
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.livelihood.runs import queries
from services.livelihood.runs.actions import funding, opening, settling
from services.livelihood.runs.errors import StatementMalformed, TooManyResults
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import (
    BankResultsIn,
    FundIn,
    ItemOut,
    OpenRunIn,
    Progress,
    ResultsOut,
    RunOut,
    RunRow,
)
from services.livelihood.runs.statements.messages import Statement
from services.livelihood.runs.statements.rows import Answers, Raw, from_plain
from services.livelihood.runs.workflow import FINANCE
from shared.cases import made
from shared.service import JSON, KeyedTx, Tx, answer, respond, transaction
from shared.storage.db import Transaction
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound, UnsupportedMedia
from shared.web.page import KnownQuery, Limit, Page
from shared.web.strict import strict_loads
from shared.workflow import check

router = APIRouter(prefix="/livelihood/runs", tags=["livelihood"], dependencies=[KnownQuery])

XML = "application/xml"
STREAMS = re.compile(r"/v1/livelihood/runs/[^/]+/bank-results")
"""Answers of a bank may be large; they are read as they come."""

Preparer = Annotated[Actor, Depends(allow(Role.FINANCE_PREPARER))]
Funder = Annotated[Actor, Depends(allow(Role.FINANCE_APPROVER))]
Bank = Annotated[Actor, Depends(allow(Role.BANK))]
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
    shown = made(200, out, version=found.version)
    return Response(shown.body, shown.status, shown.headers, media_type=JSON)


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


@router.post(
    "/{run_id}/bank-results",
    response_model=ResultsOut,
    operation_id="livelihood_bank_results",
    summary="پاسخ بانک دربارهٔ پرداخت‌ها",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": BankResultsIn.document()},
                XML: {"schema": {"type": "string"}},
            },
        },
        "x-keyed": True,
        **refuses(StatementMalformed, TooManyResults),
    },
)
async def bank_results(run_id: UUID, request: Request, actor: Bank) -> Response:
    """A pain.002, a camt.053 or plain results; again and in any order is harmless.

    A bank names its own payments only. Rows that cannot be taken in are named by their line, and
    keep no other out.
    """
    answers = await _answers(request)
    async with transaction(request, keyed=True) as tx:
        found = await _found(tx, run_id)
        return await answer(tx, 200, await settling.take_in(tx, found, answers, actor))


async def _answers(request: Request) -> Answers:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == JSON:
        return _plain(await request.body())
    if media not in {XML, "text/xml"}:
        raise UnsupportedMedia
    statement = Statement()
    async for chunk in request.stream():
        statement.feed(chunk)
    return statement.close()


def _plain(body: bytes) -> Answers:
    try:
        said = BankResultsIn.model_validate(strict_loads(body))
    except ValidationError as invalid:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in invalid.errors()]
        raise RequestValidationError(faults, body=strict_loads(body)) from None
    return from_plain(
        Raw(
            line,
            one.reference,
            one.status,
            one.reason,
            one.bank_ref,
            at=one.at.isoformat() if one.at else None,
        )
        for line, one in enumerate(said.results, start=1)
    )


async def _found(tx: Transaction, run_id: UUID) -> Run:
    run = await queries.find_run(tx, run_id)
    if run is None:
        raise NotFound
    return run
