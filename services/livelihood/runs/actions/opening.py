"""A preparer opens a month."""

import asyncpg

from services.livelihood.emergencies.queries import worth_in
from services.livelihood.runs import queries, rules
from services.livelihood.runs.errors import RatesIncomplete, RunExists
from services.livelihood.runs.lists.kinds import RECKON
from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import OpenRunIn
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import Row
from shared.storage.timers import timer_values
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import Actor
from shared.workflow import advance

SNAPSHOT = "snapshot_run"
ONE = "one_run_of_a_kind"


async def prepared(tx: Transaction, body: OpenRunIn) -> Run:
    """A run of this month with the rates of this month, not yet written.

    Raises RatesIncomplete, and WorthMissing for emergencies.
    """
    period = rules.as_number(body.period)
    rates = await queries.rates_for(tx, period)
    if missing := rules.missing_sizes(rates):
        raise RatesIncomplete(covered_sizes=missing)
    today = tehran_date(tx.now)
    reckons = await queries.closed_months(tx, period) if body.kind in RECKON else []
    worth = await worth_in(tx, body.period) if body.kind == "emergency" else None
    return Run(
        id=uuid7(),
        period=period,
        kind=body.kind,
        opened_at=tx.now,
        rates=[list(rate) for rate in rates],
        rate_version=rules.rate_version(rates, worth),
        worth=worth,
        reckons=[one.as_json() for one in reckons],
        recovery=await policy.on(tx, "livelihood.recovery", today),
    )


async def open_run(tx: Transaction, run: Run, actor: Actor) -> None:
    """Open the month; its snapshot begins at once, and goes on whatever happens to this process.

    Raises RunExists for a second one.
    """
    due = timer_values(SNAPSHOT, subject_id=run.id, due_at=tx.now)
    try:
        await advance(tx, run, "open", actor, also=[Row(tx.tables.timer, due)])
    except asyncpg.UniqueViolationError as clash:
        if clash.constraint_name != ONE:
            raise
        there = await queries.run_of(tx, run.period, run.kind)
        raise RunExists(run_id=str(there)) from None
    tx.runtime.due.set()
