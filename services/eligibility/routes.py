"""One case of eligibility, shown to whom it concerns."""

from services.eligibility.models import Case
from services.eligibility.schemas import EligibilityCaseOut
from shared.cases import case_router, shown
from shared.storage.db import Transaction
from shared.web.auth import Actor


def show(tx: Transaction, row: Case, actor: Actor) -> EligibilityCaseOut:
    """The case as this caller sees it."""
    return EligibilityCaseOut(**shown(tx, row, actor))


router = case_router("eligibility", Case, show, out=EligibilityCaseOut, actions={})
