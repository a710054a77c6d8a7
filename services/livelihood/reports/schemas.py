"""The public shape of reports, yearly statements and proofs of coverage."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Figures(BaseModel):
    """What some households of a list come to."""

    households: int
    people: int = Field(description="شمار افراد تحت حمایت در این خانوارها")
    amount_rial: int = Field(description="مبلغ مصوب، با آنچه نگه داشته شده است")
    held: int = Field(description="خانوارهایی که پرداختشان نگه داشته شده است")
    held_rial: int


class GroupOut(Figures):
    """The households that have one thing in common; an empty key is what nobody knew."""

    key: str | None
    label: str


class RateOfMonth(BaseModel):
    """What a covered size was worth in this list."""

    covered_size: int = Field(description="۵ یعنی پنج نفر و بیشتر")
    amount_rial: int


class LineOut(BaseModel):
    """The line that absolute poverty is measured against, and where it comes from."""

    per_person_rial: int = Field(description="خط فقر مطلق، برای هر نفر در ماه")
    effective_from: date
    effective_from_jalali: str
    source: str
    confirmed: bool


class PovertyOut(BaseModel):
    """Of the households whose income is known: under the line, and lifted above it by the aid."""

    line: LineOut
    known: int = Field(description="خانوارهایی که درآمدشان معلوم است")
    unknown: int
    below: int = Field(description="خانوارهایی که درآمدشان بی این کمک زیر خط فقر است")
    lifted: int = Field(description="خانوارهایی که با کمک این ماه به خط فقر یا بالای آن می‌رسند")
    still_below: int


class StateOut(BaseModel):
    """Where the money of a part of the list stands now."""

    status: str
    status_label: str
    items: int
    amount_rial: int


class ReportOut(BaseModel):
    """The month-end report of a list as it was closed; only `payments` and the status go on."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    run_id: UUID
    period: str = Field(examples=["1405-08"])
    kind: str
    kind_label: str
    status: str
    status_label: str
    snapshot_at: datetime
    snapshot_at_jalali: str
    snapshot_hash: str
    counted_at: datetime = Field(description="زمانی که فهرست بسته‌شده شمرده شد")
    counted_at_jalali: str
    approval_ref: str | None
    rate_version: str
    rates: list[RateOfMonth]
    totals: Figures
    by_size: list[GroupOut]
    by_province: list[GroupOut]
    by_reason: list[GroupOut]
    by_decile: list[GroupOut]
    poverty: PovertyOut | None = Field(
        description="خالی یعنی خط فقری برای این ماه ثبت یا تأیید نشده است"
    )
    payments: list[StateOut]


class PaidOut(BaseModel):
    """What was paid to the citizen for one month."""

    period: str = Field(examples=["1405-08"])
    kind: str
    kind_label: str
    covered_size: int
    amount_rial: int
    tracking_code: str


class StatementOut(BaseModel):
    """What was paid to a citizen for the months of a Jalali year."""

    year: int = Field(examples=[1405])
    national_code: str
    issued_on: date
    issued_on_jalali: str
    payments: list[PaidOut]
    months: int = Field(description="شمار ماه‌هایی که پرداخت شده است")
    total_rial: int
    total_words: str = Field(examples=["پانزده میلیون ریال"])


class ProofOut(BaseModel):
    """That a citizen is covered on this day, since when, and the support they have."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    national_code: str
    issued_on: date
    issued_on_jalali: str
    covered_since: date
    covered_since_jalali: str
    file_current: bool = Field(description="پرونده جاری است، نه معلق")
    covered_people: int = Field(description="شمار افراد تحت پوشش در خانوار")
    tracking_code: str | None
    support_status: str | None
    support_status_label: str | None
    support_from_period: str | None = Field(examples=["1405-08"])
