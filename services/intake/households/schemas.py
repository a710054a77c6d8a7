"""The public shape of a household."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.schemas import AddressIn, Body, Id, Reason
from shared.values.calendar import Day
from shared.values.identifiers import NationalCode, OfficeCode

Relation = Literal["spouse", "child", "father", "mother", "sibling", "grandchild", "other"]


class MemberIn(Body):
    """Who lives here, and what they are to the head; today where no day is given."""

    national_code: NationalCode
    relation: Relation
    joined_on: Day | None = None


class HouseholdIn(Body):
    """A head, those who live with them, and where."""

    head: NationalCode
    members: list[MemberIn] = Field(default_factory=list, max_length=30)
    address: AddressIn | None = None


class KinIn(Body):
    """What a member is to the new head."""

    person_id: Id
    relation: Relation


class HouseholdChangeIn(Body):
    """The household as it should be: its head, relations to a new one, and its address."""

    head_id: Id
    members: list[KinIn] = Field(default_factory=list, max_length=30)
    address: AddressIn | None = None


class MemberEndIn(Body):
    """Why somebody lives here no more, and from which day."""

    reason: Reason
    on: Day


class TransferIn(Body):
    """To which office the household goes, with its open cases."""

    office_code: OfficeCode
    reason: Reason
    address: AddressIn | None = None


class AddressOut(BaseModel):
    province: str | None
    county: str | None
    postal_code: str | None
    text: str | None


class MemberOut(BaseModel):
    """A person's days in a household; `ended_on` is the first day elsewhere."""

    person_id: UUID
    relation: str
    joined_on: date
    ended_on: date | None
    alive: bool
    covered: bool


class HouseholdOut(BaseModel):
    """A household with everybody who has lived in it."""

    household_id: UUID
    version: int
    head_id: UUID
    province: str | None
    county: str | None
    office_code: str | None
    address: AddressOut | None
    members: list[MemberOut]
    coverage_id: UUID | None
    created_at: datetime
