"""One case of exemption, shown to whom it concerns."""

from services.exemption.models import Case
from services.exemption.schemas import ExemptionCaseOut
from shared.cases import case_router, shown
from shared.storage.db import Transaction
from shared.web.auth import Actor


def show(tx: Transaction, row: Case, actor: Actor) -> ExemptionCaseOut:
    """The case as this caller sees it."""
    return ExemptionCaseOut(**shown(tx, row, actor))


router = case_router("exemption", Case, show, out=ExemptionCaseOut, actions={})
