"""The public shape of eligibility."""

from services.eligibility.workflow import Status
from shared.cases import CaseOut


class EligibilityCaseOut(CaseOut):
    """One head of household whose qualification is asked for, or held."""

    status: Status
