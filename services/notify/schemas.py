"""The public shapes of notify."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.notify.rules import Words
from services.notify.workflow import Status
from shared.values.calendar import Day
from shared.values.text import LongText, ShortText, persian_text

SmsText = Annotated[
    str, persian_text(max_length=400, example="سها: درخواست {tracking_code} ثبت شد.")
]


class InboxItemOut(BaseModel):
    """A message in the citizen's inbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019a9d5e-5f00-7c41-9b1e-6a0d2c7e8f13",
                    "topic": "application.submitted",
                    "tracking_code": "SH-PHC26MXDKE",
                    "title": "درخواست شما ثبت شد",
                    "text": "درخواست شما با کد رهگیری SH-PHC26MXDKE ثبت شد و اکنون به حوزهٔ محل"
                    " سکونت شما ارجاع می‌شود.",
                    "created_at": "2026-11-22T08:00:01Z",
                    "created_at_jalali": "1405-09-01",
                    "read_at": None,
                }
            ]
        }
    )

    id: UUID
    topic: str
    tracking_code: str | None
    title: str
    text: str
    created_at: datetime
    created_at_jalali: str
    read_at: datetime | None


class NoticeOut(BaseModel):
    """What became of one SMS; its text stays between the agency and the citizen."""

    id: UUID
    topic: str
    tracking_code: str | None
    channel: str
    mobile: str | None = Field(
        description="Masked; null before the turn of one of very many has come",
        examples=["0912***4567"],
    )
    status: Status
    status_label: str
    segments: int
    provider: str | None
    attempts: int
    error_code: str | None = Field(description="The provider's own code")
    created_at: datetime
    changed_at: datetime


class WordsIn(BaseModel):
    """The three texts of a topic."""

    model_config = ConfigDict(extra="forbid")

    title: ShortText
    sms: SmsText
    inbox: LongText

    @property
    def words(self) -> Words:
        return Words(self.title, self.sms, self.inbox)


class TemplateIn(WordsIn):
    """A new version of the texts, in force from a day on."""

    valid_from_on: Day


class TemplateVersion(BaseModel):
    """From when to when (excluded) a version holds, and who wrote it."""

    version: int
    valid_from_on: date
    valid_to_on: date | None
    written_by: str
    written_at: datetime


class TemplateOut(BaseModel):
    """The texts in force today; the ETag names the newest version."""

    topic: str
    version: int
    title: str
    sms: str
    inbox: str
    segments: int
    placeholders: list[str]
    versions: list[TemplateVersion]


class PreviewOut(BaseModel):
    """Texts filled with sample data, as a person would read them."""

    title: str
    sms: str
    inbox: str
    segments: int
