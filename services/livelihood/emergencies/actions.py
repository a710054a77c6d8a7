"""An operator declares an emergency, and changes its area or end from next month on."""

from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID

from services.livelihood.awards.rules import next_period
from services.livelihood.emergencies import queries, rules
from services.livelihood.emergencies.models import Emergency, EmergencyVersion
from services.livelihood.emergencies.schemas import ChangeIn, DeclareIn
from services.livelihood.rates.rules import number
from shared.storage import audit, policy
from shared.storage.db import Transaction
from shared.storage.timers import remind
from shared.values.calendar import TEHRAN, period_bounds, period_of, tehran_date
from shared.values.identifiers import uuid7
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput

CHANGED = "emergency_changed"


async def declare(tx: Transaction, given: DeclareIn, actor: Actor) -> UUID:
    """An emergency of a kind that policy knows, with its first version (LV-33).

    Raises InvalidInput for an unknown kind or place, no place at all, or an end that is over.
    """
    today = tehran_date(tx.now)
    if given.kind not in await queries.kinds(tx, today):
        raise _faulty("/kind", "unknown_kind", "این نوع در مقررات نیست", "Policy has no such kind")
    await _check(tx, given, given.from_on, today)
    emergency = Emergency(id=uuid7(), kind=given.kind, declared_by=actor.sub, declared_at=tx.now)
    await tx.begin()
    await tx.add(emergency)
    await _add_version(tx, emergency.id, given, actor, version=1, from_on=given.from_on)
    return emergency.id


async def change(tx: Transaction, emergency_id: UUID, given: ChangeIn, actor: Actor) -> None:
    """The next version: it rules from next month on, and what was paid stays (H28).

    Raises NotFound, and InvalidInput as declaring does.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await tx.begin()
    await tx.fetch(lock, f"livelihood.emergency/{emergency_id}")
    known = await queries.versions(tx, emergency_id)
    today = tehran_date(tx.now)
    await _check(tx, given, known[0].from_on, today)
    from_on, version = known[0].from_on, len(known) + 1
    await _add_version(tx, emergency_id, given, actor, version=version, from_on=from_on)
    await _look_in(tx, emergency_id, rules.effective_from(version, from_on, today))


async def look_after_its_end(tx: Transaction, emergency_id: UUID) -> None:
    """A declaration that was shortened ends, with its last month, what was granted for longer."""
    last = (await queries.versions(tx, emergency_id))[-1]
    over = next_period(period_of(last.to_on))
    if over > period_of(tx.now):
        await _look_in(tx, emergency_id, over)


async def _look_in(tx: Transaction, emergency_id: UUID, period: str) -> None:
    due_at = datetime.combine(period_bounds(period)[0], time(), tzinfo=TEHRAN)
    await remind(tx, CHANGED, subject_id=emergency_id, due_at=due_at)


async def _add_version(
    tx: Transaction,
    emergency_id: UUID,
    given: DeclareIn | ChangeIn,
    actor: Actor,
    *,
    version: int,
    from_on: date,
) -> None:
    first = rules.effective_from(version, from_on, tehran_date(tx.now))
    row = EmergencyVersion(
        emergency_id=emergency_id,
        version=version,
        effective_from_period=number(first),
        provinces=sorted(set(given.provinces)),
        counties=sorted(set(given.counties)),
        from_on=from_on,
        to_on=given.to_on,
        from_period=number(period_of(from_on)),
        to_period=number(period_of(given.to_on)),
        decree_ref=given.decree_ref,
        written_by=actor.sub,
        recorded_at=tx.now,
    )
    await tx.add(row)
    await audit.record(
        tx,
        actor=actor.sub,
        action="livelihood.emergency_declared",
        reference=f"{emergency_id}/{version}",
        request_id=tx.trace,
    )


async def _check(tx: Transaction, given: DeclareIn | ChangeIn, from_on: date, today: date) -> None:
    if given.to_on < max(from_on, today):
        fa, en = "این روز گذشته یا پیش از آغاز است", "That day is over or before the first one"
        raise _faulty("/to_on", "ends_before_it_begins", fa, en)
    if not (given.provinces or given.counties):
        fa, en = "دست‌کم یک استان یا شهرستان لازم است", "At least one province or county is needed"
        raise _faulty("/provinces", "area_missing", fa, en)
    known = (await policy.on(tx, "livelihood.quota", today))["awards"]
    counties = [name.partition("/")[0] for name in given.counties]
    _known(given.provinces, known, "provinces")
    _known(counties, known, "counties")


def _known(provinces: Sequence[str], known: Sequence[str], field: str) -> None:
    for at, province in enumerate(provinces):
        if province not in known:
            fa, en = "این استان شناخته نیست", "This province is not known"
            raise _faulty(f"/{field}/{at}", "unknown_province", fa, en)


def _faulty(pointer: str, code: str, fa: str, en: str) -> InvalidInput:
    return InvalidInput(errors=[Fault(pointer, code, fa, en)])
