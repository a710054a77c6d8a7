"""The public shape of an application."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.schemas import AddressIn, Body, Name
from shared.values.calendar import Day
from shared.values.identifiers import LegalId, Mobile, NationalCode, Sheba
from shared.values.money import Rial
from shared.values.text import Code, LongText, Parsed, ShortText, parse_code, persian_text

ChannelName = Annotated[
    str, Parsed(parse_code, "counter", pattern=r"^[A-Za-z0-9_.:/-]{1,64}$", max_length=64)
]


class ApplicantIn(Body):
    """Who asks, with the mobile number that is theirs."""

    national_code: NationalCode
    birth_on: Day
    mobile: Mobile


class SubjectIn(Body):
    """Who is served, where that is somebody else."""

    national_code: NationalCode


class ProofIn(Body):
    """By what right one acts for another; a guardian is named by their national code."""

    kind: Literal["one_time_code", "power_of_attorney", "guardian"]
    value: Annotated[str, persian_text(max_length=200, example="482913")]


class LivelihoodDetails(Body):
    """What the livelihood service asks: for what reason, to which account, who lives together."""

    reason: Literal["elderly", "disabled", "no_head", "illness", "other"]
    sheba: Sheba
    address: AddressIn
    members: list[NationalCode] = Field(default_factory=list, max_length=30)
    emergency_id: UUID | None = Field(default=None, strict=False)


class NoDetails(Body):
    """Nothing beyond who asks."""


class ExemptionDetails(Body):
    """On which ground, and which parent it rests on."""

    ground: Literal["mother_divorced", "mother_widowed", "only_son_three_daughters"]
    parent_national_code: NationalCode


class SharesDetails(Body):
    """What is asked about the justice shares."""

    kind: Literal["enrol", "correct", "follow_up"]
    text: LongText


class PlanIn(Body):
    """A business, as the applicant sees it."""

    title: ShortText
    trade: ShortText
    county: Name
    cost_rial: Rial
    jobs: Annotated[int, Field(strict=True, ge=1, le=1000)]


class LoanDetails(Body):
    """Which loan, for what."""

    applicant_kind: Literal["person", "employer"]
    legal_id: LegalId | None = None
    product: Code
    amount_rial: Rial
    plan: PlanIn


class Envelope(Body):
    """What every application has, whichever service it is for."""

    channel: ChannelName
    applicant: ApplicantIn
    subject: SubjectIn | None = None
    statement_version: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    declaration_accepted: bool
    proof: ProofIn | None = None
    draft: bool = False


class LivelihoodIn(Envelope):
    service: Literal["livelihood"]
    details: LivelihoodDetails


class EligibilityIn(Envelope):
    service: Literal["eligibility"]
    details: NoDetails = Field(default_factory=NoDetails)


class ExemptionIn(Envelope):
    service: Literal["exemption"]
    details: ExemptionDetails


class SharesIn(Envelope):
    service: Literal["shares"]
    details: SharesDetails


class LoansIn(Envelope):
    service: Literal["loans"]
    details: LoanDetails


ApplicationIn = Annotated[
    LivelihoodIn | EligibilityIn | ExemptionIn | SharesIn | LoansIn,
    Field(discriminator="service"),
]
EXAMPLE: dict[str, Any] = {
    "service": "livelihood",
    "channel": "counter",
    "applicant": {
        "national_code": "0499370899",
        "birth_on": "1981-03-02",
        "mobile": "09121234567",
    },
    "statement_version": 1,
    "declaration_accepted": True,
    "details": {
        "reason": "no_head",
        "sheba": "IR280170000000301000000137",
        "address": {
            "province": "تهران",
            "county": "تهران",
            "postal_code": "1311675319",
            "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
        },
        "members": ["0029183456", "0027456196"],
    },
}


FILED: dict[str, Any] = {
    "tracking_code": "SH-PHC26MXDKE",
    "service": "livelihood",
    "status": "submitted",
    "status_label": "ثبت‌شده",
    "version": 1,
    "submitted_at": "2026-11-22T08:00:00Z",
    "submitted_at_jalali": "1405-09-01",
    "due_on": "2026-12-22",
    "due_on_jalali": "1405-10-01",
    "applicant": {
        "person_id": "019a9d5e-4c2b-7f52-b0a9-1d3c5e7f9a24",
        "national_code": "***99",
    },
    "subject": {"person_id": "019a9d5e-4c2b-7f52-b0a9-1d3c5e7f9a24", "national_code": "***99"},
    "channel": "counter",
    "office_code": "72010001",
    "next_step": "درخواست به حوزهٔ محل سکونت شما ارجاع می‌شود.",
    "identity": "confirmed",
}
READ: dict[str, Any] = FILED | {
    "handling_office": "T-1",
    "case_status": None,
    "case_status_label": None,
    "case_url": None,
    "details": None,
    "sla": {
        "due_on": "2026-12-22",
        "due_on_jalali": "1405-10-01",
        "elapsed_days": 0,
        "paused": False,
        "breached": False,
    },
    "actions": ["withdraw"],
    "timeline": [
        {
            "service": "intake",
            "step": "submit",
            "label": "درخواست ثبت شد",
            "status": "submitted",
            "status_label": "ثبت‌شده",
            "actor_role": "counter",
            "channel": "counter",
            "facts": {"due_on": "2026-12-22"},
            "at": "2026-11-22T08:00:00Z",
            "at_jalali": "1405-09-01",
        }
    ],
}


def _shows(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class PersonOut(BaseModel):
    """A person in an answer: named by id, the code masked but for those whose case it is."""

    person_id: UUID
    national_code: str


class ApplicationOut(BaseModel):
    """The answer to an application that was filed."""

    model_config = _shows(FILED)

    tracking_code: str
    service: str
    status: str
    status_label: str
    version: int
    submitted_at: datetime | None
    submitted_at_jalali: str | None
    due_on: date | None
    due_on_jalali: str | None
    applicant: PersonOut
    subject: PersonOut
    channel: str
    office_code: str | None
    next_step: str | None
    identity: Literal["confirmed", "pending", "refused"]


class Sla(BaseModel):
    """The promised time: when it ends, how much has gone, whether it waits or is over."""

    due_on: date | None
    due_on_jalali: str | None
    elapsed_days: int
    paused: bool
    breached: bool


class TimelineEntry(BaseModel):
    """One thing that happened, in the application or in its service."""

    service: str
    step: str
    label: str
    status: str
    status_label: str
    actor_role: str
    channel: str | None
    facts: dict[str, str]
    at: datetime
    at_jalali: str


class ApplicationView(ApplicationOut):
    """An application with its whole story."""

    model_config = _shows(READ)

    handling_office: str | None = Field(description="The office that works on it")
    case_status: str | None
    case_status_label: str | None
    case_url: str | None = Field(description="Where the service shows its case and its decision")
    details: dict[str, Any] | None = Field(
        description="As filed; shown to whose application it is and to who works on it"
    )
    sla: Sla
    actions: list[str]
    timeline: list[TimelineEntry]


class ApplicationRow(BaseModel):
    """One line of a list."""

    tracking_code: str
    service: str
    status: str
    status_label: str
    case_status: str | None
    channel: str
    office_code: str | None
    handling_office: str | None
    submitted_at: datetime | None
    submitted_at_jalali: str | None
    due_on: date | None
    due_on_jalali: str | None
    overdue: bool


class DetailsIn(Body):
    """What may still change in a draft, or when documents were asked for."""

    model_config = _shows({"details": EXAMPLE["details"]})

    details: dict[str, Any]


class ReasonIn(Body):
    """Why, in a sentence that goes into the history."""

    reason: Annotated[str, persian_text(max_length=500, example="متقاضی منصرف شده است")]


class DocumentsWantedIn(Body):
    """Which papers are missing."""

    kinds: list[Code] = Field(min_length=1, max_length=20)
    reason: Annotated[str, persian_text(max_length=500, example="تصویر شناسنامه ناخواناست")]


class VisitWantedIn(Body):
    """An invitation: why, where and when. `other` needs its text (JS-20)."""

    reason_kind: Literal["identity", "document", "no_infrastructure", "other"]
    reason: Annotated[str, persian_text(max_length=500, example="احراز اصالت مدرک")] | None = None
    place_level: Literal["national", "provincial", "county"]
    place: ShortText
    on: Day


class VisitDoneIn(Body):
    """The applicant came, or did not."""

    attended: bool
    reason: Annotated[str, persian_text(max_length=500, example="مدرک اصل دیده شد")]


class FollowIn(Body):
    """Follow an application without signing in."""

    tracking_code: Annotated[str, Field(max_length=20, examples=["SH-PHC26MXDKE"])]
    mobile: Mobile


class FollowOut(BaseModel):
    """The short public status: nothing that names anybody."""

    tracking_code: str
    service: str
    status: str
    status_label: str
    case_status_label: str | None
    next_step: str | None
    due_on: date | None
    due_on_jalali: str | None
