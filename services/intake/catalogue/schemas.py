"""The public shape of the catalogue, beside the card and the statement themselves."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.catalogue.card import Cost, Duration, ServiceName
from services.intake.schemas import Body
from shared.values.calendar import Day
from shared.values.identifiers import OfficeCode
from shared.values.text import Code

LifeEvent = Literal[
    "birth", "education", "health", "tax", "business", "social_security",
    "ownership_registration", "urban_utilities", "insurance", "marriage", "retirement",
    "documents_and_certificates", "death", "other",
]  # fmt: skip
"""The boxes of field F12."""


class ServiceRow(BaseModel):
    """One service in the list; the whole card stands under its own address."""

    service: str
    service_id: str | None
    parent_id: str | None
    name_fa: str
    title: str | None
    sub_title: str | None
    agency: str | None
    average_duration: Duration | None
    in_person_visits: int | None
    costs: list[Cost] | None
    opens_on: date | None
    ended_on: date | None
    version: int
    statement_version: int | None


class Paper(BaseModel):
    """A paper that a request may need; `fa` is its Persian name."""

    kind: str
    required: bool
    fa: str


class StatementRow(BaseModel):
    """One version of a statement, without its text."""

    service: str
    version: int
    name: str
    valid_from: date
    valid_to: date | None


class AreaOut(BaseModel):
    """A province, or a county of one."""

    id: str
    parent_id: str | None
    kind: str
    name_fa: str


class OfficeOut(BaseModel):
    """An office of the agency and the counties that it serves."""

    code: str
    name_fa: str
    province: str
    counties: list[str]


class ContractIn(Body):
    """A counter office may file for these services, both days included (JS-23)."""

    number: Code
    office_code: OfficeCode
    services: list[ServiceName] = Field(min_length=1, max_length=5)
    from_on: Day
    to_on: Day | None = None


class ContractOut(BaseModel):
    """A contract as it is kept."""

    id: UUID
    number: str
    office_code: str
    services: list[str]
    from_on: date
    to_on: date | None


ServiceRef = Annotated[
    str,
    Field(
        pattern=r"^([a-z]{1,30}|[0-9]{11})$",
        description="The name of a service, or its official id",
        examples=["livelihood", "19072702000"],
    ),
]
