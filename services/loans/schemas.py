"""The public shape of loans."""

from services.loans.workflow import LOAN, Status
from shared.cases import CaseOut, case_example


class LoanCaseOut(CaseOut):
    """One request for an employment loan, and after the money the plan that it pays for."""

    model_config = case_example(LOAN, "open", "start_social_work")

    status: Status
