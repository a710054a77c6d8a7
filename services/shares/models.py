"""Tables of shares: the case, and whom the agency covers as far as told."""

from typing import ClassVar

from sqlalchemy.orm import DeclarativeBase

from services.shares.workflow import SHARES
from shared.cases import CaseColumns
from shared.storage.coverage import coverage_table
from shared.storage.tables import service_metadata
from shared.workflow import Workflow

metadata = service_metadata("shares")
coverage_table(metadata)


class Base(DeclarativeBase):
    metadata = metadata


class Case(CaseColumns, Base):
    """One client's request about justice shares: to enrol, to correct or to follow up."""

    __tablename__ = "case"
    workflow: ClassVar[Workflow] = SHARES
