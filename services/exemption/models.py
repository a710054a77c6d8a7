"""Tables of exemption: the case, and whom the agency covers as far as told."""

from typing import ClassVar

from sqlalchemy.orm import DeclarativeBase

from services.exemption.workflow import EXEMPTION
from shared.cases import CaseColumns
from shared.storage.coverage import coverage_table
from shared.storage.tables import service_metadata
from shared.workflow import Workflow

metadata = service_metadata("exemption")
coverage_table(metadata)


class Base(DeclarativeBase):
    metadata = metadata


class Case(CaseColumns, Base):
    """One son asks to be exempt, on the ground that the law names; after delivery, his letter."""

    __tablename__ = "case"
    workflow: ClassVar[Workflow] = EXEMPTION
