"""The public shape of rates, budgets, quotas and simulations."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.values.calendar import Day
from shared.values.identifiers import Period
from shared.values.money import Rial
from shared.values.text import persian_text

Size = Annotated[int, Field(strict=True, ge=1, le=5)]
Year = Annotated[int, Field(strict=True, ge=1300, le=1599, examples=[1405])]
Ref = Annotated[str, persian_text(max_length=120, example="مصوبهٔ ۱۲۳۴۵ هیئت وزیران")]
Sum = Annotated[int, Field(ge=0)]
"""Rials of many: a sum goes further than one amount may."""
APPROVAL = "شمارهٔ مصوبه‌ای که این مبلغ بر آن استوار است"


def _body(**example: JsonValue) -> ConfigDict:
    """Strict, nothing that is not named, and an example that works as it stands."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [example]})


# What comes in


class RateIn(BaseModel):
    """A rate from a month on; the one before it, if it was open, ends the month before."""

    model_config = _body(
        covered_size=3,
        amount_rial=40_000_000,
        from_period="1406-01",
        to_period=None,
        approval_ref="مصوبهٔ ۱۲۳۴۵ هیئت وزیران",
    )

    covered_size: Size = Field(description="شمار اعضای تحت حمایت؛ ۵ یعنی پنج نفر و بیشتر")
    amount_rial: Rial = Field(description="مستمری ماهانه به ریال")
    from_period: Period = Field(description="نخستین ماه؛ ماه گذشته هم پذیرفته است")
    to_period: Period | None = Field(default=None, description="واپسین ماه؛ خالی یعنی تا بعد")
    approval_ref: Ref = Field(description=APPROVAL)


class ConfirmRateIn(BaseModel):
    """The approval on which a row that was loaded without one stands."""

    model_config = _body(approval_ref="مصوبهٔ ۱۲۳۴۵ هیئت وزیران")

    approval_ref: Ref = Field(description=APPROVAL)


class BudgetIn(BaseModel):
    """The budget of a Jalali year as passed, or as passed anew."""

    model_config = _body(
        year=1406,
        amount_rial=600_000_000_000_000,
        approval_ref="قانون بودجهٔ سال ۱۴۰۶",
    )

    year: Year
    amount_rial: Rial = Field(description="اعتبار همهٔ سال به ریال")
    approval_ref: Ref = Field(description=APPROVAL)


class ProvinceQuotaIn(BaseModel):
    """How many awards a province may give in the year."""

    model_config = _body(province="Tehran", awards=60_000)

    province: Annotated[str, Field(pattern=r"^[A-Za-z-]{1,64}$", examples=["Tehran"])]
    awards: Annotated[int, Field(strict=True, ge=0, le=10_000_000)]


class QuotaIn(BaseModel):
    """The quotas that change; every other province of the year keeps its own."""

    model_config = _body(
        year=1405,
        provinces=[{"province": "Tehran", "awards": 60_000}],
        approval_ref="مصوبهٔ ۱۲۳۴۵ هیئت وزیران",
    )

    year: Year
    provinces: list[ProvinceQuotaIn] = Field(min_length=1, max_length=100)
    approval_ref: Ref = Field(description="شمارهٔ مصوبه‌ای که این سهمیه بر آن استوار است")
    effective_on: Day | None = Field(
        default=None, description="از این روز همان سال؛ خالی یعنی امروز یا نخستین روز سال"
    )


class ProposedIn(BaseModel):
    """One step of a proposed table."""

    model_config = _body(covered_size=3, amount_rial=40_000_000)

    covered_size: Size
    amount_rial: Rial


class SimulationIn(BaseModel):
    """A whole table, each of the five steps once."""

    model_config = _body(
        rates=[{"covered_size": n, "amount_rial": n * 10_000_000} for n in range(1, 6)]
    )

    rates: list[ProposedIn] = Field(min_length=5, max_length=5)


# What goes out


class RateOut(BaseModel):
    """A rate as it is kept. What is not confirmed pays nobody in production."""

    rate_id: UUID
    covered_size: int
    amount_rial: int
    from_period: str
    to_period: str | None
    approval_ref: str
    source_ref: str
    confidence: str = Field(examples=["H", "M", "L"])
    confirmed: bool
    announced_on: date | None = Field(description="روز ثبت؛ خالی یعنی معلوم نیست")
    announced_late: bool = Field(description="پس از آغاز نخستین ماه خود اعلام شده است")
    late_by_months: int = Field(description="شمار ماه‌هایی که معوقهٔ آن‌ها جداگانه پرداخت می‌شود")


class ClosedOut(BaseModel):
    """The open range that a new rate has closed."""

    rate_id: UUID
    to_period: str


class RateMade(RateOut):
    """A new rate, and what it has closed."""

    closed: ClosedOut | None


class BudgetOut(BaseModel):
    """One version of a year's budget."""

    year: int
    version: int
    amount_rial: int
    approval_ref: str
    source_ref: str
    confidence: str = Field(examples=["H", "M", "L"])
    confirmed: bool
    in_force: bool = Field(description="تازه‌ترین نسخهٔ همان سال است")


class QuotaOut(BaseModel):
    """The quota of a province in a year, and how much of it is used."""

    year: int
    province: str
    awards: int
    used: int
    left: int
    source_ref: str
    confirmed: bool


class CostOut(BaseModel):
    """What the awards of a group cost in twelve months, as proposed and as it is now."""

    awards: int
    people: int = Field(description="شمار اعضای تحت حمایت")
    monthly_rial: Sum
    yearly_rial: Sum
    present_yearly_rial: Sum | None = Field(
        description="هزینهٔ سال با نرخ‌های امروز؛ خالی یعنی نرخی از آن‌ها معلوم نیست"
    )


class SizeCostOut(CostOut):
    covered_size: int


class ProvinceCostOut(CostOut):
    province: str | None


class DecileCostOut(CostOut):
    decile: int | None = Field(description="خالی یعنی دهک این خانوارها معلوم نیست")


class SimulationOut(BaseModel):
    """The yearly cost of a proposed table on today's open awards; nothing has been changed."""

    on: date
    on_jalali: str
    total: CostOut
    by_size: list[SizeCostOut]
    by_province: list[ProvinceCostOut]
    by_decile: list[DecileCostOut]
