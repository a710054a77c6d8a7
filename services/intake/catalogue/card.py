"""The identity card of a service, and its statement, as the agency publishes them. Pure.

What a form or a statement leaves blank is null; a tick box whose mark was lost is `unknown`;
`readings` keeps the printed lines beside what was read from them.
"""

import unicodedata
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.values.calendar import Day
from shared.values.money import RialOrZero
from shared.values.text import Code, LongText, ShortText, persian_text

ServiceName = Literal["livelihood", "eligibility", "exemption", "shares", "loans"]
FieldNumber = Annotated[str, Field(pattern=r"^F(0[1-9]|[12][0-9]|3[0-3])$")]
ServiceId = Annotated[str, Field(pattern=r"^[0-9]{11}$", examples=["19072703102"])]
Title = Annotated[str, persian_text(max_length=300)]
Whole = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]

# The form was read from a PDF: its tick boxes survive only as private-use characters, which
# ordinary text refuses and the evidence must keep.
_EVIDENCE = {"Zs", "Co"}


def _printed(text: str) -> str:
    for char in text:
        category = unicodedata.category(char)
        if category[0] in "CZ" and category not in _EVIDENCE:
            raise ValueError("text_not_printable")
    return text


Printed = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_printed)]


class Mark(StrEnum):
    TICKED = "ticked"
    UNTICKED = "unticked"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Part(BaseModel):
    """A part of a published document: nothing unlisted is taken in, nothing changes in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Box(Part):
    mark: Mark = Field(description="How the box is read; `unknown` where its mark did not survive")
    glyph: Annotated[str, Field(pattern=r"^U\+[0-9A-F]{4}$")] | None = Field(
        description="The character that survives for this box in the source text"
    )
    line: Annotated[StrictInt, Field(ge=1)] | None = Field(description="Line of the source text")


class SourceLine(Part):
    line: Annotated[StrictInt, Field(ge=1)]
    text: Printed


class Reading(Part):
    """The printed lines that a value was read from, and how sure the reading is."""

    raw: list[SourceLine]
    confidence: Confidence
    note_fa: LongText | None


class ServiceTypes(Part):
    g2c: Box = Field(description="خدمت به شهروندان (G2C)")
    g2b: Box = Field(description="خدمت به کسب و کار (G2B)")
    g2g: Box = Field(description="خدمت به دیگر دستگاه‌های دولتی (G2G)")


class Nature(Part):
    sovereign: Box = Field(description="حاکمیتی")
    executive: Box = Field(description="تصدی‌گری")


class Level(Part):
    national: Box = Field(description="ملی")
    regional: Box = Field(description="منطقه‌ای")
    provincial: Box = Field(description="استانی")
    urban: Box = Field(description="شهری")
    rural: Box = Field(description="روستایی")


class LifeEvents(Part):
    birth: Box = Field(description="تولد")
    education: Box = Field(description="آموزش")
    health: Box = Field(description="سلامت")
    tax: Box = Field(description="مالیات")
    business: Box = Field(description="کسب و کار")
    social_security: Box = Field(description="تامین اجتماعی")
    ownership_registration: Box = Field(description="ثبت مالکیت")
    urban_utilities: Box = Field(description="تاسیسات شهری")
    insurance: Box = Field(description="بیمه")
    marriage: Box = Field(description="ازدواج")
    retirement: Box = Field(description="بازنشستگی")
    documents_and_certificates: Box = Field(description="مدارک و گواهینامه‌ها")
    death: Box = Field(description="وفات")
    other: Box = Field(description="سایر")


class StartsBy(Part):
    recipient_request: Box = Field(description="تقاضای گیرنده خدمت")
    time_arrives: Box = Field(description="فرارسیدن زمانی مشخص")
    event_occurs: Box = Field(description="رخداد رویدادی مشخص")
    agency_finding: Box = Field(description="تشخیص دستگاه")
    other: Box = Field(description="سایر")
    other_text: ShortText | None


class RecipientsStatistic(Part):
    count: Whole | None
    month: Box = Field(description="ماه")
    season: Box = Field(description="فصل")
    year: Box = Field(description="سال")


class Duration(Part):
    text: ShortText
    jalali_months: Whole | None
    working_days: Whole | None


class Frequency(Part):
    once_for_ever: Box = Field(description="یکبار برای همیشه")
    times: Whole | None = Field(description="… بار در")
    month: Box = Field(description="ماه")
    season: Box = Field(description="فصل")
    year: Box = Field(description="سال")


class Cost(Part):
    amount_rial: RialOrZero | None = Field(description="مبلغ(مبالغ)")
    account: ShortText | None = Field(description="شماره حساب(های) بانکی")
    electronic: Box | None = Field(description="پرداخت بصورت الکترونیک")


class StageTable(Part):
    stage: ShortText
    kind: ShortText
    medium: ShortText


class InformationMedia(Part):
    electronic: Box = Field(description="الکترونیکی")
    internet: Box = Field(description="اینترنتی (مانند وبگاه دستگاه)")
    mobile_app: Box = Field(description="تلفن همراه (برنامه کاربردی)")
    email: Box = Field(description="پست الکترونیک")
    post: Box = Field(description="ارسال پستی")
    sms: Box = Field(description="پیام کوتاه")
    ivr_callcentre: Box = Field(description="تلفن گویا یا مرکز تماس")
    other: Box = Field(description="سایر (با ذکر نحوه دسترسی)")
    other_text: ShortText | None


class RequestMedia(Part):
    electronic: Box = Field(description="الکترونیکی")
    internet: Box = Field(description="اینترنتی (مانند وبگاه دستگاه)")
    mobile_app: Box = Field(description="تلفن همراه (برنامه کاربردی)")
    email: Box = Field(description="پست الکترونیک")
    post: Box = Field(description="ارسال پستی")
    sms: Box = Field(description="پیام کوتاه")
    ivr_callcentre: Box = Field(description="تلفن گویا یا مرکز تماس")
    counter: Box = Field(description="دفاتر پیشخوان")
    counter_contract_number: ShortText | None = Field(
        description="شماره قرارداد واگذاری خدمات به دفاتر پیشخوان"
    )
    counter_like: Box = Field(description="عناوین مشابه دفاتر پیشخوان")
    other: Box = Field(description="سایر (با ذکر نحوه دسترسی)")
    other_text: ShortText | None


class InPerson(Part):
    non_electronic: Box = Field(description="غیرالکترونیکی")
    person_identity: Box = Field(description="جهت احراز اصالت فرد")
    document_authenticity: Box = Field(description="جهت احراز اصالت مدرک")
    no_infrastructure: Box = Field(description="نبود زیرساخت ارتباطی مناسب")
    other: Box = Field(description="سایر")
    other_text: ShortText | None
    national: Box = Field(description="مراجعه به دستگاه: ملی")
    provincial: Box = Field(description="مراجعه به دستگاه: استانی")
    county: Box = Field(description="مراجعه به دستگاه: شهرستانی")


class Production(Part):
    electronic: Box = Field(description="الکترونیکی")
    internet: Box = Field(description="اینترنتی (مانند درگاه دستگاه)")
    intranet_erp: Box = Field(description="اینترانتی (مانند اینترانت داخلی دستگاه یا ERP)")
    email: Box = Field(description="پست الکترونیک")
    other: Box = Field(description="سایر (با ذکر نحوه دسترسی)")
    other_text: ShortText | None
    non_electronic: Box = Field(description="غیرالکترونیکی")
    visit_reason: ShortText | None = Field(description="ذکر ضرورت مراجعه حضوری")


class Delivery(Part):
    media: RequestMedia
    in_person: InPerson
    electronic_address: ShortText | None = Field(description="آدرس الکترونیکی")


class SystemLink(Part):
    system_name: ShortText | None = Field(description="نام سامانه‌های دیگر")
    exchanged: list[ShortText] | None = Field(description="فیلدهای موردتبادل")
    online: Box = Field(description="استعلام الکترونیکی: برخط (online)")
    batch: Box = Field(description="استعلام الکترونیکی: دسته‌ای (Batch)")
    non_electronic: ShortText | None = Field(description="استعلام غیرالکترونیکی")


class AgencyLink(Part):
    agency_name: ShortText | None = Field(description="نام دستگاه دیگر")
    system_name: ShortText | None = Field(description="نام سامانه‌های دستگاه دیگر")
    exchanged: list[ShortText] | None = Field(description="فیلدهای موردتبادل")
    amount_rial: RialOrZero | None = Field(description="مبلغ (درصورت پرداخت هزینه)")
    online: Box = Field(description="استعلام الکترونیکی: برخط (online)")
    batch: Box = Field(description="استعلام الکترونیکی: دسته‌ای (Batch)")
    by_agency: Box = Field(description="استعلام غیرالکترونیکی توسط دستگاه")
    by_visitor: Box = Field(description="استعلام غیرالکترونیکی توسط مراجعه‌کننده")


class Contact(Part):
    """A telephone or an address as printed; not confirmed means never shown as a link."""

    kind: Literal["phone", "address"]
    printed: ShortText
    value: ShortText
    purpose_fa: ShortText
    confirmed: StrictBool


class StageChannels(Part):
    information: list[Code]
    request: list[Code]
    documents: list[Code]
    production: list[Code]
    delivery: list[Code]


STAGES = tuple(StageChannels.model_fields)


class IdentityCard(Part):
    """All fields F01 to F33 of the form, and the few facts that the statements add to them."""

    service: ServiceName
    name_fa: Title = Field(description="The exact Persian name under which it is published")
    source: ShortText = Field(description="The document that this card was read from")

    form_title: Title | None = Field(description="F01 فرم شناسنامه خدمت دستگاه اجرایی")
    form_version: ShortText | None = Field(description="F01 ویرایش فرم")
    title: Title | None = Field(description="F02 عنوان خدمت")
    sub_title: Title | None = Field(description="F03 زیر خدمت")
    parent_id: ServiceId | None = Field(description="F03 شناسه خدمت بالادست")
    service_id: ServiceId | None = Field(
        description="F04 شناسه خدمت: given by the Management and Planning Organisation, read-only"
    )
    agency: Title | None = Field(description="F05 نام دستگاه اجرایی")
    parent_agency: Title | None = Field(description="F06 نام دستگاه مادر")
    description: LongText | None = Field(description="F07 شرح خدمت")
    service_types: ServiceTypes | None = Field(description="F08 نوع خدمت")
    audience: Title | None = Field(description="F09 نوع مخاطبین")
    nature: Nature | None = Field(description="F10 ماهیت خدمت")
    level: Level | None = Field(description="F11 سطح خدمت")
    life_events: LifeEvents | None = Field(description="F12 رویداد مرتبط با")
    starts_by: StartsBy | None = Field(description="F13 نحوه آغاز خدمت")
    required_documents: list[Title] | None = Field(description="F14 مدارک لازم برای انجام خدمت")
    upstream_rules: list[Title] | None = Field(description="F15 قوانین و مقررات بالادستی")
    recipients_statistic: RecipientsStatistic | None = Field(
        description="F16 آمار تعداد خدمت‌گیرندگان"
    )
    average_duration: Duration | None = Field(description="F17 متوسط مدت زمان ارایه خدمت")
    frequency: Frequency | None = Field(description="F18 تواتر")
    in_person_visits: Whole | None = Field(description="F19 تعداد بار مراجعه حضوری")
    costs: list[Cost] | None = Field(description="F20 هزینه ارایه خدمت (ریال) به خدمت‌گیرندگان")
    web_address: ShortText | None = Field(description="F21 آدرس دقیق و مستقیم خدمت در وبگاه")
    system_name: ShortText | None = Field(description="F22 نام سامانه مربوط به خدمت")
    stage_table: StageTable | None = Field(
        description="F23 مراحل خدمت × نوع ارائه × رسانه ارتباطی خدمت"
    )
    information_media: InformationMedia | None = Field(
        description="F24 مرحله اطلاع‌رسانی خدمت: الکترونیکی"
    )
    information_in_person: InPerson | None = Field(
        description="F25 مرحله اطلاع‌رسانی خدمت: غیرالکترونیکی، ذکر ضرورت مراجعه حضوری"
    )
    stray_text: ShortText | None = Field(
        description="F26 نوشته‌ای بی‌عنوان میان دو بخش فرم: most likely a page number"
    )
    request_media: RequestMedia | None = Field(
        description="F27 مرحله درخواست خدمت: الکترونیکی، دفاتر پیشخوان"
    )
    request_in_person: InPerson | None = Field(
        description="F28 مرحله درخواست خدمت: غیرالکترونیکی، ذکر ضرورت مراجعه حضوری"
    )
    production: Production | None = Field(
        description="F29 مرحله تولید خدمت (فرایند داخل دستگاه یا ارتباط با دیگر دستگاه‌ها)"
    )
    delivery: Delivery | None = Field(description="F30 مرحله ارائه خدمت")
    system_links: list[SystemLink] | None = Field(
        description="F31 ارتباط خدمت با سایر سامانه‌ها (بانک‌های اطلاعاتی) در دستگاه"
    )
    agency_links: list[AgencyLink] | None = Field(
        description="F32 ارتباط خدمت با سایر دستگاه‌های دیگر"
    )
    processes: list[Title] | None = Field(description="F33 عناوین فرایندهای خدمت")

    readings: dict[FieldNumber, Reading] = Field(
        description="By field number: the printed lines, and the confidence of the reading"
    )

    legal_basis: list[Title] | None
    legal_basis_stated: StrictBool = Field(
        description="False where the source keeps an unfilled place for the laws"
    )
    approving_body: Title | None
    policy_owner: Title | None
    policy_domain: Title | None
    outputs: list[Title] | None
    related_agencies: list[Title] | None
    contacts: list[Contact]
    access_hours: list[Title] | None
    channels: StageChannels
    opens_on: Day | None = Field(description="First day of applications; null: not open yet")
    note_fa: LongText | None
    ended_on: Day | None
    ended_by_law_ref: Title | None

    @model_validator(mode="after")
    def _ends_by_law_only(self) -> Self:
        if self.ended_on is not None and self.ended_by_law_ref is None:
            raise PydanticCustomError("end_needs_law_ref", "end_needs_law_ref")
        return self
