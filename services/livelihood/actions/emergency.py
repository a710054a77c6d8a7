"""Emergency support of a household: granted at once, visited later, reviewed, and ended by date.

An approver grants it for a request that is under way, or beside one (and beside an award, H27).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood import queries
from services.livelihood.actions import activation
from services.livelihood.actions.admission import made_visit, means, seal, take_household
from services.livelihood.awards import queries as awards
from services.livelihood.awards import rules as award_rules
from services.livelihood.awards.actions.begin import morning_of, payee_account
from services.livelihood.clients import filed
from services.livelihood.emergencies import queries as emergencies
from services.livelihood.emergencies import rules
from services.livelihood.emergencies.errors import (
    EmergencyVisitMissing,
    HouseholdHasEmergency,
    HouseholdNotKnown,
    OutsideEmergency,
)
from services.livelihood.emergencies.models import EmergencyAward
from services.livelihood.models import AdmissionCase
from services.livelihood.rates.rules import number, text
from services.livelihood.schemas import (
    GrantEmergencyIn,
    OpenEmergencyIn,
    RecordVisitIn,
    ReviewEmergencyIn,
)
from services.livelihood.workflow import OPEN, WORKED, Status
from shared.cases import find, get_or_refuse
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import Row, row_of
from shared.storage.timers import remind, timer_values
from shared.values.calendar import period_bounds, period_of, tehran_date
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyUnavailable
from shared.web.errors import Fault, InvalidInput, SeparationOfDuties, StepNotAllowed
from shared.workflow import advance

END = "end_emergency"
ACCOUNT = "emergency_account"


@dataclass(frozen=True, slots=True)
class Household:
    """Who is supported and to whom it is paid; an account where one is verified already."""

    household_id: UUID
    payee_id: UUID
    people: list[UUID]
    account_id: UUID | None


# Granting


async def grant(tx: Transaction, row: AdmissionCase, actor: Actor, body: GrantEmergencyIn) -> None:
    """Help first: the request becomes emergency support, with an end (LV-34, LV-35).

    Raises OutsideEmergency, HouseholdHasEmergency, HouseholdNotKnown, InvalidInput, NotFound.
    """
    if row.household_id is None:
        take_household(tx, row, await filed(tx, row.tracking_code))
    if row.household_id is None:
        raise HouseholdNotKnown
    household = await _of_case(tx, row, row.household_id)
    rows = await _granted(tx, row, body.emergency_id, body.ends_on, household)
    await take(tx, row, "grant_emergency", actor, rows, reason=body.reason)


async def beside(
    tx: Transaction, emergency_id: UUID, actor: Actor, body: OpenEmergencyIn
) -> tuple[AdmissionCase, list[Row]]:
    """Emergency support beside an award or a request of a household, as a case of its own.

    Not yet written. Raises StepNotAllowed, SeparationOfDuties, NotFound, and what `grant` raises.
    """
    source = await get_or_refuse(tx, AdmissionCase, body.tracking_code, actor=actor)
    if source.status not in OPEN | {Status.ACTIVE}:
        raise StepNotAllowed(current_status=source.status)
    if any(past["step"] in WORKED and past["actor_sub"] == actor.sub for past in source.past):
        raise SeparationOfDuties
    row = _copied(tx, source)
    award = None if source.award_id is None else await awards.find(tx, source.award_id)
    if award is not None:
        household = Household(
            award.household_id, award.payee_id, list(award.person_ids), award.payee_account_id
        )
        row.applicant_id, row.applicant_index = award.payee_id, award.payee_index or b""
        row.holders, row.person_ids = [row.applicant_index], [award.payee_id]
    elif source.household_id is not None:
        household = await _of_case(tx, source, source.household_id)
    else:
        raise HouseholdNotKnown
    row.account_state = "unchecked" if household.account_id is None else activation.VERIFIED
    return row, await _granted(tx, row, emergency_id, body.ends_on, household)


def _copied(tx: Transaction, source: AdmissionCase) -> AdmissionCase:
    """A new case of the same household, with what is sealed sealed for it."""
    names = (
        *("application_id", "channel", "person_ids", "holders", "kin", "province", "county"),
        *("office_code", "filed_by", "household_id", "applicant_id", "subject_id"),
        *("applicant_index", "reason", "priority", "members"),
    )
    row = AdmissionCase(
        id=uuid7(),
        tracking_code=new_tracking_code(token_bytes(16)),
        origin="emergency",
        submitted_on=tehran_date(tx.now),
        opened_at=tx.now,
        **{name: getattr(source, name) for name in names},
    )
    for column in ("sheba", "address", "household"):
        setattr(row, column, seal(tx, row, column, queries.opened(tx, source, column)))
    return row


async def _of_case(tx: Transaction, row: AdmissionCase, household_id: UUID) -> Household:
    """The living members that the request names, paid to the applicant."""
    named = queries.opened(tx, row, "household")["members"]
    people = sorted({row.subject_id, *(UUID(one["person_id"]) for one in named)})
    facts = await awards.facts(tx, people)
    living = [one for one in people if award_rules.dead(facts, one) is None]
    if not living:
        raise HouseholdNotKnown
    return Household(household_id, row.applicant_id, living, None)


async def _granted(
    tx: Transaction, row: AdmissionCase, emergency_id: UUID, ends_on: date, household: Household
) -> list[Row]:
    """The rows of a grant from today on. Raises OutsideEmergency, HouseholdHasEmergency."""
    today = tehran_date(tx.now)
    if ends_on < today:
        words = "این روز گذشته است", "This day has gone"
        raise InvalidInput(errors=[Fault("/ends_on", "in_the_past", *words)])
    declared = await emergencies.versions(tx, emergency_id)
    if what := rules.outside(declared, row.province, row.county, today, ends_on):
        raise OutsideEmergency(outside=what)
    last = await emergencies.last_granted(tx, household.household_id)
    if last is not None and text(last) >= period_of(today):
        raise HouseholdHasEmergency(last_period=text(last))
    row.emergency_id, row.emergency_ends_on = emergency_id, ends_on
    row.household_id = household.household_id
    award = EmergencyAward(
        id=uuid7(),
        case_id=row.id,
        emergency_id=emergency_id,
        household_id=household.household_id,
        payee_id=household.payee_id,
        payee_account_id=household.account_id,
        person_ids=household.people,
        province=row.province,
        county=row.county,
        starts_on=today,
        ends_on=ends_on,
        start_period=number(period_of(today)),
        last_period=number(period_of(ends_on)),
        visit_due_on=await _visit_due_on(tx, today),
        granted_at=tx.now,
    )
    due = [_ends(tx, row, ends_on)]
    if household.account_id is None:
        due.append(_reminder(tx, row, ACCOUNT, due_on=today))
    tx.runtime.due.set()
    return [row_of(award), *due]


async def take(
    tx: Transaction,
    row: AdmissionCase,
    step: str,
    actor: Actor,
    rows: list[Row],
    *,
    reason: str | None,
) -> None:
    """Take the granting step. Raises HouseholdHasEmergency when another was faster."""
    facts = {
        "start_on": tehran_date(tx.now).isoformat(),
        "due_on": str(row.emergency_ends_on),
        "reason_code": row.reason,
    }
    try:
        await advance(tx, row, step, actor, reason=reason, facts=facts, also=rows)
    except asyncpg.ExclusionViolationError:
        raise HouseholdHasEmergency from None


async def _visit_due_on(tx: Transaction, today: date) -> date:
    """By when the home is visited after the grant: dated policy, in working days or months."""
    promise = await policy.on(tx, "livelihood.emergency_visit", today)
    closed = (await policy.on(tx, "calendar.holidays", today))["days"]
    weekend = (await policy.on(tx, "calendar.weekend", today))["weekdays"]
    return rules.due_on(
        today,
        promise,
        closed=frozenset(date.fromisoformat(day["on"]) for day in closed),
        weekend=frozenset(weekend),
    )


def _ends(tx: Transaction, row: AdmissionCase, ends_on: date) -> Row:
    return _reminder(tx, row, END, due_on=ends_on + timedelta(days=1))


def _reminder(tx: Transaction, row: AdmissionCase, kind: str, *, due_on: date) -> Row:
    values = timer_values(kind, subject_id=row.id, due_at=morning_of(due_on))
    return Row(tx.tables.timer, values, "replace")


# What follows


async def record_visit(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: RecordVisitIn
) -> None:
    """The visit that follows the help."""
    row.visit_number = (row.visit_number or 0) + 1
    row.visit_on = tehran_date(body.happened_at or tx.now)
    visit = made_visit(tx, row, actor, body)
    award = await _award(tx, row)
    rows = [visit, *means(tx, row, body.findings), _changed(award, visited_on=row.visit_on)]
    await advance(tx, row, "record_emergency_visit", actor, also=rows)


async def review(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: ReviewEmergencyIn
) -> None:
    """Another approver looks at it again: prolonged within the declaration, or ended today.

    Raises EmergencyVisitMissing, OutsideEmergency, HouseholdHasEmergency, InvalidInput.
    """
    award, today = await _award(tx, row), tehran_date(tx.now)
    if body.outcome == "end":
        await _end(tx, row, actor, "review_emergency", today, reason=body.reason)
        return
    if body.ends_on is None or body.ends_on <= award["ends_on"]:
        words = "پایان تازه باید پس از پایان پیشین باشد", "The new end must come after the old one"
        raise InvalidInput(errors=[Fault("/ends_on", "not_later", *words)])
    if award["visited_on"] is None:
        raise EmergencyVisitMissing
    declared = await emergencies.versions(tx, award["emergency_id"])
    if what := rules.outside(declared, award["province"], award["county"], today, body.ends_on):
        raise OutsideEmergency(outside=what)
    row.emergency_ends_on = body.ends_on
    last = number(period_of(body.ends_on))
    rows = [_changed(award, ends_on=body.ends_on, last_period=last), _ends(tx, row, body.ends_on)]
    facts = {"due_on": body.ends_on.isoformat()}
    await advance(
        tx, row, "review_emergency", actor,
        to=Status.EMERGENCY_ACTIVE, reason=body.reason, facts=facts, also=rows,
    )  # fmt: skip


async def end_due(tx: Transaction, case_id: UUID) -> None:
    """Its last day has passed: the month after is not paid (LV-35)."""
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is None or row.status != Status.EMERGENCY_ACTIVE:
        return
    award = await _award(tx, row)
    if award["ends_on"] < tehran_date(tx.now):
        await _end(tx, row, SYSTEM, "end_emergency", award["ends_on"])


async def end_uncovered(tx: Transaction, case_id: UUID) -> None:
    """The declaration no longer covers it from this month on: it ends with the last (H28)."""
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is None or row.status != Status.EMERGENCY_ACTIVE:
        return
    first = period_bounds(period_of(tx.now))[0]
    await _end(tx, row, SYSTEM, "end_emergency", first - timedelta(days=1))


async def _end(
    tx: Transaction,
    row: AdmissionCase,
    actor: Actor,
    step: str,
    ends_on: date,
    *,
    reason: str | None = None,
) -> None:
    award = await _award(tx, row)
    ends_on = max(min(ends_on, award["ends_on"]), award["starts_on"])
    row.emergency_ends_on = ends_on
    stays = await emergencies.stays_covered(tx, award["household_id"], row.subject_id)
    facts = {"due_on": ends_on.isoformat(), "coverage": "stays" if stays else "ends"}
    ended = _changed(award, ends_on=ends_on, last_period=number(period_of(ends_on)))
    await advance(
        tx, row, step, actor,
        to=Status.EMERGENCY_ENDED, reason=reason, facts=facts, also=[ended],
    )  # fmt: skip


async def _award(tx: Transaction, row: AdmissionCase) -> asyncpg.Record:
    found = await emergencies.of_case(tx, row.id)
    if found is None:
        raise LookupError("emergency support without an award")
    return found


def _changed(award: asyncpg.Record, **values: Any) -> Row:
    """The award's row with other values, for the step's statement."""
    kept = {name: value for name, value in award.items() if name != "during"}
    return Row(EmergencyAward.__table__, kept | values, "replace")  # type: ignore[arg-type]


# The account


async def settle_account(tx: Transaction, case_id: UUID) -> None:
    """Ask whose the account is: a good one is paid from then on, another is asked for.

    What nobody knows is asked again after the time that policy names.
    """
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is None or row.status != Status.EMERGENCY_ACTIVE:
        return
    if row.account_state == activation.VERIFIED:
        return
    try:
        state = await activation.ask_about_account(tx, row)
    except PartyUnavailable:
        rule = await policy.on(tx, "livelihood.inquiry.central_bank", tehran_date(tx.now))
        due_at = tx.now + timedelta(seconds=rule["retry_s"])
        await remind(tx, ACCOUNT, subject_id=case_id, due_at=due_at)
        return
    if state != activation.VERIFIED:
        await activation.ask_for_account(tx, row, state)
        return
    account = payee_account(tx, row.applicant_id, queries.opened(tx, row, "sheba"))
    await tx.begin()
    await tx.add(account)
    await tx.write(
        "UPDATE livelihood.emergency_award SET payee_account_id = $2 WHERE case_id = $1",
        row.id,
        account.id,
    )
    await tx.write(
        "UPDATE livelihood.\"case\" SET account_state = 'verified', account_checked_at = $3"
        " WHERE id = $1 AND version = $2",
        row.id,
        row.version,
        tx.now,
    )
