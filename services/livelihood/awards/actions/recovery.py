"""What was paid too much is kept back in small parts; a person decides how small, and when not."""

from datetime import date
from typing import Any

from services.livelihood.awards import rules
from services.livelihood.awards.errors import AboveRecoveryCap, NothingToRecover
from services.livelihood.awards.models import Award, RecoveryPlan
from services.livelihood.awards.schemas import RecoveryPlanIn
from services.livelihood.rates.queries import rate_on
from services.livelihood.rates.rules import number
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import row_of
from shared.values.calendar import period_of, tehran_date
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput
from shared.workflow import advance


async def set_recovery_plan(
    tx: Transaction, row: Award, actor: Actor, body: RecoveryPlanIn
) -> None:
    """So much of each month from the next list on, or nothing until a month is over (H01).

    Raises NothingToRecover, AboveRecoveryCap, RateMissing, and InvalidInput for a pause that is
    over already or longer than policy allows.
    """
    if not row.debt_rial:
        raise NothingToRecover
    today = tehran_date(tx.now)
    rule = await policy.on(tx, "livelihood.recovery", today)
    if body.paused_until is not None:
        _must_be_short(body.paused_until, today, rule)
    rate = await rate_on(tx, max(row.covered_size, 1), number(period_of(today)))
    cap = rules.recovery_cap(rate.amount_rial, rule)
    if body.month_rial > cap:
        raise AboveRecoveryCap(cap_rial=cap)
    row.month_rial, row.paused_until = body.month_rial, body.paused_until
    plan = RecoveryPlan(
        award_id=row.id,
        version=row.version + 1,
        month_rial=body.month_rial,
        paused_until=body.paused_until,
        recorded_at=tx.now,
    )
    facts = {"paused_until": body.paused_until} if body.paused_until else {}
    await advance(
        tx, row, "set_recovery_plan", actor, reason=body.reason, facts=facts, also=[row_of(plan)]
    )


def _must_be_short(paused_until: str, today: date, rule: dict[str, Any]) -> None:
    here = period_of(today)
    if here <= paused_until < rules.next_period(here, rule["pause_months"]):
        return
    words = "این ماه گذشته یا دورتر از آن است که مقرره می‌گوید", "Over, or later than policy allows"
    raise InvalidInput(errors=[Fault("/paused_until", "pause_out_of_range", *words)])
