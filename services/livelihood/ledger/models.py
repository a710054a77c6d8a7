"""Tables of the ledger: its accounts, its entries and their lines."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
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
