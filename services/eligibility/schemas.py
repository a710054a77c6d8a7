"""The public shape of eligibility."""

from services.eligibility.workflow import ELIGIBILITY, Status
from shared.cases import CaseOut, case_example


class EligibilityCaseOut(CaseOut):
    """One head of household whose qualification is asked for, or held."""

    model_config = case_example(ELIGIBILITY, "open")

    status: Status
