"""Tables of people: who they are, with whom they live, and whom the agency covers, from when."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.models import INSTANT, Base


class Person(Base):
    """A person as the civil registry knows them; what names them is sealed.

    `record` is the sealed registry answer; `name_index` finds a changed name without opening it.
    """

    __tablename__ = "person"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code: Mapped[bytes] = mapped_column(LargeBinary)
    name_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    record: Mapped[bytes | None] = mapped_column(LargeBinary)
    mobile: Mapped[bytes | None] = mapped_column(LargeBinary)
    mobile_source: Mapped[str | None] = mapped_column(Text)
    alive: Mapped[bool] = mapped_column(server_default=text("true"))
    died_on: Mapped[date | None]
    known_at: Mapped[datetime] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(server_default=text("1"))


class Household(Base):
    """People who live together under one head; the address is sealed."""

    __tablename__ = "household"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    head_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"))
    province: Mapped[str | None] = mapped_column(Text)
    county: Mapped[str | None] = mapped_column(Text)
    office_code: Mapped[str | None] = mapped_column(Text)
    address: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_id: Mapped[UUID | None] = mapped_column(ForeignKey("intake.household.id"))
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class Membership(Base):
    """A person lives in a household from one day to another: in one at a time (H09)."""

    __tablename__ = "membership"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    household_id: Mapped[UUID] = mapped_column(ForeignKey("intake.household.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"))
    relation: Mapped[str] = mapped_column(Text)
    joined_on: Mapped[date]
    ended_on: Mapped[date | None]
    during: Mapped[object] = mapped_column(
        DATERANGE, Computed("daterange(joined_on, ended_on, '[)')", persisted=True)
    )

    __table_args__ = (
        CheckConstraint("ended_on IS NULL OR ended_on >= joined_on", name="ends_later"),
        ExcludeConstraint(
            ("person_id", "="), ("during", "&&"), name="one_household_at_a_time", using="gist"
        ),
    )


class Coverage(Base):
    """A household's people are under the agency's cover from a day on, for a reason.

    `file_status` is a fact of its own: a covered household's file may be suspended (JS-09).
    """

    __tablename__ = "coverage"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    household_id: Mapped[UUID] = mapped_column(ForeignKey("intake.household.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    ended_reason: Mapped[str | None] = mapped_column(Text)
    file_status: Mapped[str] = mapped_column(Text, server_default=text("'current'"))
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("file_status IN ('current', 'suspended')", name="file_status"),
        Index(
            "one_open_coverage",
            "household_id",
            unique=True,
            postgresql_where=text("ended_on IS NULL"),
        ),
    )


class CoveredPerson(Base):
    """One person under one coverage; never under two at a time."""

    __tablename__ = "covered_person"

    coverage_id: Mapped[UUID] = mapped_column(ForeignKey("intake.coverage.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"), primary_key=True)
    from_on: Mapped[date] = mapped_column(primary_key=True)
    to_on: Mapped[date | None]

    __table_args__ = (
        Index("one_cover_each", "person_id", unique=True, postgresql_where=text("to_on IS NULL")),
    )


class LifeEvent(Base):
    """What happened in a life, once: the same event reported again changes nothing."""

    __tablename__ = "life_event"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    occurred_on: Mapped[date]
    evidence: Mapped[str | None] = mapped_column(Text)
    reported_by: Mapped[str] = mapped_column(Text)
    reported_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (Index("one_life_event", "person_id", "kind", "occurred_on", unique=True),)


class Contradiction(Base):
    """Two sources say different things of a person: a task, never a refusal (H68)."""

    __tablename__ = "contradiction"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"), index=True)
    tracking_code: Mapped[str | None] = mapped_column(Text)
    field: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime] = mapped_column(INSTANT)
    settled_at: Mapped[datetime | None] = mapped_column(INSTANT)
    settled_by: Mapped[str | None] = mapped_column(Text)


class Access(Base):
    """Another body asked about a person: shown to the citizen, kept for the auditor."""

    __tablename__ = "access"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    pseudonym: Mapped[str] = mapped_column(Text, index=True)
    body: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(INSTANT)
