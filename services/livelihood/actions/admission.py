"""An admission from the application to the decision; its account may still be corrected later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.livelihood import queries, rules
from services.livelihood.clients import Filed, filed
from services.livelihood.errors import (
    AdmissionRulesNotMet,
    DocumentsMissing,
    HouseholdHasAward,
    ObjectionTooLate,
    VisitTriesUsed,
)
from services.livelihood.models import AdmissionCase, Decision, Visit
from services.livelihood.rates.models import Decile
from services.livelihood.schemas import (
    ConfirmIn,
    ConflictIn,
    CorrectAccountIn,
    DecideObjectionIn,
    FindingsIn,
    NoShowIn,
    ObjectIn,
    PlanVisitIn,
    RecordVisitIn,
    RefuseIn,
)
from services.livelihood.workflow import Status
from shared.cases import Nothing, find
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import Row, row_of
from shared.storage.timers import timer_values
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.errors import Fault, InvalidInput
from shared.workflow import advance

CLOSE_UNREACHED = "close_unreached"


def seal(tx: Transaction, row: AdmissionCase, column: str, value: Any) -> bytes:
    """A value sealed for one column of this case."""
    return tx.runtime.crypto.seal_json(value, table=queries.CASE, column=column, row=row.id)


# From the application to the visit


async def open_case(tx: Transaction, told: Filed) -> AdmissionCase:
    """A routed application becomes a case under the same tracking code."""
    order = await policy.on(tx, "livelihood.priority", told.submitted_on)
    row = AdmissionCase(
        id=uuid7(),
        tracking_code=told.tracking_code,
        application_id=told.application_id,
        origin="request",
        channel=told.channel,
        person_ids=told.person_ids,
        holders=told.holders,
        kin=sorted({*told.kin, *told.holders}),
        province=told.province,
        county=told.county,
        office_code=told.office_code,
        filed_by=told.filed_by,
        opened_at=tx.now,
        applicant_id=told.applicant.person_id,
        subject_id=told.subject.person_id,
        applicant_index=tx.runtime.crypto.index(told.applicant_code),
        submitted_on=told.submitted_on,
        reason=told.details.reason,
        priority=rules.priority(told.details.reason, order["order"]),
        account_state="unchecked",
        emergency_id=told.details.emergency_id,
    )
    row.sheba = seal(tx, row, "sheba", told.details.sheba)
    row.address = seal(tx, row, "address", told.details.address.model_dump())
    take_household(tx, row, told)
    await advance(tx, row, "open", SYSTEM)
    return row


def take_household(tx: Transaction, row: AdmissionCase, told: Filed) -> None:
    """Who lives together, as intake has it now."""
    row.household_id = told.household_id
    row.household = seal(tx, row, "household", told.household())
    row.members = len({member.person_id for member in told.members} | {told.subject.person_id})


async def review(tx: Transaction, row: AdmissionCase, actor: Actor, _: Nothing) -> None:
    """The papers are there, so the review begins (LV-14). Raises DocumentsMissing."""
    told = await filed(tx, row.tracking_code)
    if told.missing_documents:
        raise DocumentsMissing(kinds=told.missing_documents)
    take_household(tx, row, told)
    await advance(tx, row, "review", actor)


async def plan_visit(tx: Transaction, row: AdmissionCase, actor: Actor, body: PlanVisitIn) -> None:
    """A day for the visit, as often as policy allows. Raises VisitTriesUsed, InvalidInput."""
    today = tehran_date(tx.now)
    if body.visit_on < today:
        raise _not_acceptable("/visit_on", "in_the_past", "این روز گذشته است", "This day has gone")
    if row.visit_tries >= await _most_tries(tx):
        raise VisitTriesUsed
    row.visit_number, row.visit_on = row.visit_number + 1, body.visit_on
    visit = Visit(
        case_id=row.id,
        number=row.visit_number,
        planned_on=body.visit_on,
        time_window=body.time_window,
        outcome="planned",
    )
    facts = {"visit_on": body.visit_on.isoformat()}
    await advance(tx, row, "plan_visit", actor, facts=facts, also=[row_of(visit)])


async def _most_tries(tx: Transaction) -> int:
    rule = await policy.on(tx, "livelihood.visit_tries", tehran_date(tx.now))
    return int(rule["max"])


async def record_no_show(tx: Transaction, row: AdmissionCase, actor: Actor, body: NoShowIn) -> None:
    """Nobody was there; after the last try the case closes by itself."""
    row.visit_tries += 1
    rows = [_visit(row, actor, outcome="no_show", happened_at=tx.now)]
    if row.visit_tries >= await _most_tries(tx):
        rows.append(_due_now(tx, row, CLOSE_UNREACHED))
    await advance(tx, row, "record_no_show", actor, reason=body.reason, also=rows)


async def close_unreached(tx: Transaction, case_id: UUID) -> None:
    """The last try that policy allows has failed."""
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is not None and row.status == Status.VISIT_FAILED:
        await advance(tx, row, "close_unreached", SYSTEM)


async def record_visit(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: RecordVisitIn
) -> None:
    """The visit was made: worker, time, place, findings and score (LV-16)."""
    also = [made_visit(tx, row, actor, body), *means(tx, row, body.findings)]
    await advance(tx, row, "record_visit", actor, also=also)


def made_visit(tx: Transaction, row: AdmissionCase, actor: Actor, body: RecordVisitIn) -> Row:
    """The visit of the case's present number as it was made. Raises InvalidInput."""
    happened_at = body.happened_at or tx.now
    if happened_at > tx.now:
        raise _not_acceptable(
            "/happened_at", "in_the_future", "این زمان هنوز نرسیده است", "This time has not come"
        )
    place = [str(degrees) for degrees in (body.latitude, body.longitude) if degrees is not None]
    report = {
        "findings": body.findings.model_dump(),
        "place": place if len(place) == 2 else None,
        "note": body.note,
    }
    return _visit(
        row,
        actor,
        outcome="done",
        happened_at=happened_at,
        score=body.score,
        photo_consent=body.photo_consent,
        report=tx.runtime.crypto.seal_json(
            report, table="livelihood.visit", column="report", row=_visit_name(row)
        ),
    )


def means(tx: Transaction, row: AdmissionCase, findings: FindingsIn) -> list[Row]:
    """What the household lives on, for the month-end reports (LV-23, LV-24); the rest is sealed."""
    told = {"decile": findings.decile, "income_rial": findings.income_rial}
    known = {name: value for name, value in told.items() if value is not None}
    if row.household_id is None or not known:
        return []
    means = Decile(
        household_id=row.household_id,
        known_on=tehran_date(tx.now),
        source_ref=f"visit {_visit_name(row)}",
        **known,
    )
    return [row_of(means, on_conflict="replace")]


def _visit(
    row: AdmissionCase, actor: Actor, *, outcome: str, happened_at: datetime, **more: Any
) -> Row:
    """The planned visit, as it became."""
    visit = Visit(
        case_id=row.id,
        number=row.visit_number,
        planned_on=row.visit_on,
        outcome=outcome,
        worker_sub=actor.sub,
        happened_at=happened_at,
        **more,
    )
    return row_of(visit, on_conflict="replace")


def _visit_name(row: AdmissionCase) -> str:
    return f"{row.id}/{row.visit_number}"


def _due_now(tx: Transaction, row: AdmissionCase, kind: str) -> Row:
    values = timer_values(kind, subject_id=row.id, due_at=tx.now)
    return Row(tx.tables.timer, values, on_conflict="replace")


def _not_acceptable(pointer: str, code: str, fa: str, en: str) -> InvalidInput:
    return InvalidInput(errors=[Fault(pointer, code, fa, en)])


# The decision


@dataclass(frozen=True, slots=True)
class Judged:
    """What the instruction of its day says of a case."""

    facts: rules.Facts
    verdict: rules.Verdict
    policy_id: UUID
    day: date


async def judge(tx: Transaction, row: AdmissionCase) -> Judged:
    """Hold the last visit against the instruction of the day that policy names (H52, LV-17)."""
    today = tehran_date(tx.now)
    choice = await policy.on(tx, "livelihood.rule_date", today)
    day = rules.rule_day(choice, submitted_on=row.submitted_on, today=today)
    instruction = await policy.row_on(tx, "livelihood.admission", day)
    visit = await queries.visit(tx, row)
    if visit is None:
        raise LookupError("a case to be decided without a visit")
    report = tx.runtime.crypto.open_json(
        visit["report"], table="livelihood.visit", column="report", row=_visit_name(row)
    )
    born = queries.opened(tx, row, "household")["subject_birth_on"]
    facts = rules.Facts(
        reason=row.reason,
        age=rules.age_on(day, date.fromisoformat(born) if born else None),
        findings=tuple(name for name, seen in report["findings"].items() if seen is True),
        score=visit["score"],
    )
    return Judged(facts, rules.judge(facts, instruction.value), instruction.id, day)


async def confirm(tx: Transaction, row: AdmissionCase, actor: Actor, body: ConfirmIn) -> None:
    """The conditions hold. Raises AdmissionRulesNotMet, HouseholdHasAward."""
    judged = await judge(tx, row)
    if not judged.verdict.passed:
        raise _not_met(judged.verdict)
    if await queries.has_open_award(tx, row.household_id):
        raise HouseholdHasAward
    decision = _decide(tx, row, actor, judged, outcome="confirmed", said=body)
    await advance(
        tx,
        row,
        "confirm",
        actor,
        reason=_spoken(body.reasons),
        facts={"reason_code": row.reason},
        also=[decision],
    )


async def refuse(tx: Transaction, row: AdmissionCase, actor: Actor, body: RefuseIn) -> None:
    """The conditions do not hold, for the reasons that the applicant reads."""
    judged = await judge(tx, row)
    decision = _decide(tx, row, actor, judged, outcome="refused", said=body)
    await advance(tx, row, "refuse", actor, reason=_spoken(body.reasons), also=[decision])


async def object_to(tx: Transaction, row: AdmissionCase, actor: Actor, body: ObjectIn) -> None:
    """The applicant objects to the refusal, within its time. Raises ObjectionTooLate."""
    today = tehran_date(tx.now)
    decided_on = row.decided_on or today
    window = await policy.on(tx, "livelihood.objection_window", decided_on)
    if not rules.may_object(decided_on, window, today):
        raise ObjectionTooLate
    row.objection = seal(tx, row, "objection", {"text": body.text})
    await advance(tx, row, "object", actor)


async def decide_objection(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: DecideObjectionIn
) -> None:
    """Another person answers: confirmed where the instruction is met, else reviewed anew."""
    judged = await judge(tx, row)
    to, facts = Status.OBJECTION_REJECTED, {}
    if body.outcome != "rejected":
        to, row.visit_tries = Status.UNDER_REVIEW, 0
    if body.outcome == "accepted" and judged.verdict.passed:
        if await queries.has_open_award(tx, row.household_id):
            raise HouseholdHasAward
        to, facts = Status.CONFIRMED, {"reason_code": row.reason}
    decision = _decide(tx, row, actor, judged, outcome=body.outcome, kind="objection", said=body)
    await advance(
        tx,
        row,
        "decide_objection",
        actor,
        to=to,
        reason=_spoken(body.reasons),
        facts=facts,
        also=[decision],
    )


def _decide(
    tx: Transaction,
    row: AdmissionCase,
    actor: Actor,
    judged: Judged,
    *,
    outcome: str,
    said: ConfirmIn | RefuseIn | DecideObjectionIn,
    kind: str = "admission",
) -> Row:
    """Write into the case what was decided, and make the decision's own row (X-11)."""
    decision_id, verdict = uuid7(), judged.verdict
    row.decision_id, row.decided_on = decision_id, tehran_date(tx.now)
    row.rule_version, row.rule_on = verdict.version, judged.day
    row.reasons = list(said.reasons)

    def kept(column: str, value: Any) -> bytes:
        return tx.runtime.crypto.seal_json(
            value, table="livelihood.decision", column=column, row=decision_id
        )

    note = getattr(said, "note", None)
    decision = Decision(
        id=decision_id,
        case_id=row.id,
        version=row.version + 1,
        kind=kind,
        outcome=outcome,
        policy_id=judged.policy_id,
        rule_version=verdict.version,
        rule_on=judged.day,
        inputs=kept("inputs", judged.facts.as_json()),
        met=list(verdict.met),
        failed=list(verdict.failed),
        reasons=list(said.reasons),
        note=None if note is None else kept("note", note),
        decided_by=actor.sub,
        decided_at=tx.now,
    )
    return row_of(decision)


def _not_met(verdict: rules.Verdict) -> AdmissionRulesNotMet:
    return AdmissionRulesNotMet(
        errors=[
            Fault("", code, rules.FAILED_FA[code], rules.FAILED_EN[code]) for code in verdict.failed
        ],
        rule_version=verdict.version,
        reasons=list(verdict.failed),
    )


def _spoken(reasons: Sequence[str]) -> str | None:
    return "؛ ".join(reasons) or None


async def declare_conflict(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: ConflictIn
) -> None:
    """A colleague keeps out of this case from now on (H51)."""
    await advance(tx, row, "declare_conflict", actor, reason=body.reason)


async def correct_account(
    tx: Transaction, row: AdmissionCase, actor: Actor, body: CorrectAccountIn
) -> None:
    """Another account: the central bank is asked about it next."""
    row.sheba = seal(tx, row, "sheba", body.sheba)
    row.account_state, row.account_checked_at = "unchecked", None
    await advance(tx, row, "correct_account", actor)
