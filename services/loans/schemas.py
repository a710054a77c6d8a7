"""The public shape of loans."""

from services.loans.workflow import Status
from shared.cases import CaseOut


class LoanCaseOut(CaseOut):
    """One request for an employment loan, and after the money the plan that it pays for."""

    status: Status
