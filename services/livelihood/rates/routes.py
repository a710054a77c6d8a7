"""Rates, budgets, quotas and simulations over HTTP: written by the operator, read by finance."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.livelihood.rates import actions, queries
from services.livelihood.rates.schemas import (
    BudgetIn,
    BudgetOut,
    ConfirmRateIn,
    QuotaIn,
    QuotaOut,
    RateIn,
    RateMade,
    RateOut,
    SimulationIn,
    SimulationOut,
)
from shared.service import KeyedTx, Tx, answer
from shared.values.calendar import jalali_text, tehran_date
from shared.values.identifiers import Period
from shared.web.auth import Actor, Role, allow
from shared.web.errors import Fault, InvalidInput
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/livelihood", tags=["livelihood"], dependencies=[KnownQuery])

Sets = Annotated[Actor, Depends(allow(Role.OPERATOR))]
Reads = Annotated[
    Actor,
    Depends(
        allow(
            *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.FINANCE_SENDER),
            *(Role.APPROVER, Role.AUDITOR, Role.OPERATOR),
        )
    ),
]
After = Annotated[str | None, Query(max_length=1024)]
InYear = Annotated[int | None, Query(ge=1300, le=1599)]
OfSize = Annotated[int | None, Query(ge=1, le=5)]


@router.get("/rates", summary="نرخ‌های مستمری بر پایهٔ شمار اعضا", operation_id="livelihood_rates")
async def rates(
    tx: Tx,
    _: Reads,
    *,
    covered_size: OfSize = None,
    period: Period | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Page[RateOut]:
    """Every rate with its months, approval and source, the newest first."""
    return await queries.rates(tx, covered_size=covered_size, period=period, page=(limit, cursor))


@router.post(
    "/rates",
    summary="ثبت نرخ مصوب از یک ماه به بعد",
    operation_id="livelihood_set_rate",
    status_code=201,
    response_model=RateMade,
)
async def set_rate(body: RateIn, tx: KeyedTx, actor: Sets) -> Response:
    """A rate with its approval; an open range before it ends, any other overlap is refused."""
    return await answer(tx, 201, await actions.set_rate(tx, body, actor))


@router.post(
    "/rates/{rate_id}/confirm",
    summary="تأیید نرخی که بی‌مصوبه بارگذاری شده است",
    operation_id="livelihood_confirm_rate",
    response_model=RateOut,
)
async def confirm_rate(rate_id: UUID, body: ConfirmRateIn, tx: KeyedTx, actor: Sets) -> Response:
    """A row that was loaded from a public source gets its approval."""
    return await answer(tx, 200, await actions.confirm_rate(tx, rate_id, body, actor))


@router.get("/budgets", summary="بودجهٔ مصوب سال‌ها", operation_id="livelihood_budgets")
async def budgets(
    tx: Tx, _: Reads, *, year: InYear = None, limit: Limit = 50, cursor: After = None
) -> Page[BudgetOut]:
    """Every version of every year's budget, the newest first."""
    return await queries.budgets(tx, year=year, page=(limit, cursor))


@router.post(
    "/budgets",
    summary="ثبت بودجهٔ مصوب یک سال",
    operation_id="livelihood_set_budget",
    status_code=201,
    response_model=BudgetOut,
)
async def set_budget(body: BudgetIn, tx: KeyedTx, actor: Sets) -> Response:
    """The next version of a year's budget; no run of that year may exceed it."""
    return await answer(tx, 201, await actions.set_budget(tx, body, actor))


@router.get("/quotas", summary="سهمیهٔ استان‌ها و مصرف آن", operation_id="livelihood_quotas")
async def quotas(
    tx: Tx, _: Reads, *, year: InYear = None, limit: Limit = 50, cursor: After = None
) -> Page[QuotaOut]:
    """Each province's quota of a year, of this one unless told otherwise, and what is used."""
    this_year = int(jalali_text(tehran_date(tx.now))[:4])
    return await queries.quotas(tx, year or this_year, page=(limit, cursor))


@router.post(
    "/quotas",
    summary="ثبت سهمیهٔ مصوب استان‌ها",
    operation_id="livelihood_set_quota",
    status_code=201,
    response_model=Page[QuotaOut],
)
async def set_quota(body: QuotaIn, tx: KeyedTx, actor: Sets) -> Response:
    """Quotas of a year from a day of it on; who is beyond them joins the waiting list."""
    await actions.set_quota(tx, body, actor)
    return await answer(tx, 201, await queries.quotas(tx, body.year, page=(200, None)))


@router.post(
    "/simulations",
    summary="برآورد هزینهٔ سالانهٔ یک جدول نرخ پیشنهادی",
    operation_id="livelihood_simulate",
)
async def simulate(body: SimulationIn, tx: Tx, _: Reads) -> SimulationOut:
    """What a table would cost in a year on today's open awards; nothing is changed."""
    if len({rate.covered_size for rate in body.rates}) < len(body.rates):
        fa, en = "هر شمار اعضا باید یک بار بیاید", "Each covered size comes once"
        raise InvalidInput(errors=[Fault("/rates", "each_size_once", fa, en)])
    return await queries.simulate(tx, [(r.covered_size, r.amount_rial) for r in body.rates])
