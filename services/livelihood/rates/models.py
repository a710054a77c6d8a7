"""Tables of the rates: the rate, the budget of a year, and the decile of a household."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import INT4RANGE
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.models import INSTANT, Base

MONTH = "{0} BETWEEN 130001 AND 159912 AND {0} % 100 BETWEEN 1 AND 12"


def _approved() -> tuple[CheckConstraint, ...]:
    """Every amount stands on an approval and a source that is trusted so far (LV-04)."""
    return (
        CheckConstraint("amount_rial > 0", name="amount_rial"),
        CheckConstraint("btrim(approval_ref) <> ''", name="approval_ref"),
        CheckConstraint("confidence IN ('H', 'M', 'L')", name="confidence"),
    )


class Rate(Base):
    """What a household of a size gets each month, from one Jalali month to another, both inside.

    In the database `rate_one_at_a_time` is UNIQUE (covered_size, during WITHOUT OVERLAPS): one
    rate for a month and size, whoever writes (H14). Only the last month and the confirmation of a
    row can change.
    """

    __tablename__ = "rate"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    covered_size: Mapped[int] = mapped_column(SmallInteger)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    from_period: Mapped[int] = mapped_column(Integer)
    to_period: Mapped[int | None] = mapped_column(Integer)
    during: Mapped[Any] = mapped_column(
        INT4RANGE, Computed("int4range(from_period, to_period, '[]')", persisted=True)
    )
    approval_ref: Mapped[str] = mapped_column(Text)
    source_ref: Mapped[str] = mapped_column(Text)
    confidence: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str | None] = mapped_column(Text)
    announced_on: Mapped[date | None]
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        UniqueConstraint("covered_size", "during", name="rate_one_at_a_time"),
        CheckConstraint("covered_size BETWEEN 1 AND 5", name="covered_size"),
        CheckConstraint(MONTH.format("from_period"), name="from_period"),
        CheckConstraint(MONTH.format("to_period"), name="to_period"),
        *_approved(),
    )


class Budget(Base):
    """What parliament passed for a Jalali year; the newest version is in force (LV-05)."""

    __tablename__ = "budget"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    approval_ref: Mapped[str] = mapped_column(Text)
    source_ref: Mapped[str] = mapped_column(Text)
    confidence: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str | None] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("year BETWEEN 1300 AND 1599", name="year"),
        CheckConstraint("version > 0", name="version"),
        *_approved(),
    )


class Decile(Base):
    """The income decile of a household, and what it lives on in a month, as they were last told.

    No row, or an empty column, means that nobody knows it. They are for sums over many households.
    """

    __tablename__ = "decile"

    household_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    decile: Mapped[int | None] = mapped_column(SmallInteger)
    known_on: Mapped[date]
    source_ref: Mapped[str] = mapped_column(Text)
    income_rial: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("decile BETWEEN 1 AND 10", name="decile"),
        CheckConstraint("income_rial >= 0", name="income_rial"),
        CheckConstraint("decile IS NOT NULL OR income_rial IS NOT NULL", name="known"),
    )
