"""The public shape of admissions and the waiting list."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.livelihood.workflow import ADMISSION
from shared.cases import CaseOut, case_example
from shared.values.calendar import Day, Instant
from shared.values.identifiers import Mobile, NationalCode, PostalCode, Sheba, TrackingCode
from shared.values.money import RialOrZero
from shared.values.text import Code, LongText, persian_text

ACCOUNT_STATES = ["unchecked", "verified", "mismatch", "closed", "not_found", "unavailable"]
Sentence = Annotated[str, persian_text(max_length=300, example="سرپرست خانوار درآمدی ندارد")]


def _degrees(value: object) -> Decimal:
    """A coordinate out of JSON to six decimals, a tenth of a metre; text is none."""
    refused = PydanticCustomError("degrees", "Not acceptable: {code}", {"code": "degrees"})
    if isinstance(value, bool | str | list | dict):
        raise refused
    try:
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    except InvalidOperation:
        raise refused from None


# Degrees within the country.
Latitude = Annotated[
    Decimal,
    Field(strict=True, ge=24, le=40),
    BeforeValidator(_degrees),
    WithJsonSchema({"type": "number", "minimum": 24, "maximum": 40}),
]
Longitude = Annotated[
    Decimal,
    Field(strict=True, ge=44, le=64),
    BeforeValidator(_degrees),
    WithJsonSchema({"type": "number", "minimum": 44, "maximum": 64}),
]


def body(**example: JsonValue) -> ConfigDict:
    """Strict, nothing that is not named, and an example that works as it stands."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [example]})


# What comes in


class SourceIn(BaseModel):
    """Where it comes from that somebody is in need; without a reference it is hearsay."""

    model_config = body(kind="field_visit", reference="T-1/1405/318")

    kind: Literal["field_visit", "partner_report", "inspection"] = Field(
        description="بازدید محلی، گزارش دستگاه یا مؤسسهٔ همکار، بازرسی"
    )
    reference: Code = Field(description="شماره‌ای که منبع با آن یافت می‌شود")


class FoundAddressIn(BaseModel):
    """Where they live, in the worker's own province."""

    model_config = body(county="تهران", postal_code="1311675319", text="خیابان شوش، پلاک ۳")

    county: Annotated[str, persian_text(max_length=60, example="تهران")]
    postal_code: PostalCode | None = Field(default=None, description="اگر معلوم است")
    text: Annotated[str, persian_text(max_length=300, example="خیابان شوش، کوچهٔ یکم، پلاک ۳")]


class IdentifyIn(BaseModel):
    """Somebody whom the agency itself found in need (LV-30): nobody has applied."""

    model_config = body(
        national_code="0499370899",
        reason="no_head",
        source={"kind": "field_visit", "reference": "T-1/1405/318"},
        address={"county": "تهران", "postal_code": "1311675319", "text": "خیابان شوش، پلاک ۳"},
        members=["0027456196"],
        mobile="09121234567",
    )

    national_code: NationalCode = Field(description="کد ملی سرپرست خانوار")
    reason: Literal["elderly", "disabled", "no_head", "illness", "other"] = Field(
        description="دلیل نیاز"
    )
    source: SourceIn
    address: FoundAddressIn
    members: list[NationalCode] = Field(
        default_factory=list, max_length=20, description="کد ملی دیگر اعضای خانوار"
    )
    mobile: Mobile | None = Field(default=None, description="تلفن همراه به نام خود او")


class PlanVisitIn(BaseModel):
    """When the worker comes to the home."""

    model_config = body(visit_on="2027-02-10", time_window="morning")

    visit_on: Day = Field(description="روز بازدید از منزل؛ امروز یا پس از آن")
    time_window: Literal["morning", "afternoon"] = Field(
        default="morning", description="بازهٔ روز: صبح یا عصر"
    )


class FindingsIn(BaseModel):
    """What the worker saw in the home, item by item."""

    model_config = body(
        disability=False,
        no_head=True,
        illness=False,
        housing="rented",
        persons_seen=3,
        income_rial=40000000,
        decile=2,
    )

    disability: bool = Field(description="ازکارافتادگی یا معلولیت دیده شد")
    no_head: bool = Field(description="خانوار سرپرست یا نان‌آور ندارد")
    illness: bool = Field(description="بیماری سخت یا دیرپا دیده شد")
    housing: Literal["owned", "rented", "with_relatives", "none"] = Field(
        description="مسکن: ملکی، اجاره‌ای، نزد بستگان یا بی‌سرپناه"
    )
    persons_seen: Annotated[int, Field(strict=True, ge=0, le=30)] = Field(
        description="شمار کسانی که در خانه دیده شدند"
    )
    income_rial: RialOrZero | None = Field(
        default=None, description="درآمد ماهانهٔ خانوار به ریال؛ خالی یعنی نامعلوم"
    )
    decile: Annotated[int, Field(strict=True, ge=1, le=10)] | None = Field(
        default=None, description="دهک درآمدی خانوار در پایگاه رفاه؛ خالی یعنی نامعلوم"
    )


class RecordVisitIn(BaseModel):
    """The visit as it was: findings, points, place, and consent to photographs."""

    model_config = body(
        findings={
            "disability": False,
            "no_head": True,
            "illness": False,
            "housing": "rented",
            "persons_seen": 3,
            "income_rial": 40000000,
            "decile": 2,
        },
        score=72,
        latitude=35.6612,
        longitude=51.4415,
        photo_consent=True,
        note="سرپرست خانوار فوت کرده و مادر با دو فرزند در خانهٔ اجاره‌ای زندگی می‌کند",
    )

    findings: FindingsIn
    score: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        description="امتیاز نیازمندی از ۰ تا ۱۰۰"
    )
    happened_at: Instant | None = Field(
        default=None, description="زمان بازدید؛ خالی یعنی هم‌اکنون. آینده پذیرفته نیست"
    )
    latitude: Latitude | None = Field(default=None, description="عرض جغرافیایی محل بازدید")
    longitude: Longitude | None = Field(default=None, description="طول جغرافیایی محل بازدید")
    photo_consent: bool = Field(default=False, description="خانوار به گرفتن عکس رضایت داد")
    note: LongText | None = Field(default=None, description="شرح بازدید")


class NoShowIn(BaseModel):
    """Nobody was there."""

    model_config = body(reason="در ساعت اعلام‌شده کسی در نشانی نبود")

    reason: Sentence = Field(description="چرا بازدید انجام نشد")


class ConfirmIn(BaseModel):
    """The conditions hold; the instruction is judged by the system itself."""

    model_config = body(
        reasons=["شرایط دستورالعمل پذیرش در بازدید احراز شد"], note="پرونده کامل است"
    )

    reasons: list[Sentence] = Field(
        default_factory=list, max_length=10, description="دلیل‌های تصمیم به فارسی"
    )
    note: LongText | None = Field(default=None, description="یادداشت درون‌سازمانی")


class RefuseIn(BaseModel):
    """The conditions do not hold: the reasons go to the applicant."""

    model_config = body(reasons=["درآمد خانوار بیش از حد دستورالعمل است"])

    reasons: list[Sentence] = Field(
        min_length=1, max_length=10, description="دلیل‌هایی که به متقاضی گفته می‌شود"
    )
    note: LongText | None = Field(default=None, description="یادداشت درون‌سازمانی")


class ObjectIn(BaseModel):
    """The applicant does not accept a refusal."""

    model_config = body(text="درآمد اعلام‌شده مربوط به پارسال است و اکنون بیکارم")

    text: LongText = Field(description="متن اعتراض")


class DecideObjectionIn(BaseModel):
    """Another person's answer to an objection.

    Accepted: confirmed where the instruction is met, else reviewed anew; partly: reviewed anew.
    """

    model_config = body(outcome="accepted", reasons=["مدارک تازهٔ درآمد پذیرفته شد"])

    outcome: Literal["accepted", "partly", "rejected"] = Field(
        description="پذیرفته، پذیرفته به‌بخش (بررسی دوباره) یا رد"
    )
    reasons: list[Sentence] = Field(
        min_length=1, max_length=10, description="دلیل‌هایی که به متقاضی گفته می‌شود"
    )


class CorrectAccountIn(BaseModel):
    """Another account of the applicant's own."""

    model_config = body(sheba="IR280170000000301000000137")

    sheba: Sheba = Field(description="شمارهٔ شبای تازه به نام خود متقاضی")


class GrantEmergencyIn(BaseModel):
    """Emergency support under a declaration, with its end."""

    model_config = body(
        emergency_id="019a9d5e-4c2b-7a10-8e55-3f1d9c0b7a62",
        ends_on="2027-02-18",
        reason="خانهٔ خانوار در زلزله فرو ریخته است",
    )

    emergency_id: UUID = Field(strict=False, description="وضعیت اضطراری اعلام‌شده")
    ends_on: Day = Field(description="واپسین روز حمایت؛ بی آن پذیرفته نیست")
    reason: Sentence = Field(description="چرا خانوار نیازمند کمک فوری است")


class OpenEmergencyIn(BaseModel):
    """Emergency support beside an award or a request of a household."""

    model_config = body(
        tracking_code="SH-0000000000",
        ends_on="2027-02-18",
        reason="خانهٔ خانوار در زلزله فرو ریخته است",
    )

    tracking_code: TrackingCode = Field(description="کد رهگیری پروندهٔ معیشت همین خانوار")
    ends_on: Day = Field(description="واپسین روز حمایت؛ بی آن پذیرفته نیست")
    reason: Sentence = Field(description="چرا خانوار نیازمند کمک فوری است")


class ReviewEmergencyIn(BaseModel):
    """Emergency support is looked at again: prolonged to a later day, or ended today."""

    model_config = body(outcome="extend", ends_on="2027-04-18", reason="خانه هنوز ساخته نشده است")

    outcome: Literal["extend", "end"] = Field(description="تمدید یا پایان")
    ends_on: Day | None = Field(default=None, description="پایان تازه؛ برای تمدید لازم است")
    reason: Sentence = Field(description="دلیلی که به خانوار گفته می‌شود")


class ConflictIn(BaseModel):
    """Why a colleague keeps out of this case."""

    model_config = body(reason="متقاضی همسایهٔ من است")

    reason: Sentence = Field(description="چه چیزی مرا از رسیدگی باز می‌دارد")


# What goes out


class AddressOut(BaseModel):
    """Where the household lives."""

    province: str | None
    county: str | None
    postal_code: str | None
    text: str | None


class AdmissionOut(CaseOut):
    """An admission. The address is for those who work on it and for the household itself."""

    model_config = case_example(
        ADMISSION,
        *("open", "review", "plan_visit"),
        reason="no_head",
        origin="request",
        priority=3,
        province="Tehran",
        county="Tehran/Tehran",
        household_id="019a9d5e-4c2b-7a10-8e55-3f1d9c0b7a62",
        members=3,
        address=None,
        submitted_on="2026-11-21",
        submitted_on_jalali="1405-08-30",
        account_state="verified",
        account_checked_at="2026-11-22T08:00:04Z",
        visit_on="2026-11-29",
        visit_on_jalali="1405-09-08",
        visit_tries=0,
        reasons=[],
        rule_version=None,
        rule_on=None,
        decided_on=None,
        decided_on_jalali=None,
        decision_id=None,
        waiting_since=None,
        award_id=None,
        emergency_id=None,
        emergency_ends_on=None,
        emergency_ends_on_jalali=None,
    )

    reason: str
    origin: str
    priority: int
    province: str | None
    county: str | None
    household_id: UUID | None
    members: int = Field(description="شمار اعضای خانوار با خود متقاضی")
    address: AddressOut | None
    submitted_on: date
    submitted_on_jalali: str
    account_state: str = Field(examples=ACCOUNT_STATES)
    account_checked_at: datetime | None
    visit_on: date | None
    visit_on_jalali: str | None
    visit_tries: int
    reasons: list[str]
    rule_version: str | None = Field(description="نسخهٔ دستورالعملی که تصمیم بر آن استوار است")
    rule_on: date | None
    decided_on: date | None
    decided_on_jalali: str | None
    decision_id: str | None
    waiting_since: datetime | None
    award_id: UUID | None
    emergency_id: UUID | None = Field(
        description="وضعیت اضطراری که متقاضی نام برده یا حمایت بر آن استوار است"
    )
    emergency_ends_on: date | None = Field(description="واپسین روز حمایت اضطراری")
    emergency_ends_on_jalali: str | None


class WaitingRow(BaseModel):
    """One line of the waiting list: the elderly and disabled first, then by date."""

    tracking_code: str
    case_id: UUID
    reason: str
    priority: int
    submitted_on: date
    submitted_on_jalali: str
    waiting_since: datetime
    waiting_since_jalali: str
    province: str
    county: str | None
    office_code: str | None
    account_state: str = Field(examples=ACCOUNT_STATES)
