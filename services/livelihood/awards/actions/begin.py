"""An award begins: its rows, for the statement of the step that makes a case active."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from services.livelihood import queries as admission
from services.livelihood import rules as terms
from services.livelihood.awards import queries, rules
from services.livelihood.awards.actions.life import LOOK
from services.livelihood.awards.models import Award, AwardVersion, PayeeAccount
from services.livelihood.awards.workflow import Status
from services.livelihood.models import AdmissionCase
from shared.storage import policy
from shared.storage.coverage import Covered
from shared.storage.db import Transaction
from shared.storage.step import Row, row_of
from shared.storage.timers import timer_values
from shared.values.calendar import TEHRAN, period_bounds, period_of, tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import Actor


async def living(tx: Transaction, people: list[Covered]) -> list[Covered]:
    """Those of whom no death is known."""
    facts = await queries.facts(tx, [one.person_id for one in people])
    return [one for one in people if rules.dead(facts, one.person_id) is None]


async def may_return_on(tx: Transaction, household_id: UUID, payee_id: UUID) -> date | None:
    """The first day on which a household that left may come back; None for one that never did."""
    before = await queries.previous(tx, household_id, payee_id)
    if before is None or before["stopped_on"] is None:
        return None
    rule = await policy.on(tx, "livelihood.return", before["stopped_on"])
    opened = before["return_opened_on"] is not None
    return rules.may_return_on(before["stopped_on"], opened=opened, policy=rule)


async def begin(
    tx: Transaction,
    case: AdmissionCase,
    actor: Actor,
    people: list[Covered],
    sheba: str,
    *,
    start: str | None = None,
    after_emergency: str | None = None,
) -> tuple[Award, list[Row]]:
    """The award of a case with the rows that belong to it; it goes on from the case's version.

    It begins with this month, or with `start` where another system has paid until then;
    `after_emergency` is its first month where another support of the household decides it (H26).
    """
    today = tehran_date(tx.now)
    before = await queries.previous(tx, people[0].household_id, case.applicant_id)
    last = before["last_period"] if before else None
    earliest = rules.first_period(today, last, after_emergency=after_emergency)
    start = max(start, earliest) if start else earliest
    rule = await policy.on(tx, "livelihood.term", today)
    ends_on, review_on = terms.term(case.reason, rule, max(today, period_bounds(start)[0]))
    members = await _members(tx, case, people, start)
    account = payee_account(tx, case.applicant_id, sheba)
    counting = rules.counted(members, start)
    award = Award(
        id=uuid7(),
        case_id=case.id,
        tracking_code=case.tracking_code,
        household_id=people[0].household_id,
        payee_id=case.applicant_id,
        payee_account_id=account.id,
        payee_index=case.applicant_index,
        person_ids=sorted(counting),
        members=queries.stored(members),
        status=Status.ACTIVE,
        version=case.version + 1,
        reason=case.reason,
        covered_size=len(counting),
        start_period=start,
        started_on=today,
        ends_on=ends_on,
        ends_period=period_of(ends_on) if ends_on else None,
        review_on=review_on,
        previous_award_id=before["id"] if before else None,
        recompute_from_period=start if start < period_of(today) else None,
        created_at=tx.now,
        changed_at=tx.now,
    )
    first = AwardVersion(
        award_id=award.id,
        version=1,
        effective_from_period=start,
        covered_size=award.covered_size,
        reason="admission",
        recorded_at=tx.now,
    )
    look = Row(tx.tables.timer, timer_values(LOOK, subject_id=award.id, due_at=tx.now), "replace")
    tx.runtime.due.set()
    return award, [row_of(account), row_of(award), row_of(first), _past(tx, award, actor), look]


async def _members(
    tx: Transaction, case: AdmissionCase, people: list[Covered], start: str
) -> rules.Members:
    """Who counts from the first month; children until the age that policy names."""
    today = tehran_date(tx.now)
    ages = await policy.on(tx, "livelihood.member_age", today)
    born = admission.opened(tx, case, "household")["members"]
    births = {
        UUID(one["person_id"]): date.fromisoformat(one["birth_on"])
        for one in born
        if one["relation"] == "child" and one["birth_on"]
    }
    return rules.first_stints(
        [one.person_id for one in people],
        start=start,
        on=case.submitted_on,
        births=births,
        child_until=ages["child_until"],
    )


def _past(tx: Transaction, award: Award, actor: Actor) -> Row:
    """The award's first row of history."""
    step = award.workflow.steps["activate"]
    values: dict[str, Any] = {
        "subject_id": award.id,
        "version": award.version,
        "step": step.name,
        "from_status": None,
        "status": award.status,
        "actor_sub": actor.sub,
        "actor_role": min(step.by & actor.roles or actor.roles),
        "facts": {"start_period": award.start_period},
        "at": tx.now,
    }
    return Row(tx.tables.history, values)


def payee_account(tx: Transaction, person_id: UUID, sheba: str) -> PayeeAccount:
    """A verified account of a payee: a row of its own for each Sheba."""
    account_id = uuid7()
    return PayeeAccount(
        id=account_id,
        person_id=person_id,
        sheba=tx.runtime.crypto.seal_json(
            sheba, table="livelihood.payee_account", column="sheba", row=account_id
        ),
        bank_code=sheba[4:7],
        verified_at=tx.now,
        created_at=tx.now,
    )


def morning_of(day: date) -> datetime:
    """The first instant of a day in Tehran."""
    return datetime.combine(day, time(), tzinfo=TEHRAN)
