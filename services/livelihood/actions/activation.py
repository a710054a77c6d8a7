"""From the confirmation to the award: coverage, account and quota, and then it is active.

The system tries when coverage starts and when an account was mended; what it cannot know (the
central bank does not answer) is asked again later and never guessed.
"""

from datetime import timedelta
from uuid import UUID

from services.livelihood import queries, rules
from services.livelihood.awards.actions.begin import begin, living, may_return_on, morning_of
from services.livelihood.awards.errors import ReturnTooEarly
from services.livelihood.clients import account_of
from services.livelihood.emergencies import queries as emergencies
from services.livelihood.emergencies.rules import regular_start
from services.livelihood.errors import (
    AccountNotVerified,
    CoverageNotStarted,
    HouseholdHasAward,
    QuotaFull,
)
from services.livelihood.models import AdmissionCase
from services.livelihood.workflow import Status
from shared.cases import Nothing, find
from shared.storage import policy
from shared.storage.coverage import Covered, covered
from shared.storage.db import Transaction
from shared.storage.timers import remind
from shared.values.calendar import period_bounds, period_of, tehran_date
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyUnavailable
from shared.workflow import advance

ACTIVATE = "activate"
VERIFIED = "verified"


async def try_to_activate(tx: Transaction, case_id: UUID) -> None:
    """Go as far as coverage, account and quota allow: the system's own step.

    From the waiting list it only sees to the account; whose turn it is an approver says.
    """
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is None or row.status not in {Status.CONFIRMED, Status.WAITING_LIST}:
        return
    people = await covered_people(tx, row)
    if not people or await queries.has_open_award(tx, people[0].household_id):
        return
    return_on = await may_return_on(tx, people[0].household_id, row.applicant_id)
    if return_on is not None and tehran_date(tx.now) < return_on:
        await remind(tx, ACTIVATE, subject_id=row.id, due_at=morning_of(return_on))
        return
    try:
        state = await ask_about_account(tx, row)
    except PartyUnavailable:
        await _ask_again(tx, row)
        return
    if state != VERIFIED:
        await ask_for_account(tx, row, state)
    elif row.status == Status.CONFIRMED:
        await tx.begin()
        if await queries.waiting_before(tx, row) or not await take_quota(tx, row):
            await _join_waiting_list(tx, row)
        else:
            await _activate(tx, row, SYSTEM, people)


async def activate(tx: Transaction, row: AdmissionCase, actor: Actor, _: Nothing) -> None:
    """An approver's word: from the waiting list, or after a mended account.

    Raises CoverageNotStarted, HouseholdHasAward, ReturnTooEarly, AccountNotVerified, QuotaFull,
    PartyUnavailable.
    """
    people = await covered_people(tx, row)
    if not people:
        raise CoverageNotStarted
    if await queries.has_open_award(tx, people[0].household_id):
        raise HouseholdHasAward
    return_on = await may_return_on(tx, people[0].household_id, row.applicant_id)
    if return_on is not None and tehran_date(tx.now) < return_on:
        raise ReturnTooEarly(may_return_on=return_on.isoformat())
    state = await ask_about_account(tx, row)
    if state != VERIFIED:
        # The refusal is undone as a whole; that the applicant is asked is the system's own work.
        async with tx.runtime.transaction() as aside:
            await remind(aside, ACTIVATE, subject_id=row.id, due_at=tx.now)
        raise AccountNotVerified(account_state=state)
    await tx.begin()
    if not await take_quota(tx, row):
        raise QuotaFull
    await _activate(tx, row, actor, people)


async def covered_people(tx: Transaction, row: AdmissionCase) -> list[Covered]:
    """The living covered members of the household of the person served; empty when not covered."""
    mine = await covered(tx, person_ids=[row.subject_id])
    return await living(tx, await covered(tx, household_id=mine[0].household_id)) if mine else []


async def ask_about_account(tx: Transaction, row: AdmissionCase) -> str:
    """Whether the account is the applicant's own and open, as the central bank says.

    A good answer is good for as long as policy says. Raises PartyUnavailable.
    """
    rule = await policy.on(tx, "livelihood.inquiry.central_bank", tehran_date(tx.now))
    if row.account_state == VERIFIED and row.account_checked_at is not None:
        fresh_until = row.account_checked_at + timedelta(seconds=rule["cache_s"])
        if tx.now < fresh_until:
            return VERIFIED
    sheba = queries.opened(tx, row, "sheba")
    answer = await account_of(tx.runtime, sheba) if sheba else None  # identified: not given yet
    return rules.account_state(answer, owner=row.applicant_index)


async def _ask_again(tx: Transaction, row: AdmissionCase) -> None:
    """Remember that nobody knows, and ask after the time that policy names."""
    rule = await policy.on(tx, "livelihood.inquiry.central_bank", tehran_date(tx.now))
    due_at = tx.now + timedelta(seconds=rule["retry_s"])
    await remind(tx, ACTIVATE, subject_id=row.id, due_at=due_at)
    await tx.write(
        "UPDATE livelihood.\"case\" SET account_state = 'unavailable', account_checked_at = $3"
        " WHERE id = $1 AND version = $2",
        row.id,
        row.version,
        tx.now,
    )


async def ask_for_account(tx: Transaction, row: AdmissionCase, state: str) -> None:
    """Tell the applicant, once for each thing that is wrong, that another account is needed."""
    if row.account_state == state:
        return
    row.account_state, row.account_checked_at = state, tx.now
    await advance(tx, row, "ask_for_account", SYSTEM, facts={"account": state})


async def take_quota(tx: Transaction, row: AdmissionCase) -> bool:
    """Take one place of this year's quota of the province, if there is one left.

    The row stays locked until the transaction ends, so that two never take the last place.
    """
    today = tehran_date(tx.now)
    rule = await policy.on(tx, "livelihood.quota", today)
    year, most = rules.quota_of(rule, row.province, today)
    taken = await tx.write(
        """
        INSERT INTO livelihood.quota AS q (year, province, used)
        SELECT $1, $2, 1 WHERE $3::int > 0
        ON CONFLICT (year, province) DO UPDATE SET used = q.used + 1 WHERE q.used < $3
        RETURNING used
        """,
        year,
        row.province,
        most,
    )
    return taken is not None


async def _join_waiting_list(tx: Transaction, row: AdmissionCase) -> None:
    row.account_state, row.account_checked_at = VERIFIED, tx.now
    row.waiting_since = tx.now
    rank = 1 + await queries.waiting_before(tx, row)
    await advance(tx, row, "join_waiting_list", SYSTEM, facts={"rank": str(rank)})


async def _activate(
    tx: Transaction, row: AdmissionCase, actor: Actor, people: list[Covered]
) -> None:
    """The award begins with this Jalali month; it is written in the step's own statement."""
    sheba = queries.opened(tx, row, "sheba")
    first = await _after_emergency(tx, row, people[0].household_id)
    award, rows = await begin(tx, row, actor, people, sheba, after_emergency=first)
    row.award_id, row.household_id = award.id, award.household_id
    row.account_state, row.account_checked_at = VERIFIED, tx.now
    facts = {"start_period": award.start_period}
    await advance(tx, row, "activate", actor, facts=facts, also=rows)


async def _after_emergency(tx: Transaction, row: AdmissionCase, household_id: UUID) -> str | None:
    """The first month after emergency support that the household had meanwhile (H26)."""
    here = period_of(tx.now)
    until = await emergencies.paid_until(tx, household_id, here)
    pending = until is not None and row.submitted_on <= period_bounds(until)[1]
    return regular_start(until, here=here, pending=pending)
