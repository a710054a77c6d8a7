"""The public shape of awards, and of what is done with them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.livelihood.clients import AdmissionReason
from services.livelihood.schemas import Sentence, body
from shared.cases import PastStep
from shared.values.calendar import Day
from shared.values.identifiers import NationalCode, Period, Sheba
from shared.values.money import Rial, RialOrZero
from shared.values.text import LongText, ascii_digits

Reasons = Annotated[
    list[Sentence],
    Field(min_length=1, max_length=10, description="دلیل‌هایی که به خانوار گفته می‌شود"),
]
PERIODS = ["1405-09"]

# What comes in


class SuspendIn(BaseModel):
    """Payment is held back until a cause is removed."""

    model_config = body(ground="unreachable", reason="در نشانی و با تلفن در دسترس نبود")

    ground: Literal["missing_proof", "bank_fault", "unreachable", "other"] = Field(
        default="other", description="علت: نبود مدرک، ایراد بانکی، در دسترس نبودن یا جز آن"
    )
    reason: Sentence = Field(description="شرح علت")


class ResumeIn(BaseModel):
    """The cause is removed: what was held back is paid too."""

    model_config = body(reason="مدرک خواسته‌شده رسید")

    reason: Sentence | None = Field(default=None, description="چه چیزی برطرف شد")


class StopIn(BaseModel):
    """The award ends with this month, or with the last one that was not held back."""

    model_config = body(reasons=["خانوار به شهر دیگری رفت و خدمت آنجا برقرار شد"])

    reasons: Reasons


class OpenExitReviewIn(BaseModel):
    """Somebody has to decide whether the award goes on; until then it is paid."""

    model_config = body(ground="business_sustained", reason="کارگاه خانوار یک سال است کار می‌کند")

    ground: Literal["business_sustained", "head_married", "other_service_and_income", "other"]
    reason: Sentence = Field(description="چه دیده یا گزارش شده است")


class DecideExitReviewIn(BaseModel):
    """Another person's decision: the award goes on, or it stops."""

    model_config = body(
        outcome="stop", reasons=["کسب و کار خانوار پایدار شده است"], income_rial=300000000
    )

    outcome: Literal["continue", "stop"] = Field(description="ادامه یا قطع")
    reasons: Reasons
    income_rial: RialOrZero | None = Field(
        default=None,
        description="درآمد ماهانهٔ خانوار به ریال؛ برای خروج به سبب خدمت دیگر و بهبود درآمد لازم",
    )


class RenewIn(BaseModel):
    """The award goes on for another term of its reason."""

    model_config = body(reasons=["شرایط پذیرش همچنان برقرار است"])

    reasons: list[Sentence] = Field(default_factory=list, max_length=10)


class ChangeSizeIn(BaseModel):
    """A member counts from the month after a day, or no longer does, as a person has found."""

    model_config = body(
        person_id="018f9c2e-1d2a-7c3b-8f00-000000000000",
        counts=False,
        on="2026-11-20",
        reason="فرزند خانوار تحصیل را به پایان رساند",
    )

    person_id: UUID = Field(strict=False)
    counts: bool = Field(description="از ماه پس از این روز شمرده می‌شود یا دیگر نمی‌شود")
    on: Day = Field(description="روز رویداد؛ امروز یا پیش از آن")
    reason: Sentence


class ObjectToStopIn(BaseModel):
    """The household does not accept that its award was stopped."""

    model_config = body(text="کسب و کار من هنوز درآمدی ندارد")

    text: LongText = Field(description="متن اعتراض")


class DecideStopObjectionIn(BaseModel):
    """Another person's answer: given back from the month that was withheld, or upheld."""

    model_config = body(outcome="accepted", reasons=["قطع پرداخت درست نبوده است"])

    outcome: Literal["accepted", "rejected"] = Field(description="پذیرفته یا رد")
    reasons: Reasons


class AccountIn(BaseModel):
    """Another account of the payee's own."""

    model_config = body(sheba="IR280170000000301000000137")

    sheba: Sheba = Field(description="شمارهٔ شبای تازه به نام خود دریافت‌کننده")


class RecoveryPlanIn(BaseModel):
    """How much of each month is kept back for what was paid too much, and until when nothing is."""

    model_config = body(
        month_rial=2000000, paused_until="1405-12", reason="هزینهٔ درمان فرزند خانوار"
    )

    month_rial: Rial = Field(description="مبلغ هر ماه؛ تا سقفی که مقرره می‌گوید")
    paused_until: Period | None = Field(
        default=None, description="آخرین ماهی که به سبب سختی معیشت چیزی نگه داشته نمی‌شود"
    )
    reason: Sentence = Field(description="چرا این اندازه، و چرا درنگ")


# Lines of a file from an older system


def whole_number(cell: Any) -> Any:
    """A count as a file with columns has it; another shape as it is."""
    if not isinstance(cell, str):
        return cell
    digits = ascii_digits(cell)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else cell


class AwardRow(BaseModel):
    """An award that an older system pays: until which month, and from which we do."""

    model_config = ConfigDict(extra="forbid", strict=True)

    head: NationalCode
    reason: AdmissionReason
    sheba: Sheba
    covered_size: Annotated[int, BeforeValidator(whole_number), Field(ge=1, le=30)]
    granted_on: Day
    last_paid_period: Period
    start_period: Period


class AccountRow(BaseModel):
    """Another account of a payee who heads the household."""

    model_config = ConfigDict(extra="forbid", strict=True)

    payee: NationalCode
    sheba: Sheba


# What goes out


class VersionOut(BaseModel):
    """How many count from a month on; the highest version up to a month rules it."""

    version: int
    effective_from_period: str = Field(examples=PERIODS)
    covered_size: int
    reason: str
    recorded_at: datetime


class AdjustmentOut(BaseModel):
    """By how much a closed month differs from what was approved for it, or how that was settled.

    `difference`: more (above zero) or less is due; `arrears` were paid in a list of their own,
    an `offset` was kept back from a month, and what was `withdrawn` had not been paid yet.
    """

    period: str = Field(examples=PERIODS)
    kind: Literal["difference", "arrears", "offset", "withdrawn"]
    cause: str
    delta_rial: int
    at: datetime


class MoneyOut(BaseModel):
    """What stands open of closed months, and how what was paid too much is recovered."""

    owed_rial: int = Field(description="هنوز باید پرداخت شود")
    debt_rial: int = Field(description="اضافه پرداخت شده و هنوز بازپرداخت نشده است")
    month_rial: int | None = Field(description="هر ماه این اندازه نگه داشته می‌شود")
    paused_until: str | None = Field(
        description="تا پایان این ماه چیزی نگه داشته نمی‌شود", examples=PERIODS
    )


class AwardOut(BaseModel):
    """A household's monthly support."""

    award_id: UUID
    tracking_code: str
    case_id: UUID
    household_id: UUID
    payee_id: UUID
    person_ids: list[UUID]
    status: str
    status_label: str
    version: int
    reason: str
    covered_size: int = Field(description="شمار اعضای تحت حمایت")
    start_period: str = Field(description="نخستین ماه پرداخت", examples=PERIODS)
    started_on: date
    started_on_jalali: str
    ends_on: date | None
    ends_on_jalali: str | None
    review_on: date | None
    review_on_jalali: str | None
    ground: str | None = Field(description="چرا در این وضعیت است")
    held_from_period: str | None = Field(description="نخستین ماه نگه‌داشته‌شده", examples=PERIODS)
    recompute_from_period: str | None = Field(
        description="نخستین ماهی که باید دوباره حساب شود", examples=PERIODS
    )
    last_period: str | None = Field(description="آخرین ماه پرداخت", examples=PERIODS)
    stopped_on: date | None
    stopped_on_jalali: str | None
    return_opened_on: date | None = Field(description="روزی که راه بازگشت سریع باز شد")
    previous_award_id: UUID | None = Field(description="مستمری پیشین خانوار، اگر بازگشته است")
    money: MoneyOut


class AwardView(AwardOut):
    """An award with its versions, its history and what this caller may do now."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    next_step: str | None
    actions: list[str]
    versions: list[VersionOut]
    adjustments: list[AdjustmentOut]
    history: list[PastStep]
