"""Coverage starts, grows and ends, and is told each time."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from services.intake.people.models import Coverage, CoveredPerson
from shared.storage.db import Transaction
from shared.storage.outbox import tell
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7


async def start_coverage(
    tx: Transaction, household_id: UUID, people: Sequence[UUID], *, reason: str, on: date,
    source: str, file_status: str = "current",
) -> UUID:  # fmt: skip
    """These people are covered from that day; a household that is covered already gains them.

    Tells `coverage.started` with the coverage's new version.
    """
    coverage: Coverage | None = await tx.scalar(
        select(Coverage)
        .where(Coverage.household_id == household_id, Coverage.ended_on.is_(None))
        .with_for_update()
    )
    if coverage is None:
        coverage = Coverage(
            id=uuid7(),
            household_id=household_id,
            reason=reason,
            started_on=on,
            source=source,
            file_status=file_status,
            created_at=tx.now,
            version=1,
        )
        await tx.add(coverage)
    else:
        coverage.version += 1
    covered = set(
        await tx.scalars(
            select(CoveredPerson.person_id).where(
                CoveredPerson.person_id.in_(people), CoveredPerson.to_on.is_(None)
            )
        )
    )
    for person_id in people:
        if person_id not in covered:
            await tx.add(CoveredPerson(coverage_id=coverage.id, person_id=person_id, from_on=on))
    await tell_coverage(tx, coverage, "coverage.started", people)
    return coverage.id


async def end_coverage(tx: Transaction, coverage: Coverage, *, reason: str, on: date) -> None:
    """The household's coverage ends with that day."""
    people = list(
        await tx.scalars(
            select(CoveredPerson.person_id).where(
                CoveredPerson.coverage_id == coverage.id, CoveredPerson.to_on.is_(None)
            )
        )
    )
    await tx.execute(
        update(CoveredPerson)
        .where(CoveredPerson.coverage_id == coverage.id, CoveredPerson.to_on.is_(None))
        .values(to_on=on)
    )
    coverage.ended_on, coverage.ended_reason = on, reason
    coverage.version += 1
    await tell_coverage(tx, coverage, "coverage.ended", people)


async def tell_coverage(
    tx: Transaction, coverage: Coverage, topic: str, people: Sequence[UUID]
) -> None:
    """One event of a coverage: ids, codes and dates."""
    await tx.flush()
    await tell(
        tx,
        topic,
        subject_id=coverage.id,
        version=coverage.version,
        payload={
            "coverage_id": str(coverage.id),
            "household_id": str(coverage.household_id),
            "person_ids": [str(person) for person in people],
            "reason": coverage.reason,
            "file_status": coverage.file_status,
            "started_on": coverage.started_on.isoformat(),
            "ended_on": coverage.ended_on.isoformat() if coverage.ended_on else None,
            "version": coverage.version,
            "on": tehran_date(tx.now).isoformat(),
            "facts": {},
        },
    )
