"""Tables of loans: the case, and whom the agency covers as far as told."""

from typing import ClassVar

from sqlalchemy.orm import DeclarativeBase

from services.loans.workflow import LOAN
from shared.cases import CASEWORKERS, LOAN_EXPERTS, CaseColumns
from shared.storage.coverage import coverage_table
from shared.storage.tables import service_metadata
from shared.web.auth import Role
from shared.workflow import Workflow

metadata = service_metadata("loans")
coverage_table(metadata)


class Base(DeclarativeBase):
    metadata = metadata


class Case(CaseColumns, Base):
    """One request for an employment loan, and after the money the plan that it pays for."""

    __tablename__ = "case"
    workflow: ClassVar[Workflow] = LOAN

    @property
    def read_by(self) -> frozenset[Role]:
        """Counsellors and employment experts work on these."""
        return CASEWORKERS | LOAN_EXPERTS
