"""Tables of emergencies: the declaration in versions, and what households are granted under it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT4RANGE
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.models import INSTANT, Base


class Emergency(Base):
    """An emergency that was declared; where and until when its versions say. Only added to."""

    __tablename__ = "emergency"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime] = mapped_column(INSTANT)


class EmergencyVersion(Base):
    """Area and days from a month on; for any month the highest version from it or before it rules.

    Only added to, and never from a month that has begun: what was paid stays (H28).
    """

    __tablename__ = "emergency_version"

    emergency_id: Mapped[UUID] = mapped_column(
        ForeignKey("livelihood.emergency.id"), primary_key=True
    )
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    effective_from_period: Mapped[int] = mapped_column(Integer)
    provinces: Mapped[list[str]] = mapped_column(ARRAY(Text))
    counties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    from_on: Mapped[date]
    to_on: Mapped[date]
    from_period: Mapped[int] = mapped_column(Integer)
    to_period: Mapped[int] = mapped_column(Integer)
    decree_ref: Mapped[str] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("from_on <= to_on", name="days"),
        CheckConstraint("cardinality(provinces) + cardinality(counties) > 0", name="area"),
        CheckConstraint("btrim(decree_ref) <> ''", name="decree_ref"),
    )


class EmergencyAward(Base):
    """A household's support under a declaration; `start_period` to `last_period`, both inside.

    In the database `one_emergency_at_a_time` is UNIQUE (household_id, during WITHOUT OVERLAPS): a
    household is never granted a month twice. `province` and `county` are those of its case when it
    was granted; the payee's account is empty until the central bank has confirmed it.
    """

    __tablename__ = "emergency_award"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.case.id"), unique=True)
    emergency_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.emergency.id"), index=True)
    household_id: Mapped[UUID] = mapped_column(Uuid)
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    payee_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("livelihood.payee_account.id"))
    person_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    province: Mapped[str | None] = mapped_column(Text)
    county: Mapped[str | None] = mapped_column(Text)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    start_period: Mapped[int] = mapped_column(Integer)
    last_period: Mapped[int] = mapped_column(Integer)
    during: Mapped[Any] = mapped_column(
        INT4RANGE, Computed("int4range(start_period, last_period, '[]')", persisted=True)
    )
    visit_due_on: Mapped[date]
    visited_on: Mapped[date | None]
    granted_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        UniqueConstraint("household_id", "during", name="one_emergency_at_a_time"),
        CheckConstraint("cardinality(person_ids) > 0", name="people"),
        CheckConstraint("starts_on <= ends_on", name="days"),
    )
