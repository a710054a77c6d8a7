"""Tables of eligibility: the case, and whom the agency covers as far as told."""

from typing import ClassVar

from sqlalchemy.orm import DeclarativeBase

from services.eligibility.workflow import ELIGIBILITY
from shared.cases import CaseColumns
from shared.storage.coverage import coverage_table
from shared.storage.tables import service_metadata
from shared.workflow import Workflow

metadata = service_metadata("eligibility")
coverage_table(metadata)


class Base(DeclarativeBase):
    metadata = metadata


class Case(CaseColumns, Base):
    """One head of household whose qualification is asked for, or held."""

    __tablename__ = "case"
    workflow: ClassVar[Workflow] = ELIGIBILITY
