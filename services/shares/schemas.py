"""The public shape of shares."""

from services.shares.workflow import Status
from shared.cases import CaseOut


class SharesCaseOut(CaseOut):
    """One client's request about justice shares: to enrol, to correct or to follow up."""

    status: Status
