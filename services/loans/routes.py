"""One case of loans, shown to whom it concerns."""

from services.loans.models import Case
from services.loans.schemas import LoanCaseOut
from shared.cases import case_router, shown
from shared.storage.db import Transaction
from shared.web.auth import Actor


def show(tx: Transaction, row: Case, actor: Actor) -> LoanCaseOut:
    """The case as this caller sees it."""
    return LoanCaseOut(**shown(tx, row, actor))


router = case_router("loans", Case, show, out=LoanCaseOut, actions={})
