"""Another person than the preparer secures the funds of a run, within the year's budget."""

from services.livelihood.ledger.actions import post
from services.livelihood.ledger.rules import FUNDING, FUNDS, transfer
from services.livelihood.runs import queries, rules
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import FundIn
from shared.storage.db import Transaction
from shared.web.auth import SYSTEM, Actor
from shared.workflow import advance

SECURED = "run_funded"


async def fund(tx: Transaction, run: Run, actor: Actor, body: FundIn) -> None:
    """Bind the run's whole amount in its year's budget, or let the whole run wait (LV-05, H15).

    What is held in the run is bound with it: it is owed, and paid when the hold is gone. Both steps
    are one transaction; only the second one's answer is kept.
    """
    await tx.begin()
    run.approval_ref = body.approval_ref
    reply, tx.reply = tx.reply, None
    await advance(tx, run, "fund", actor)
    tx.reply, tx.if_match = reply, None
    amount = (run.planned_rial or 0) + (run.held_rial or 0)
    year = rules.year_of(run.period)
    budget = await queries.budget_locked(tx, year)
    if await queries.bound_in(tx, year) + amount > budget:
        await advance(tx, run, "block_for_funds", SYSTEM, facts={"year": str(year)})
        return
    if amount:
        lines = transfer(amount, debit=FUNDS, credit=FUNDING)
        await post(tx, SECURED, str(run.id), lines, run_id=run.id)
    await advance(tx, run, "secure_funds", SYSTEM, facts={"year": str(year)})
