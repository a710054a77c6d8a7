"""The public shape of coverage."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.schemas import Body, Id
from shared.values.calendar import Day
from shared.values.text import Code


class CoverageIn(Body):
    """These members of a household come under cover from a day on, for a reason."""

    household_id: Id
    person_ids: list[Id] = Field(min_length=1, max_length=30)
    reason: Code
    started_on: Day
    file_status: Literal["current", "suspended"] = "current"


class CoveredOut(BaseModel):
    """A person's days under a coverage; `to_on` is the first day without it."""

    person_id: UUID
    from_on: date
    to_on: date | None


class CoverageOut(BaseModel):
    """A household's coverage; `state` says whether it holds, `file_status` is another fact."""

    coverage_id: UUID
    version: int
    household_id: UUID
    state: Literal["active", "ended"]
    reason: str
    file_status: str
    started_on: date
    ended_on: date | None
    ended_reason: str | None
    people: list[CoveredOut]
