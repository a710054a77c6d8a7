"""Tables of the monthly run: the run, the progress of its shards, and its items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.models import Base
from services.livelihood.runs import rules
from services.livelihood.runs.workflow import RUN
from shared.workflow import Workflow

INSTANT = DateTime(timezone=True)
KINDS = "kind IN ('regular', 'arrears', 'emergency')"
STATES = (
    "state IN ('planned', 'held', 'queued', 'sent', 'paid', 'unknown', 'returned', 'requeued',"
    " 'recovery_due')"
)
MONTH = "period BETWEEN 130001 AND 159912 AND period % 100 BETWEEN 1 AND 12"


class _Stepped:
    past: Sequence[Mapping[str, Any]] = ()


class Run(_Stepped, Base):
    """The payments of a Jalali month, chosen by who opens it and never by today's date.

    `rates` are those of its opening, so that every shard counts with the same. What the snapshot
    froze: how many items, their Rials, and the hash over the digests of its shards.
    """

    __tablename__ = "run"
    workflow: ClassVar[Workflow] = RUN

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    period: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(INSTANT)
    changed_at: Mapped[datetime] = mapped_column(INSTANT)
    rates: Mapped[list[Any]] = mapped_column(JSONB)
    rate_version: Mapped[str] = mapped_column(Text)
    snapshot_at: Mapped[datetime | None] = mapped_column(INSTANT)
    snapshot_hash: Mapped[str | None] = mapped_column(Text)
    planned: Mapped[int | None] = mapped_column(BigInteger)
    held: Mapped[int | None] = mapped_column(BigInteger)
    planned_rial: Mapped[int | None] = mapped_column(BigInteger)
    held_rial: Mapped[int | None] = mapped_column(BigInteger)
    approval_ref: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("period", "kind", name="one_run_of_a_kind"),
        CheckConstraint(MONTH, name="period"),
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(
            "status = 'open' OR (snapshot_at IS NOT NULL AND snapshot_hash IS NOT NULL"
            " AND planned IS NOT NULL AND held IS NOT NULL"
            " AND planned_rial IS NOT NULL AND held_rial IS NOT NULL)",
            name="frozen_whole",
        ),
    )

    def told(self) -> dict[str, Any]:
        """What an event says of a run: nobody's data is in it."""
        return {"run_id": str(self.id), "period": rules.as_text(self.period)}


class RunShard(Base):
    """A range of award ids within a run, and what became of it; `until_id` is outside.

    A shard is done in one transaction with its items; the lock on its row is its fence.
    """

    __tablename__ = "run_shard"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    from_id: Mapped[UUID] = mapped_column(Uuid)
    until_id: Mapped[UUID | None] = mapped_column(Uuid)
    planned: Mapped[int | None] = mapped_column(BigInteger)
    held: Mapped[int | None] = mapped_column(BigInteger)
    planned_rial: Mapped[int | None] = mapped_column(BigInteger)
    held_rial: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    done_at: Mapped[datetime | None] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint(
            "done_at IS NULL OR (digest IS NOT NULL AND planned IS NOT NULL AND held IS NOT NULL"
            " AND planned_rial IS NOT NULL AND held_rial IS NOT NULL)",
            name="done_whole",
        ),
    )


class Item(Base):
    """What one household is due in one run. Partitioned by month; a run makes its partition.

    It has no foreign keys: a million of them would be checked one by one, and items are made from
    awards by the database itself. `id` begins as the award's id does, so that the key grows at its
    end; it is the same whenever it is made again.
    """

    __tablename__ = "item"

    period: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    component: Mapped[str] = mapped_column(Text)
    award_id: Mapped[UUID] = mapped_column(Uuid)
    household_id: Mapped[UUID] = mapped_column(Uuid)
    covered_size: Mapped[int] = mapped_column(SmallInteger)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    payee_account_id: Mapped[UUID | None] = mapped_column(Uuid)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    reversed: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))

    __table_args__ = (
        CheckConstraint("amount_rial > 0", name="amount"),
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint("state <> 'held' OR reason IS NOT NULL", name="held_for_a_reason"),
        Index(
            "one_item_of_a_household",
            *("period", "kind", "household_id", "component"),
            unique=True,
            postgresql_where=text("NOT reversed"),
        ),
        # Few among very many, and they are asked for.
        Index("ix_item_held", "period", "id", postgresql_where=text("state = 'held'")),
        {"postgresql_partition_by": "LIST (period)"},
    )
