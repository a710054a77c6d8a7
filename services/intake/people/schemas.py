"""The public shape of a person: named by id, the code masked, and only what the office needs."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.schemas import Body
from shared.values.identifiers import NationalCode


class LookupIn(Body):
    """A person by the code that they gave."""

    national_code: NationalCode


class LookupOut(BaseModel):
    """Just enough to see that it is the right person."""

    person_id: UUID
    national_code: str = Field(examples=["***99"])
    initials: str | None
    alive: bool
    in_household: bool
    covered: bool


class HomeOut(BaseModel):
    """The household in which a person lives."""

    household_id: UUID
    relation: str
    joined_on: date
    head_id: UUID
    province: str | None
    office_code: str | None


class CoverOut(BaseModel):
    """The coverage under which a person stands."""

    coverage_id: UUID
    reason: str
    from_on: date
    file_status: str


class ContradictionOut(BaseModel):
    """Two sources say different things: a task for an officer."""

    contradiction_id: UUID
    field: str
    tracking_code: str | None
    noted_at: datetime


class PersonView(BaseModel):
    """What the office of a person's province sees of them."""

    person_id: UUID
    version: int
    national_code: str = Field(examples=["***99"])
    mobile: str | None = Field(examples=["0912***4567"])
    first_name: str | None
    last_name: str | None
    father_name: str | None
    birth_on: date | None
    birth_on_jalali: str | None
    sex: str | None
    marital_status: str | None
    alive: bool
    died_on: date | None
    household: HomeOut | None
    coverage: list[CoverOut]
    contradictions: list[ContradictionOut]
