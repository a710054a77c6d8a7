"""The public shape of a life event."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.schemas import Body
from shared.values.calendar import Day
from shared.values.identifiers import NationalCode
from shared.values.text import persian_text

Kind = Literal[
    "death", "death_reversed", "marriage", "divorce", "birth", "business_sustained",
    "income_changed", "moved",
]  # fmt: skip


class LifeEventIn(Body):
    """What happened to whom, when, and on what evidence; a birth names the child."""

    kind: Kind
    national_code: NationalCode
    occurred_on: Day
    evidence: Annotated[str, persian_text(max_length=200, example="گواهی ۱۴۰۵/۲۳")] | None = None


class LifeEventOut(BaseModel):
    """The event as it is kept; `repeated` when it was known already and nobody was told again."""

    life_event_id: UUID
    person_id: UUID
    kind: str
    occurred_on: date = Field(description="Of a death, the day that the civil registry gives")
    occurred_on_jalali: str
    reported_at: datetime
    repeated: bool
