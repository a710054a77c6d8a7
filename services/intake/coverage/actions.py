"""Coverage starts and ends, its file is suspended and resumed; every service is told."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update

from services.intake.coverage.schemas import CoverageIn
from services.intake.errors import AlreadyCovered
from services.intake.people.actions.covering import end_coverage, start_coverage, tell_coverage
from services.intake.people.models import Coverage, CoveredPerson, Membership, Person
from services.intake.schemas import DatedReasonIn, not_after
from shared.storage.db import Transaction
from shared.storage.step import Row
from shared.values.calendar import tehran_date
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput, NotFound, StaleVersion, StepNotAllowed

FILE = {"suspended": "coverage.file_suspended", "current": "coverage.file_resumed"}


@dataclass(frozen=True, slots=True)
class Past:
    """What was done to a household or a coverage, and why: a row of its history."""

    step: str
    before: str
    after: str
    reason: str


async def remember(
    tx: Transaction, subject_id: UUID, version: int, taken: Past, *, actor: Actor
) -> None:
    """Keep who did it, when and why, beside the version that came of it."""
    row = {
        "subject_id": subject_id,
        "version": version,
        "step": taken.step,
        "from_status": taken.before,
        "status": taken.after,
        "actor_sub": actor.sub,
        "actor_role": min(actor.roles),
        "office_code": actor.office_code,
        "reason": taken.reason,
        "at": tx.now,
    }
    await tx.execute(Row(tx.tables.history, row).insert())


async def start(tx: Transaction, body: CoverageIn, *, actor: Actor) -> UUID:
    """Members of a household come under cover. Raises AlreadyCovered when none of them is new."""
    not_after(body.started_on, tehran_date(tx.now), "/started_on")
    people = list(dict.fromkeys(body.person_ids))
    living = await tx.scalars(
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.household_id == body.household_id,
            Membership.ended_on.is_(None),
            Person.alive.is_(True),
        )
    )
    if set(people) - set(living):
        fa, en = "عضو زندهٔ این خانوار نیست", "Not a living member of this household"
        raise InvalidInput(errors=[Fault("/person_ids", "not_a_member", fa, en)])
    new = set(people) - set(await _covered(tx, people))
    if not new:
        raise AlreadyCovered
    return await start_coverage(
        tx,
        body.household_id,
        [person for person in people if person in new],
        reason=body.reason,
        on=body.started_on,
        source=actor.sub,
        file_status=body.file_status,
    )


async def end(tx: Transaction, coverage_id: UUID, body: DatedReasonIn, *, actor: Actor) -> None:
    """The household is no longer covered from a day on. Raises StepNotAllowed where it is not."""
    coverage = await _active(tx, coverage_id, body)
    await end_coverage(tx, coverage, reason=body.reason, on=body.on)
    taken = Past("end", "active", "ended", body.reason)
    await remember(tx, coverage_id, coverage.version, taken, actor=actor)


async def end_of_household(tx: Transaction, household_id: UUID, *, reason: str, on: date) -> None:
    """The household leaves coverage, if it is covered (LV-47)."""
    coverage: Coverage | None = await tx.scalar(
        select(Coverage)
        .where(Coverage.household_id == household_id, Coverage.ended_on.is_(None))
        .with_for_update()
    )
    if coverage is not None:
        await end_coverage(tx, coverage, reason=reason, on=max(on, coverage.started_on))


async def reopen(tx: Transaction, household_id: UUID, *, reason: str) -> None:
    """What was ended for this reason goes on as if it had not: coverage is continuous (H24).

    Who has died since, or is covered elsewhere, stays out; a household covered anew stays so.
    """
    last: Coverage | None = await tx.scalar(
        select(Coverage)
        .where(Coverage.household_id == household_id)
        .order_by(Coverage.ended_on.desc().nulls_first())
        .limit(1)
        .with_for_update()
    )
    if last is None or last.ended_on is None or last.ended_reason != reason:
        return
    elsewhere = select(CoveredPerson.person_id).where(CoveredPerson.to_on.is_(None))
    living = select(Person.id).where(Person.alive.is_(True))
    found = await tx.scalars(
        update(CoveredPerson)
        .where(CoveredPerson.coverage_id == last.id, CoveredPerson.to_on == last.ended_on)
        .where(CoveredPerson.person_id.not_in(elsewhere), CoveredPerson.person_id.in_(living))
        .values(to_on=None)
        .returning(CoveredPerson.person_id)
        .execution_options(synchronize_session=False)
    )
    people = list(found)
    last.ended_on = last.ended_reason = None
    last.version += 1
    await tell_coverage(tx, last, "coverage.started", people)


async def set_file(
    tx: Transaction,
    coverage_id: UUID,
    body: DatedReasonIn,
    *,
    to: Literal["current", "suspended"],
    actor: Actor,
) -> None:
    """The file rests, or goes on; the household stays covered (JS-09). Raises StepNotAllowed."""
    coverage = await _active(tx, coverage_id, body)
    if coverage.file_status == to:
        raise StepNotAllowed(current_status=to)
    coverage.file_status = to
    coverage.version += 1
    people = await tx.scalars(
        select(CoveredPerson.person_id).where(
            CoveredPerson.coverage_id == coverage_id, CoveredPerson.to_on.is_(None)
        )
    )
    await tell_coverage(tx, coverage, FILE[to], people.all())
    before = "current" if to == "suspended" else "suspended"
    taken = Past(FILE[to].partition(".")[2], before, to, body.reason)
    await remember(tx, coverage_id, coverage.version, taken, actor=actor)


async def uncover(tx: Transaction, household_id: UUID, person_id: UUID, *, on: date) -> None:
    """Somebody leaves a household, and its coverage with it; the others stay covered."""
    coverage: Coverage | None = await tx.scalar(
        select(Coverage)
        .join(CoveredPerson, CoveredPerson.coverage_id == Coverage.id)
        .where(
            Coverage.household_id == household_id,
            CoveredPerson.person_id == person_id,
            CoveredPerson.to_on.is_(None),
        )
        .with_for_update(of=Coverage)
    )
    if coverage is None:
        return
    await tx.execute(
        update(CoveredPerson)
        .where(CoveredPerson.coverage_id == coverage.id, CoveredPerson.person_id == person_id)
        .where(CoveredPerson.to_on.is_(None))
        .values(to_on=on)
    )
    coverage.version += 1
    await tell_coverage(tx, coverage, "coverage.ended", [person_id])


async def _covered(tx: Transaction, people: list[UUID]) -> list[UUID]:
    found = await tx.scalars(
        select(CoveredPerson.person_id).where(
            CoveredPerson.person_id.in_(people), CoveredPerson.to_on.is_(None)
        )
    )
    return list(found)


async def _active(tx: Transaction, coverage_id: UUID, body: DatedReasonIn) -> Coverage:
    not_after(body.on, tehran_date(tx.now), "/on")
    found: Coverage | None = await tx.scalar(
        select(Coverage).where(Coverage.id == coverage_id).with_for_update()
    )
    if found is None:
        raise NotFound
    if tx.if_match not in {None, found.version}:
        raise StaleVersion
    if found.ended_on is not None:
        raise StepNotAllowed(current_status="ended")
    if body.on < found.started_on:
        fa, en = "پیش از آغاز پوشش است", "Before the coverage began"
        raise InvalidInput(errors=[Fault("/on", "before_it_began", fa, en)])
    return found
