"""What people do with an award. Whatever comes of it by itself follows at once, as system."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from services.livelihood import rules as terms
from services.livelihood.awards import queries, rules
from services.livelihood.awards.actions.begin import payee_account
from services.livelihood.awards.actions.life import (
    LOOK,
    REVIEW_CYCLE,
    Seen,
    close,
    give_back,
    let_go,
    look,
    mark,
    resize,
)
from services.livelihood.awards.errors import (
    ExitRuleNotMet,
    MemberNotCovered,
    NothingChanges,
    ObjectedBefore,
    PayeeDied,
)
from services.livelihood.awards.models import Award
from services.livelihood.awards.schemas import (
    AccountIn,
    ChangeSizeIn,
    DecideExitReviewIn,
    DecideStopObjectionIn,
    ObjectToStopIn,
    OpenExitReviewIn,
    RenewIn,
    ResumeIn,
    StopIn,
    SuspendIn,
)
from services.livelihood.awards.workflow import STOPPING, Status
from services.livelihood.clients import account_of
from services.livelihood.errors import AccountNotVerified, HouseholdHasAward, ObjectionTooLate
from services.livelihood.schemas import ConflictIn
from shared.storage import policy
from shared.storage.coverage import covered
from shared.storage.db import Transaction
from shared.storage.step import Row, row_of
from shared.storage.timers import timer_values
from shared.values.calendar import period_of, tehran_date
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput
from shared.workflow import advance

VERIFIED = "verified"


def soon(tx: Transaction, row: Award) -> Row:
    """What the step leaves open is looked at next."""
    tx.runtime.due.set()
    values = timer_values(LOOK, subject_id=row.id, due_at=tx.now)
    return Row(tx.tables.timer, values, "replace")


def _spoken(reasons: Sequence[str]) -> str | None:
    return "؛ ".join(reasons) or None


async def declare_conflict(tx: Transaction, row: Award, actor: Actor, body: ConflictIn) -> None:
    """A colleague keeps out of this award from now on (H51)."""
    await advance(tx, row, "declare_conflict", actor, reason=body.reason)


async def suspend(tx: Transaction, row: Award, actor: Actor, body: SuspendIn) -> None:
    """Held back from this month, or from the next one once this month's list has been drawn."""
    today = tehran_date(tx.now)
    rule = await policy.on(tx, "livelihood.snapshot", today)
    row.ground = body.ground
    row.held_from_period = rules.at_snapshot(today, rule["jalali_day"])
    facts = {"ground": body.ground, "from_period": row.held_from_period}
    await advance(tx, row, "suspend", actor, reason=body.reason, facts=facts)


async def resume(tx: Transaction, row: Award, actor: Actor, body: ResumeIn) -> None:
    """Paid again, with what was held back. Raises PayeeDied: never to the account of the dead."""
    facts = await queries.facts(tx, [row.payee_id])
    if rules.dead(facts, row.payee_id) or not await queries.account_is_payees(tx, row):
        raise PayeeDied
    since = row.held_from_period or period_of(tx.now)
    let_go(row)
    await advance(
        tx, row, "resume", actor, to=Status(rules.before_suspension(row.past)), reason=body.reason,
        facts={"from_period": since}, also=[soon(tx, row)],
    )  # fmt: skip


async def stop(tx: Transaction, row: Award, actor: Actor, body: StopIn) -> None:
    """The last month is this one, or the one before it was held back or had ended (LV-48)."""
    await _stop(tx, row, actor, "stop", body.reasons)


async def _stop(
    tx: Transaction, row: Award, actor: Actor, step: str, reasons: Sequence[str]
) -> None:
    today = tehran_date(tx.now)
    last = rules.last_period(today, held_from=row.held_from_period, ends_period=row.ends_period)
    close(row, today, last, ground=row.ground)
    facts = {"ground": row.ground or "decision", "last_period": last}
    await advance(tx, row, step, actor, to=Status.STOPPED, reason=_spoken(reasons), facts=facts)


async def open_exit_review(
    tx: Transaction, row: Award, actor: Actor, body: OpenExitReviewIn
) -> None:
    """A worker has seen why the award may have to end; somebody else decides."""
    row.ground = body.ground
    facts = {"ground": body.ground, "occurred_on": tehran_date(tx.now).isoformat()}
    await advance(tx, row, "open_exit_review", actor, reason=body.reason, facts=facts)


async def decide_exit_review(
    tx: Transaction, row: Award, actor: Actor, body: DecideExitReviewIn
) -> None:
    """Continue or stop. Raises ExitRuleNotMet where two things are needed and one is not so."""
    if body.outcome == "stop":
        if row.ground == rules.IMPROVED:
            await _both_conditions(tx, row, body.income_rial)
        await _stop(tx, row, actor, "decide_exit_review", body.reasons)
        return
    facts = {"ground": row.ground or "", "outcome": body.outcome}
    row.ground = None
    await advance(
        tx, row, "decide_exit_review", actor, to=Status.ACTIVE, reason=_spoken(body.reasons),
        facts=facts, also=[soon(tx, row)],
    )  # fmt: skip


async def _both_conditions(tx: Transaction, row: Award, income_rial: int | None) -> None:
    """Another service of the list, and the improved income (LV-46)."""
    if income_rial is None:
        words = "درآمد خانوار نوشته نشده است", "The household's income is missing"
        raise InvalidInput(errors=[Fault("/income_rial", "required", *words)])
    rule = await policy.on(tx, "livelihood.exit", tehran_date(tx.now))
    people = [*row.person_ids, row.payee_id]
    services = rules.services_of(await queries.facts(tx, people), people)
    receives, improved = rules.exit_rule(services, income_rial, row.covered_size, rule)
    if not (receives and improved):
        raise ExitRuleNotMet(services=receives, improved=improved)


async def renew(tx: Transaction, row: Award, actor: Actor, body: RenewIn) -> None:
    """On to the next review, or to another term, as the policy of today says (LV-40)."""
    today = tehran_date(tx.now)
    rule = await policy.on(tx, "livelihood.term", today)
    if row.ground == REVIEW_CYCLE:
        row.review_on = terms.term(row.reason, rule, today)[1]
    else:
        start = _after_the_term(row, today)
        row.ends_on, row.review_on = terms.term(row.reason, rule, start)
        row.ends_period = period_of(row.ends_on) if row.ends_on else None
    row.ground = None
    facts = {"ends_on": row.ends_on.isoformat()} if row.ends_on else {}
    await advance(
        tx, row, "renew", actor, reason=_spoken(body.reasons), facts=facts, also=[soon(tx, row)]
    )


def _after_the_term(row: Award, today: date) -> date:
    """The day from which another term runs; the months since the last one ended are marked."""
    if row.ends_on is None or row.ends_period is None or today <= row.ends_on:
        return row.ends_on + timedelta(days=1) if row.ends_on else today
    after = rules.next_period(row.ends_period)
    if after <= period_of(today):
        mark(row, after)
    return today


async def change_size(tx: Transaction, row: Award, actor: Actor, body: ChangeSizeIn) -> None:
    """A person has looked into it: a member counts, or no longer does, from the month after (H06).

    Raises MemberNotCovered, NothingChanges, InvalidInput.
    """
    seen = await look(tx, row)
    if body.on > seen.today:
        words = "این روز هنوز نرسیده است", "This day has not come"
        raise InvalidInput(errors=[Fault("/on", "in_the_future", *words)])
    counts = body.person_id in rules.counted(seen.members, seen.coming)
    if counts == body.counts:
        raise NothingChanges
    since = max(rules.month_after(body.on), row.start_period)
    if body.counts:
        await _must_be_covered(tx, row, body.person_id)
        seen.members.setdefault(body.person_id, []).append(rules.Stint(since, seen.today))
    else:
        seen.members[body.person_id][-1].left["review"] = since
    await _resized(tx, row, actor, seen, since=since, reason=body.reason)


async def _must_be_covered(tx: Transaction, row: Award, person_id: UUID) -> None:
    found = await covered(tx, person_ids=[person_id])
    if all(one.household_id != row.household_id for one in found):
        raise MemberNotCovered


async def _resized(
    tx: Transaction, row: Award, actor: Actor, seen: Seen, *, since: str, reason: str
) -> None:
    rows = [*resize(tx, seen, "review"), soon(tx, row)]
    facts = {"from_period": since, "reason": "review"}
    await advance(tx, row, "change_size", actor, reason=reason, facts=facts, also=rows)


async def object_to_stop(tx: Transaction, row: Award, actor: Actor, body: ObjectToStopIn) -> None:
    """The household objects, once and in time. Raises ObjectedBefore, ObjectionTooLate."""
    today = tehran_date(tx.now)
    stopped_on = row.stopped_on or today
    ended = [past["version"] for past in row.past if past["step"] in {*STOPPING, "end"}]
    objected = [past["version"] for past in row.past if past["step"] == "object"]
    if max(objected, default=-1) > max(ended, default=0):
        raise ObjectedBefore
    window = await policy.on(tx, "livelihood.objection_window", stopped_on)
    if not terms.may_object(stopped_on, window, today):
        raise ObjectionTooLate
    if (await queries.of_household(tx, row.household_id)) not in {None, row.id}:
        raise HouseholdHasAward
    row.objection = tx.runtime.crypto.seal_json(
        {"text": body.text}, table="livelihood.award", column="objection", row=row.id
    )
    await advance(tx, row, "object", actor)


async def decide_objection(
    tx: Transaction, row: Award, actor: Actor, body: DecideStopObjectionIn
) -> None:
    """Another person answers: given back from the month that was withheld, or upheld (H24)."""
    reason, facts = _spoken(body.reasons), {"outcome": body.outcome}
    if body.outcome == "rejected":
        await advance(
            tx, row, "decide_objection", actor, to=Status.STOPPED, reason=reason, facts=facts
        )
        return
    since = rules.next_period(row.last_period or period_of(tx.now))
    give_back(row, since)
    await advance(
        tx, row, "decide_objection", actor, to=Status.ACTIVE, reason=reason,
        facts=facts | {"from_period": since}, also=[soon(tx, row)],
    )  # fmt: skip


async def change_account(tx: Transaction, row: Award, actor: Actor, body: AccountIn) -> None:
    """Another account of the payee's own, as the central bank says; the old one stays as it was.

    Raises AccountNotVerified, PayeeDied, PartyUnavailable.
    """
    facts = await queries.facts(tx, [row.payee_id])
    if rules.dead(facts, row.payee_id) is not None:
        raise PayeeDied
    answer = await account_of(tx.runtime, body.sheba)
    state = terms.account_state(answer, owner=row.payee_index or b"")
    if state != VERIFIED:
        raise AccountNotVerified(account_state=state)
    account = payee_account(tx, row.payee_id, body.sheba)
    row.payee_account_id = account.id
    await advance(tx, row, "change_account", actor, also=[row_of(account), soon(tx, row)])
