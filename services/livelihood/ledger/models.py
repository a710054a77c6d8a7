"""Tables of the ledger: accounts, entries and their lines, and what is adjusted of a household."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.models import Base

SIDES = "side IN ('debit', 'credit')"


class Account(Base):
    """An account, as data; on its `side` it grows. What `clears` must come back to zero."""

    __tablename__ = "account"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text)
    clears: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        CheckConstraint(SIDES, name="side"),
        CheckConstraint("code ~ '^[a-z]+([._][a-z0-9]+)*$'", name="code"),
    )


class JournalEntry(Base):
    """One thing that happened to money. The same thing (`kind`, `reference`) is entered once.

    It says how many lines it has, so that none can join it later.
    """

    __tablename__ = "journal_entry"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("livelihood.run.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    lines: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        UniqueConstraint("kind", "reference", name="entered_once"),
        CheckConstraint("lines >= 2", name="lines"),
    )


class Posting(Base):
    """One line of an entry. The lines of an entry balance when it is committed (a trigger)."""

    __tablename__ = "posting"

    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("livelihood.journal_entry.id"), primary_key=True
    )
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account: Mapped[str] = mapped_column(ForeignKey("livelihood.account.code"), index=True)
    side: Mapped[str] = mapped_column(Text)
    amount_rial: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint(SIDES, name="side"),
        CheckConstraint("amount_rial > 0", name="amount"),
    )


class Adjustment(Base):
    """One movement in a closed month of an award: how it differs, and how that was made good.

    A `difference` is what is due by what is known now less what was approved; an item is never
    edited. What a month's rows add up to is still to be paid (above zero) or recovered (below):
    `arrears` were paid by an item of `run_id`, an `offset` was kept back from one, and `withdrawn`
    is an approved item that no bank ever had. `debt_rial` is by how much a row changes what is to
    be recovered. An item that was paid stays paid, for most of it was due: no `recovery_due`.
    """

    __tablename__ = "adjustment"

    award_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.award.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    period: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    delta_rial: Mapped[int] = mapped_column(BigInteger)
    debt_rial: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.run.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint("delta_rial <> 0", name="delta"),
        CheckConstraint("kind IN ('difference', 'arrears', 'offset', 'withdrawn')", name="kind"),
        CheckConstraint("kind <> 'arrears' OR delta_rial < 0", name="arrears"),
        CheckConstraint("kind NOT IN ('offset', 'withdrawn') OR delta_rial > 0", name="made_good"),
        # The books of a run take in what it changed of debts.
        Index("ix_adjustment_debt", "run_id", postgresql_where=text("debt_rial <> 0")),
    )


class Reckoned(Base):
    """Which closed months of an award have been compared, at which version of it.

    At a later version, or for another month, it is compared again; it says nothing of amounts.
    """

    __tablename__ = "reckoned"

    award_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.award.id"), primary_key=True)
    version: Mapped[int]
    months: Mapped[list[int]] = mapped_column(ARRAY(Integer))
