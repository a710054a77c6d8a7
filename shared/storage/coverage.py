"""Whom the agency covers, as a service knows it: a projection of intake's coverage events.

Each event carries the coverage as it was at its version, for the people it names. A row is only
ever replaced by a later version, so events may come twice and in any order (X-09).
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Integer, MetaData, Table, Text, Uuid

from shared.storage.db import Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event

ENDED = "coverage.ended"
TOPICS = ("coverage.started", ENDED, "coverage.file_suspended", "coverage.file_resumed")


@dataclass(frozen=True, slots=True)
class Covered:
    """A person who is under coverage; `file_current` is a fact of its own (JS-09)."""

    person_id: UUID
    coverage_id: UUID
    household_id: UUID
    file_current: bool
    started_on: date


def coverage_table(metadata: MetaData) -> Table:
    """The projection's table, for a service that asks whether somebody is covered."""
    return Table(
        "coverage",
        metadata,
        Column("coverage_id", Uuid, primary_key=True),
        Column("person_id", Uuid, primary_key=True, index=True),
        Column("household_id", Uuid, nullable=False, index=True),
        Column("state", Text, nullable=False),
        Column("file_status", Text, nullable=False),
        Column("started_on", Date, nullable=False),
        Column("ended_on", Date),
        Column("version", Integer, nullable=False),
        CheckConstraint("state IN ('active', 'ended')", name="state"),
    )


async def project(tx: Transaction, event: Event) -> None:
    """Take what a coverage event says into the projection; an older one changes nothing."""
    told = event.payload
    ended = told["ended_on"] or told["on"] if event.topic == ENDED else None
    await tx.begin()
    await tx.write(
        f"""
        INSERT INTO "{tx.schema}".coverage (coverage_id, person_id, household_id, state,
                                            file_status, started_on, ended_on, version)
        SELECT $1, person_id, $3, $4, $5, $6, $7, $8 FROM unnest($2::uuid[]) AS person_id
        ON CONFLICT (coverage_id, person_id) DO UPDATE
        SET household_id = excluded.household_id, state = excluded.state,
            file_status = excluded.file_status, started_on = excluded.started_on,
            ended_on = excluded.ended_on, version = excluded.version
        WHERE coverage.version < excluded.version
        """,  # noqa: S608 - the schema's name comes from code
        event.subject_id,
        sorted({UUID(person) for person in told["person_ids"]}),
        UUID(told["household_id"]),
        "active" if ended is None else "ended",
        told["file_status"],
        date.fromisoformat(told["started_on"]),
        None if ended is None else date.fromisoformat(ended),
        event.version,
    )


HEARS: dict[str, Handler] = dict.fromkeys(TOPICS, project)
"""For a service that does no more than remember; who acts on one calls `project` first."""


async def covered(
    tx: Transaction, *, person_ids: list[UUID] | None = None, household_id: UUID | None = None
) -> list[Covered]:
    """Those of these people, or of this household, who are under coverage as far as told."""
    rows = await tx.fetch(
        f"""
        SELECT person_id, coverage_id, household_id, file_status, started_on
        FROM "{tx.schema}".coverage
        WHERE state = 'active' AND (person_id = ANY ($1::uuid[]) OR household_id = $2)
        ORDER BY person_id, started_on
        """,  # noqa: S608 - the schema's name comes from code
        person_ids or [],
        household_id,
    )
    return [
        Covered(
            person_id=row["person_id"],
            coverage_id=row["coverage_id"],
            household_id=row["household_id"],
            file_current=row["file_status"] == "current",
            started_on=row["started_on"],
        )
        for row in rows
    ]
