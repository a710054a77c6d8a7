"""HTTP of the monthly run: open it, see who is in it, fund it, build its files and send them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from services.livelihood.runs import items as listed
from services.livelihood.runs import queries, rules
from services.livelihood.runs.actions import (
    building,
    funding,
    opening,
    reconciling,
    sending,
    settling,
)
from services.livelihood.runs.errors import RunDoesNotBalance, StatementMalformed, TooManyResults
from services.livelihood.runs.files import store
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import (
    BankResultsIn,
    FileOut,
    FundIn,
    ItemOut,
    ItemState,
    NothingIn,
    OpenRunIn,
    Progress,
    ResultsOut,
    RunOut,
    RunRow,
)
from services.livelihood.runs.statements.messages import Statement
from services.livelihood.runs.statements.rows import Answers, Raw, from_plain
from services.livelihood.runs.workflow import ANSWERED, FINANCE, Status
from shared.cases import made
from shared.service import JSON, KeyedTx, Tx, answer, respond, transaction
from shared.storage import audit
from shared.storage.db import Runtime, Transaction, dumps
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound, RoleNotAllowed, UnsupportedMedia
from shared.web.media import CSV, also, csv_of, json_of, wanted
from shared.web.page import Digits, KnownQuery, Limit, Page
from shared.web.strict import strict_loads
from shared.workflow import check

router = APIRouter(prefix="/livelihood/runs", tags=["livelihood"], dependencies=[KnownQuery])

XML = "application/xml"
STREAMS = re.compile(r"/v1/livelihood/runs/[^/]+/bank-results")
"""Answers of a bank may be large; they are read as they come."""

Preparer = Annotated[Actor, Depends(allow(Role.FINANCE_PREPARER))]
Funder = Annotated[Actor, Depends(allow(Role.FINANCE_APPROVER))]
Finance = Annotated[Actor, Depends(allow(*sorted(FINANCE)))]
Bank = Annotated[Actor, Depends(allow(Role.BANK))]
Sender = Annotated[Actor, Depends(allow(Role.FINANCE_SENDER))]
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
    built = found.status in ANSWERED or found.status == Status.FILE_BUILT
    now = await queries.figures(tx, found) if built else None
    out = queries.run_out(found, actor, how_far=await queries.progress(tx, run_id), now=now)
    shown = made(200, out, version=found.version)
    return Response(shown.body, shown.status, shown.headers, media_type=JSON)


@router.get(
    "/{run_id}/items",
    response_model=Page[ItemOut],
    responses=also(CSV),
    operation_id="livelihood_run_items",
    summary="ردیف‌های پرداخت یک ماه",
)
async def items(
    run_id: UUID,
    tx: Tx,
    _: Reader,
    request: Request,
    *,
    status: ItemState | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Response:
    """Who is in the list, and who is held in it and why; as CSV all of them from the cursor on."""
    found = await _found(tx, run_id)
    if wanted(request, CSV) == CSV:
        name = f"items-{rules.as_text(found.period)}-{found.kind}"
        table = listed.item_table(tx.runtime, found, status=status, cursor=cursor)
        return csv_of(table, name=name)
    page = await listed.items(tx, found, status=status, limit=limit, cursor=cursor)
    return json_of(page.model_dump_json())


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


BUILD_FOR_S = 2.0
"""What is built by then is answered at once; a reminder goes on with the rest."""
FILE = {"content": {XML: {}}, "description": "ISO 20022 pain.001.001.03"}


@router.post(
    "/{run_id}/build-file",
    response_model=RunOut,
    responses={202: {"model": RunOut, "description": "The files are being built"}},
    operation_id="livelihood_build_file",
    summary="ساختن فایل‌های پرداخت یک ماه",
)
async def build_file(
    run_id: UUID, _: NothingIn, tx: KeyedTx, actor: Sender, request: Request
) -> Response:
    """Build the payment files: 200 when they are there, 202 while a large month goes on."""
    runtime: Runtime = request.app.state.runtime
    found = await _found(tx, run_id)
    async with runtime.transaction() as first:
        first.if_match = tx.if_match
        due_at = first.now + timedelta(seconds=2 * BUILD_FOR_S)
        await building.order(first, found, actor, due_at=due_at)
    whole = await building.build(runtime, run_id, for_s=BUILD_FOR_S)
    found = await _found(tx, run_id)
    how_far = await queries.progress(tx, run_id)
    if not whole and found.status == Status.FUNDED:
        return await answer(tx, 202, queries.run_out(found, actor, how_far=how_far))
    tx.reply = lambda: made(
        200, queries.run_out(found, actor, how_far=how_far), version=found.version
    )
    await building.finish(tx, found, actor)
    return respond(tx)


@router.post(
    "/{run_id}/send",
    response_model=RunOut,
    operation_id="livelihood_send_run",
    summary="فرستادن فایل‌های پرداخت یک ماه به بانک‌ها",
)
async def send(run_id: UUID, _: NothingIn, tx: KeyedTx, actor: Sender) -> Response:
    """Hand the files over for sending; what became of each is seen among the files."""
    found = await _found(tx, run_id)
    check(tx, found, "send", actor)
    how_far = await queries.progress(tx, run_id)
    tx.reply = lambda: made(
        200, queries.run_out(found, actor, how_far=how_far), version=found.version
    )
    await sending.send(tx, found, actor)
    return respond(tx)


@router.get("/{run_id}/files", operation_id="livelihood_run_files", summary="فایل‌های پرداخت یک ماه")
async def files(
    run_id: UUID, tx: Tx, _: Reader, *, limit: Limit = 50, cursor: str | None = None
) -> Page[FileOut]:
    """The payment files of a run, and what became of each at its bank."""
    found = await _found(tx, run_id)
    return await queries.files(tx, found, limit=limit, cursor=cursor)


@router.get(
    "/{run_id}/payment-file",
    response_class=Response,
    responses={200: FILE},
    operation_id="livelihood_payment_file",
    summary="یک فایل پرداخت",
)
async def payment_file(
    run_id: UUID,
    tx: Tx,
    actor: Sender,
    number: Annotated[int, Query(ge=1, le=100_000), Digits] = 1,
) -> Response:
    """The file itself, as its bank gets it; `number` is that of the list, the first by default."""
    found = await _found(tx, run_id)
    file = await queries.written_file(tx, found.id, number)
    if file is None or file.place is None or file.sha256 is None:
        raise NotFound
    await audit.record(
        tx,
        actor=actor.sub,
        action="payment_file.read",
        reference=str(file.id),
        request_id=tx.trace,
        role=str(Role.FINANCE_SENDER),
    )
    content: Iterator[bytes] = store.read(tx.runtime, file.id, file.place, sha256=file.sha256)
    headers = {
        "Content-Disposition": f'attachment; filename="{file.id.hex}.xml"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(content, headers=headers, media_type=XML)


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


@router.post(
    "/{run_id}/close",
    response_model=RunOut,
    operation_id="livelihood_close_run",
    summary="بستن پرداخت یک ماه",
    openapi_extra=refuses(RunDoesNotBalance),
)
async def close(run_id: UUID, _: NothingIn, tx: KeyedTx, actor: Finance) -> Response:
    """Close the run: what was approved is held, paid, returned or unknown, to the Rial."""
    found = await _found(tx, run_id)
    check(tx, found, "close", actor)
    how_far, now = await queries.progress(tx, run_id), await queries.figures(tx, found)
    tx.reply = lambda: made(
        200, queries.run_out(found, actor, how_far=how_far, now=now), version=found.version
    )
    await reconciling.close(tx, found, actor)
    return respond(tx)


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
    people, following = await listed.paid_people(tx, found, after=after, limit=limit)
    return Response(dumps({"person_ids": people, "after": following}), media_type=JSON)


async def _found(tx: Transaction, run_id: UUID) -> Run:
    run = await queries.find_run(tx, run_id)
    if run is None:
        raise NotFound
    return run
