"""The public shape of exemption."""

from services.exemption.workflow import EXEMPTION, Status
from shared.cases import CaseOut, case_example


class ExemptionCaseOut(CaseOut):
    """One son asks to be exempt, on the ground that the law names; after delivery, his letter."""

    model_config = case_example(EXEMPTION, "open", "pass_coverage")

    status: Status
