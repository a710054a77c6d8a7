"""The public shape of shares."""

from services.shares.workflow import SHARES, Status
from shared.cases import CaseOut, case_example


class SharesCaseOut(CaseOut):
    """One client's request about justice shares: to enrol, to correct or to follow up."""

    model_config = case_example(SHARES, "open", "pass_coverage")

    status: Status
