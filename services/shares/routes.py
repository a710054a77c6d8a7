"""One case of shares, shown to whom it concerns."""

from services.shares.models import Case
from services.shares.schemas import SharesCaseOut
from shared.cases import case_router, shown
from shared.storage.db import Transaction
from shared.web.auth import Actor


def show(tx: Transaction, row: Case, actor: Actor) -> SharesCaseOut:
    """The case as this caller sees it."""
    return SharesCaseOut(**shown(tx, row, actor))


router = case_router("shares", Case, show, out=SharesCaseOut, actions={})
