"""The public shape of a household."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from services.intake.schemas import AddressIn, Body, Id, Name, Reason
from shared.values.calendar import Day
from shared.values.identifiers import NationalCode, OfficeCode, PostalCode
from shared.values.text import Code, persian_text

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


def members_of(cell: Any) -> Any:
    """`code:relation;code:relation` of a file with columns, as a list; another shape as it is."""
    if not isinstance(cell, str):
        return cell
    pairs = [one.strip().partition(":") for one in cell.split(";") if one.strip()]
    return [{"national_code": code, "relation": relation} for code, _, relation in pairs]


class HouseholdRow(Body):
    """A covered household of an older system: one line of a file."""

    head: NationalCode
    members: Annotated[list[MemberIn], BeforeValidator(members_of)] = Field(
        default_factory=list, max_length=30
    )
    province: Name
    county: Name
    postal_code: PostalCode
    address: Annotated[str, persian_text(max_length=300, example="خیابان شوش، پلاک ۳")]
    reason: Code
    covered_on: Day

    def household(self) -> HouseholdIn:
        """The household as an office would form it."""
        address = AddressIn(
            province=self.province,
            county=self.county,
            postal_code=self.postal_code,
            text=self.address,
        )
        members = [
            member.model_copy(update={"joined_on": member.joined_on or self.covered_on})
            for member in self.members
        ]
        return HouseholdIn(head=self.head, members=members, address=address)


class HeadIn(Body):
    """Whose household is meant, for a service of ours."""

    head: NationalCode


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
