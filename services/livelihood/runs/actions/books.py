"""What a closed list comes to in the books."""

from services.livelihood.ledger.actions import post
from services.livelihood.ledger.queries import debts_changed, withdrawn
from services.livelihood.ledger.rules import PAYABLE, RECOVERY, SUPPORT, Line, transfer
from services.livelihood.runs.models import Run
from shared.storage.db import Transaction

APPROVED, RECKONED, WITHDRAWN = "run_approved", "run_reckoned", "run_withdrawn"
# Where a change of what is to be recovered is entered: debit, credit.
SIDES = {
    "found": (RECOVERY, SUPPORT),
    "cancelled": (SUPPORT, RECOVERY),
}


async def enter(tx: Transaction, run: Run) -> None:
    """Enter what a list owes, what it keeps back, and how it changed what is to be recovered.

    What is found to be owed more is entered when a list of arrears pays it.
    """
    debts = await debts_changed(tx, run.id)
    owed, kept = (run.planned_rial or 0) + (run.held_rial or 0), debts.pop("offset", 0)
    if owed:
        lines = [Line(SUPPORT, "debit", owed + kept), Line(PAYABLE, "credit", owed)]
        lines += [Line(RECOVERY, "credit", kept)] if kept else []
        await post(tx, APPROVED, str(run.id), lines, run_id=run.id)
    if debts:
        lines = []
        for change, rial in sorted(debts.items()):
            debit, credit = SIDES[change]
            lines += transfer(rial, debit=debit, credit=credit)
        await post(tx, RECKONED, str(run.id), lines, run_id=run.id)
    # What is withdrawn was owed by the run that it was in; of it, what had been recovered by then
    # is given back by a list of arrears.
    for of_run, rial, debt in await withdrawn(tx, run.id):
        lines = [Line(PAYABLE, "debit", rial)]
        lines += [Line(RECOVERY, "credit", debt)] if debt else []
        lines += [Line(SUPPORT, "credit", rial - debt)] if rial > debt else []
        await post(tx, WITHDRAWN, f"{run.id}/{of_run}", lines, run_id=of_run)
