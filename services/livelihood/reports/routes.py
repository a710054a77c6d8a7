"""HTTP of reports: a month's for finance and its overseers, a citizen's own for the citizen."""

from collections.abc import Iterator
from pathlib import Path as File
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from services.livelihood.reports import queries
from services.livelihood.reports.errors import NotCovered, ReportNotReady
from services.livelihood.reports.schemas import Figures, ProofOut, ReportOut, StatementOut
from services.livelihood.runs import queries as runs
from services.livelihood.runs.workflow import FINANCE
from shared.paper.press import pdf
from shared.service import Tx
from shared.values import sheet
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import NotFound
from shared.web.media import CSV, PDF, also, csv_of, json_of, pdf_of, wanted
from shared.web.page import Digits, KnownQuery

router = APIRouter(prefix="/livelihood", tags=["livelihood"], dependencies=[KnownQuery])

Reader = Annotated[Actor, Depends(allow(*sorted(FINANCE), Role.AUDITOR, Role.INSPECTOR))]
Citizen = Annotated[Actor, Depends(allow(Role.CITIZEN))]
Year = Annotated[int, Digits, Path(ge=1300, le=1599, description="سال هجری خورشیدی")]
PAPERS = File(__file__).parent / "papers"


@router.get(
    "/runs/{run_id}/report",
    response_model=ReportOut,
    responses=also(CSV, PDF),
    operation_id="livelihood_run_report",
    summary="گزارش پایان ماه: اندازه، استان، دلیل، دهک و شاخص فقر",
    openapi_extra=refuses(ReportNotReady),
)
async def run_report(run_id: UUID, tx: Tx, _: Reader, request: Request) -> Response:
    """The list as it was closed, grouped: JSON, a table, or a paper to sign."""
    run = await runs.find_run(tx, run_id)
    if run is None:
        raise NotFound
    found = await queries.report(tx, run)
    name = f"report-{found.period}-{found.kind}"
    match wanted(request, CSV, PDF):
        case "text/csv":
            return csv_of(sheet.BOM + sheet.lines(_table(found)), name=name)
        case "application/pdf":
            return await _printed("run", found, name=name)
        case _:
            return json_of(found.model_dump_json())


@router.get(
    "/statements/{year}",
    response_model=StatementOut,
    responses=also(PDF),
    operation_id="livelihood_statement",
    summary="صورت پرداخت‌های سالانهٔ خود شهروند",
)
async def statement(year: Year, tx: Tx, actor: Citizen, request: Request) -> Response:
    """What was paid to the caller for the months of a Jalali year."""
    found = await queries.statement(tx, _own(actor), year=year)
    if wanted(request, PDF) == PDF:
        return await _printed("statement", found, name=f"payments-{year}")
    return json_of(found.model_dump_json())


@router.get(
    "/coverage-proof",
    response_model=ProofOut,
    responses=also(PDF),
    operation_id="livelihood_coverage_proof",
    summary="گواهی تحت پوشش بودن خود شهروند",
    openapi_extra=refuses(NotCovered),
)
async def coverage_proof(tx: Tx, actor: Citizen, request: Request) -> Response:
    """That the caller is covered today, and since when."""
    found = await queries.proof(tx, _own(actor))
    if wanted(request, PDF) == PDF:
        return await _printed("coverage", found, name="coverage")
    return json_of(found.model_dump_json())


async def _printed(paper: str, found: BaseModel, *, name: str) -> Response:
    made = await pdf(PAPERS / f"{paper}.typ", found.model_dump(mode="json"))
    return pdf_of(made, name=name)


def _own(actor: Actor) -> str:
    if actor.national_code is None:
        raise NotFound
    return actor.national_code


def _table(found: ReportOut) -> Iterator[list[object]]:
    """The report as one table: each group a row, the whole list first."""
    figures = list(Figures.model_fields)
    yield ["period", "group", "key", "label", *figures]
    groups = {
        "covered_size": found.by_size,
        "province": found.by_province,
        "reason": found.by_reason,
        "decile": found.by_decile,
    }
    totals = [getattr(found.totals, name) for name in figures]
    yield [found.period, "total", None, "همه", *totals]
    for group, rows in groups.items():
        for row in rows:
            values = [getattr(row, name) for name in figures]
            yield [found.period, group, row.key, row.label, *values]
