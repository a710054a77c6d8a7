"""The public shape of exemption."""

from services.exemption.workflow import Status
from shared.cases import CaseOut


class ExemptionCaseOut(CaseOut):
    """One son asks to be exempt, on the ground that the law names; after delivery, his letter."""

    status: Status
