"""The public shape of a run and of its items."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.cases import PastStep
from shared.values.calendar import Instant
from shared.values.identifiers import Period
from shared.values.text import Code, ShortText

ItemState = Literal[
    "planned", "held", "queued", "requeued", "sent", "paid", "unknown", "returned", "recovery_due"
]


class OpenRunIn(BaseModel):
    """Which month is paid; the month is said, never taken from today's date."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"period": "1405-08", "kind": "regular"}]},
    )

    period: Period = Field(description="ماه پرداخت")
    kind: Literal["regular", "arrears", "emergency"] = Field(
        description="regular: پرداخت ماهانه؛ arrears: معوقه‌های ماه‌های بسته‌شده؛ "
        "emergency: حمایت اضطراری"
    )


class FundIn(BaseModel):
    """By which approval the funds are secured."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"approval_ref": "1405/08/120"}]},
    )

    approval_ref: ShortText = Field(description="شمارهٔ مصوبهٔ تأمین اعتبار")


class NothingIn(BaseModel):
    """A step that needs no more than to be taken."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{}]})


class BankResultIn(BaseModel):
    """What the bank says of one payment; `reference` is the end-to-end id of our file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reference: Code = Field(description="شناسهٔ سراسری دستور پرداخت در فایل ما")
    status: Literal["paid", "returned", "unknown"]
    reason: Code | None = Field(None, description="کد علت برگشت یا نامعلومی")
    bank_ref: Code | None = Field(None, description="شمارهٔ پیگیری بانک")
    at: Instant | None = None


class BankResultsIn(BaseModel):
    """Results in any order, as often as the bank likes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {
                            "reference": "0199a0c0-7b1e-5c3d-8f00-0123456789ab",
                            "status": "returned",
                            "reason": "AC04",
                            "bank_ref": "017/1405/8812",
                            "at": "2026-11-22T08:30:00Z",
                        }
                    ]
                }
            ]
        },
    )

    results: list[BankResultIn] = Field(min_length=1)

    @classmethod
    def document(cls) -> dict[str, Any]:
        """The schema in one piece, for an operation that takes other forms of body too."""
        schema = cls.model_json_schema()
        schema["properties"]["results"]["items"] = schema.pop("$defs")["BankResultIn"]
        return schema


class RowFault(BaseModel):
    """What is wrong with one row: the line of an XML answer, the place in a JSON one."""

    line: int
    code: str = Field(examples=["unknown_reference"])


class ResultsOut(BaseModel):
    """How many results were taken in, and how many had been before; the rest is named."""

    accepted: int
    repeated: int
    errors: list[RowFault]


class Progress(BaseModel):
    """How far the snapshot has come."""

    shards: int = Field(description="شمار بخش‌های فهرست")
    done: int = Field(description="بخش‌های انجام‌شده")
    taken: int = Field(description="شمار ردیف‌های نوشته‌شده")


class RunRow(BaseModel):
    """A run in the list of runs."""

    run_id: UUID
    period: str = Field(examples=["1405-08"])
    kind: str
    status: str
    status_label: str
    version: int
    counts: dict[str, int] = Field(examples=[{"items": 3, "planned": 2, "held": 1}])
    totals_rial: dict[str, int] = Field(examples=[{"approved": 30, "planned": 20, "held": 10}])
    snapshot_hash: str | None = Field(description="درهم‌ساخت فهرست بسته‌شده، SHA-256")
    rate_version: str = Field(description="نسخهٔ نرخ‌هایی که فهرست با آن‌ها حساب شده است")
    opened_at: datetime
    opened_at_jalali: str


class RunOut(RunRow):
    """A run; `actions` are what this caller may do now.

    Once its files are built, counts and totals say how its items stand now.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    next_step: str | None
    snapshot_at: datetime | None
    snapshot_at_jalali: str | None
    approval_ref: str | None
    progress: Progress
    actions: list[str]
    history: list[PastStep]


class ItemOut(BaseModel):
    """What one household is due in a run; why, where it is held."""

    item_id: UUID
    award_id: UUID
    household_id: UUID
    component: str
    covered_size: int
    amount_rial: int
    recovered_rial: int = Field(description="آنچه از این ماه بابت اضافه‌پرداخت نگه داشته شد")
    status: str
    status_label: str
    reason: str | None


class FileOut(BaseModel):
    """A payment file to one bank; its id is the message id under which the bank knows it."""

    file_id: UUID
    number: int = Field(description="شمارهٔ فایل در پرداخت این ماه", examples=[1])
    bank_code: str = Field(examples=["017"])
    status: str = Field(examples=["built"])
    status_label: str
    rows: int
    amount_rial: int
    sha256: str | None = Field(description="درهم‌ساخت محتوای فایل، SHA-256")
    attempt: int = Field(description="چند بار به بانک فرستاده شده است")
    cycle_at: datetime = Field(description="چرخهٔ پایا")
    promised_on: date = Field(description="روزی که مبلغ‌ها در حساب‌هاست")
    promised_on_jalali: str
    built_at: datetime
    sent_at: datetime | None
    bank_ref: str | None
