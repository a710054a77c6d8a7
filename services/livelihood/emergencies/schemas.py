"""The public shape of emergencies and of what is granted under them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.livelihood.schemas import body
from shared.values.calendar import Day
from shared.values.text import Code, persian_text

Ref = Annotated[str, persian_text(max_length=120, example="مصوبهٔ ۱۲۳ ستاد مدیریت بحران")]
Area = Annotated[list[Code], Field(default_factory=list, max_length=500)]
DECREE = "مصوبه‌ای که اعلام وضعیت بر آن استوار است"

# What comes in


class DeclareIn(BaseModel):
    """An emergency with its decree: which kind, where, from when and until when."""

    model_config = body(
        kind="earthquake",
        provinces=["Kermanshah"],
        counties=[],
        from_on="2026-11-20",
        to_on="2027-05-20",
        decree_ref="مصوبهٔ ۱۲۳ ستاد مدیریت بحران",
    )

    kind: Code = Field(description="نوع؛ فهرست نوع‌ها در مقررات است", examples=["earthquake"])
    provinces: Area = Field(description="استان‌ها", examples=[["Kermanshah"]])
    counties: Area = Field(description="شهرستان‌ها", examples=[["Kermanshah/center"]])
    from_on: Day = Field(description="نخستین روز")
    to_on: Day = Field(description="واپسین روز؛ بی آن پذیرفته نیست")
    decree_ref: Ref = Field(description=DECREE)


class ChangeIn(BaseModel):
    """Another area or end, from next month on; what was paid stays."""

    model_config = body(
        provinces=[],
        counties=["Kermanshah/center"],
        to_on="2027-06-20",
        decree_ref="مصوبهٔ ۱۳۱ ستاد مدیریت بحران",
    )

    provinces: Area = Field(description="استان‌ها", examples=[["Kermanshah"]])
    counties: Area = Field(description="شهرستان‌ها", examples=[["Kermanshah/center"]])
    to_on: Day = Field(description="واپسین روز")
    decree_ref: Ref = Field(description=DECREE)


# What goes out


class EmergencyVersionOut(BaseModel):
    """Area and days from a month on; the highest version up to a month rules it."""

    version: int
    effective_from_period: str = Field(examples=["1405-09"])
    provinces: list[str]
    counties: list[str]
    from_on: date
    from_on_jalali: str
    to_on: date
    to_on_jalali: str
    decree_ref: str
    recorded_at: datetime


class EmergencyOut(BaseModel):
    """A declared emergency; the last of its versions is the newest."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    emergency_id: UUID
    kind: str
    kind_label: str
    declared_at: datetime
    versions: list[EmergencyVersionOut]


class EmergencyAwardOut(BaseModel):
    """A household's support under an emergency."""

    emergency_award_id: UUID
    emergency_id: UUID
    tracking_code: str
    case_id: UUID
    status: str
    status_label: str
    household_id: UUID
    province: str | None
    county: str | None
    people: int = Field(description="شمار اعضایی که حمایت می‌شوند")
    starts_on: date
    starts_on_jalali: str
    ends_on: date
    ends_on_jalali: str
    start_period: str = Field(examples=["1405-09"])
    last_period: str = Field(description="آخرین ماه پرداخت", examples=["1405-12"])
    account_verified: bool
    visit_due_on: date
    visit_due_on_jalali: str
    visited_on: date | None
