"""New rates, budgets and quotas, each with its approval; what was in force is not rewritten."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
from sqlalchemy.dialects.postgresql import insert

from services.livelihood.rates import rules
from services.livelihood.rates.errors import QuotaSetThatDay, RateConfirmed, RateOverlaps
from services.livelihood.rates.models import Budget, Rate
from services.livelihood.rates.queries import (
    alone,
    budget_out,
    lock_budget,
    quota_row,
    rate_fields,
)
from services.livelihood.rates.schemas import (
    BudgetIn,
    BudgetOut,
    ClosedOut,
    ConfirmRateIn,
    QuotaIn,
    RateIn,
    RateMade,
    RateOut,
)
from shared.storage import audit, policy
from shared.storage.db import Runtime, Transaction, loads
from shared.storage.step import row_of
from shared.values.calendar import period_bounds, tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.errors import Fault, InvalidInput, NotFound

DATA = Path(__file__).parent.parent / "data" / "rates.json"
_NAMES = UUID("8a1d3f52-6c0e-5b7a-9f24-2d5e7c9b1a36")


async def seed(runtime: Runtime, demo: bool) -> None:  # noqa: FBT001 - the manifest calls it so
    """Load the known history; for a demonstration also a rate and budget that nobody passed.

    What is there already stays as it is.
    """
    data = json.loads(await asyncio.to_thread(DATA.read_text, "utf-8"))
    ranges = data["known"] + (data["demonstration"]["rates"] if demo else [])
    async with runtime.transaction() as tx:
        await _load(tx, Rate.__table__, [rate for given in ranges for rate in _steps(given)])
        if demo:
            budgets = data["demonstration"]["budgets"]
            await _load(tx, Budget.__table__, [budget | {"version": 1} for budget in budgets])


async def _load(tx: Transaction, table: Any, rows: list[dict[str, Any]]) -> None:
    loaded = {"written_by": SYSTEM.sub, "written_at": tx.now}
    given = [row | loaded for row in rows]
    await tx.execute(insert(table).values(given).on_conflict_do_nothing())


def _steps(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One range of months of the file: a row for each step whose figure is known."""
    sourced = {name: given[name] for name in ("approval_ref", "source_ref", "confidence")}
    last = given["to_period"]
    for size, amount in given["amounts_rial"].items():
        yield sourced | {
            "id": uuid5(_NAMES, f"rate/{size}/{given['from_period']}"),
            "covered_size": int(size),
            "amount_rial": amount,
            "from_period": rules.number(given["from_period"]),
            "to_period": None if last is None else rules.number(last),
            "confirmed_by": given["confirmed_by"],
            "announced_on": None,
        }


# Rates


async def set_rate(tx: Transaction, given: RateIn, actor: Actor) -> RateMade:
    """A rate from a month on; the open range before it ends the month before.

    A month that is over may begin one: items of closed months stay, arrears follow (H13).
    Raises RateOverlaps, and InvalidInput where it would end before it begins.
    """
    first = rules.number(given.from_period)
    last = None if given.to_period is None else rules.number(given.to_period)
    if last is not None and last < first:
        fa, en = "پایان نرخ پیش از آغاز آن است", "The rate would end before it begins"
        raise InvalidInput(errors=[Fault("/to_period", "ends_before_it_begins", fa, en)])
    # Two that met only at the constraint could wait for each other; it is the fence behind this.
    await alone(tx, "livelihood.rate")
    closed = await tx.write(
        "UPDATE livelihood.rate SET to_period = $3"
        " WHERE covered_size = $1 AND from_period < $2 AND to_period IS NULL"
        " RETURNING id, to_period",
        given.covered_size,
        first,
        rules.month_before(first),
    )
    row = Rate(
        id=uuid7(),
        covered_size=given.covered_size,
        amount_rial=given.amount_rial,
        from_period=first,
        to_period=last,
        announced_on=tehran_date(tx.now),
        **_entered(tx, given.approval_ref, actor),
    )
    await _insert_rate(tx, row)
    await _recorded(tx, actor, "rate_set", str(row.id))
    ended = closed and ClosedOut(rate_id=closed["id"], to_period=rules.text(closed["to_period"]))
    return RateMade(**rate_fields(vars(row)), closed=ended)


async def _insert_rate(tx: Transaction, row: Rate) -> None:
    values = row_of(row).values
    try:
        await tx.write(
            f"INSERT INTO livelihood.rate ({', '.join(values)})"  # noqa: S608 - names of columns
            f" VALUES ({', '.join(f'${n}' for n in range(1, len(values) + 1))})",
            *values.values(),
        )
    except asyncpg.ExclusionViolationError:
        raise RateOverlaps from None


async def confirm_rate(
    tx: Transaction, rate_id: UUID, given: ConfirmRateIn, actor: Actor
) -> RateOut:
    """A loaded row gets the approval on which it stands. Raises NotFound, RateConfirmed."""
    row = await tx.fetchrow("SELECT confirmed_by FROM livelihood.rate WHERE id = $1", rate_id)
    if row is None:
        raise NotFound
    await tx.begin()
    confirmed = await tx.write(
        "UPDATE livelihood.rate SET approval_ref = $2, confirmed_by = $3"
        " WHERE id = $1 AND confirmed_by IS NULL RETURNING *",
        rate_id,
        given.approval_ref,
        actor.sub,
    )
    if confirmed is None:
        raise RateConfirmed
    await _recorded(tx, actor, "rate_confirmed", str(rate_id))
    return RateOut(**rate_fields(confirmed))


# Budgets


async def set_budget(tx: Transaction, given: BudgetIn, actor: Actor) -> BudgetOut:
    """The next version of a year's budget; those before it stay (LV-05)."""
    await lock_budget(tx, given.year)
    row = await tx.fetchrow(
        "SELECT coalesce(max(version), 0) AS newest FROM livelihood.budget WHERE year = $1",
        given.year,
    )
    budget = Budget(
        year=given.year,
        version=(row["newest"] if row else 0) + 1,
        amount_rial=given.amount_rial,
        **_entered(tx, given.approval_ref, actor),
    )
    await tx.add(budget)
    reference = f"{given.year}/{budget.version}"
    await _recorded(tx, actor, "budget_set", reference)
    return budget_out(vars(budget), in_force=True)


def _entered(tx: Transaction, approval_ref: str, actor: Actor) -> dict[str, Any]:
    """What a row says of itself that an operator enters from its approval."""
    return {
        "approval_ref": approval_ref,
        "source_ref": approval_ref,
        "confidence": "H",
        "confirmed_by": actor.sub,
        "written_by": actor.sub,
        "written_at": tx.now,
    }


# Quotas


async def set_quota(tx: Transaction, given: QuotaIn, actor: Actor) -> None:
    """Quotas of a year from a day of it on, as dated policy; the other provinces keep theirs.

    Raises QuotaSetThatDay, and InvalidInput for a day that is over or outside the year, and for a
    province that the year's table does not know.
    """
    today = tehran_date(tx.now)
    first, last = period_bounds(f"{given.year}-01")[0], period_bounds(f"{given.year}-12")[1]
    day = given.effective_on or max(today, first)
    if not max(today, first) <= day <= last:
        fa, en = "این روز گذشته یا بیرون از آن سال است", "That day is over or outside the year"
        raise InvalidInput(errors=[Fault("/effective_on", "day_not_open", fa, en)])
    before = await quota_row(tx, given.year, day) or await quota_row(tx, given.year - 1, day)
    awards: dict[str, int] = loads(before["value"])["awards"] if before else {}
    for at, quota in enumerate(given.provinces):
        if quota.province not in awards:
            fa, en = "این استان شناخته نیست", "This province is not known"
            pointer = f"/provinces/{at}/province"
            raise InvalidInput(errors=[Fault(pointer, "unknown_province", fa, en)])
    changed = {quota.province: quota.awards for quota in given.provinces}
    try:
        row = await policy.put(
            tx,
            "livelihood.quota",
            {"year": given.year, "awards": awards | changed},
            effective_from=day,
            source_ref=given.approval_ref,
            confidence="H",
            confirmed_by=actor.sub,
        )
    except policy.PolicyExists:
        raise QuotaSetThatDay from None
    await _recorded(tx, actor, "quota_set", str(row.id))


async def _recorded(tx: Transaction, actor: Actor, action: str, reference: str) -> None:
    await audit.record(
        tx,
        actor=actor.sub,
        action=f"livelihood.{action}",
        reference=reference,
        request_id=tx.trace,
    )
