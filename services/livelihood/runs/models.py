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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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

    `rates` are those of its opening, so that every shard counts with the same; `worth` is what each
    kind of emergency is then worth, in percent of them, in place of the base stipend and beside it.
    What the snapshot froze: how many items, their Rials, and the hash over the digests of its
    shards. `builder` is who asked for its payment files, and when. `reckons` are the closed months
    that it compares with what is known now, `recovery` the policy of its offsets; `reckoned` the
    rates by which its own month was compared last, where they are not `rates`.
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
    worth: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reckons: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    reckoned: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    recovery: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    snapshot_at: Mapped[datetime | None] = mapped_column(INSTANT)
    snapshot_hash: Mapped[str | None] = mapped_column(Text)
    planned: Mapped[int | None] = mapped_column(BigInteger)
    held: Mapped[int | None] = mapped_column(BigInteger)
    planned_rial: Mapped[int | None] = mapped_column(BigInteger)
    held_rial: Mapped[int | None] = mapped_column(BigInteger)
    approval_ref: Mapped[str | None] = mapped_column(Text)
    builder: Mapped[str | None] = mapped_column(Text)
    build_at: Mapped[datetime | None] = mapped_column(INSTANT)

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
    queued: Mapped[int | None] = mapped_column(BigInteger)
    queued_rial: Mapped[int | None] = mapped_column(BigInteger)
    queued_at: Mapped[datetime | None] = mapped_column(INSTANT)

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
    end; it is the same whenever it is made again. `amount_rial` is paid; `recovered_rial` was due
    as well, and kept back for what had been paid too much. In a run of emergencies `award_id` is
    that of the emergency award. An emergency in place of the base stipend is component `base` as
    that is: a household has one in a month, whichever run it is in (H27).
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
    recovered_rial: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    payee_account_id: Mapped[UUID | None] = mapped_column(Uuid)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    reversed: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))

    __table_args__ = (
        CheckConstraint("amount_rial > 0", name="amount"),
        CheckConstraint("recovered_rial >= 0", name="recovered"),
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint("state <> 'held' OR reason IS NOT NULL", name="held_for_a_reason"),
        Index(
            "one_item_of_a_household",
            *("period", "household_id", "component"),
            unique=True,
            postgresql_where=text("NOT reversed"),
        ),
        Index(
            "ix_item_base_of_emergency",
            *("period", "household_id"),
            postgresql_where=text("kind = 'emergency' AND component = 'base' AND NOT reversed"),
        ),
        # Few among very many, and they are asked for.
        Index("ix_item_held", "period", "id", postgresql_where=text("state = 'held'")),
        Index("ix_item_owed", "id", postgresql_where=text("state IN ('held', 'returned')")),
        {"postgresql_partition_by": "LIST (period)"},
    )


class BankFile(Base):
    """A file of instructions to one bank; its id is the message id that the bank dedupes on.

    It is filled shard by shard, then written once: its bytes are those of `sha256` for good.
    """

    __tablename__ = "bank_file"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.run.id"))
    number: Mapped[int] = mapped_column(Integer)
    bank_code: Mapped[str] = mapped_column(Text)
    cycle_at: Mapped[datetime] = mapped_column(INSTANT)
    rows: Mapped[int] = mapped_column(Integer)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    built_at: Mapped[datetime] = mapped_column(INSTANT)
    sent_at: Mapped[datetime | None] = mapped_column(INSTANT)
    bank_ref: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("run_id", "number"),
        CheckConstraint("rows > 0 AND amount_rial > 0", name="amount"),
        CheckConstraint(
            "state IN ('filling', 'built', 'sending', 'accepted', 'unknown', 'rejected')",
            name="state",
        ),
        CheckConstraint(
            "state = 'filling' OR (sha256 IS NOT NULL AND place IS NOT NULL)", name="written"
        ),
    )


class Instruction(Base):
    """One payment of an item, or of a part of it, to one account; `id` is its reference to the end.

    Partitioned as the items are, and without foreign keys for the same reason. `run_id` is the
    item's own run, whichever run's file takes it along. A returned one stays beside the next.
    """

    __tablename__ = "instruction"

    period: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    item_id: Mapped[UUID] = mapped_column(Uuid)
    part: Mapped[int] = mapped_column(SmallInteger)
    attempt: Mapped[int] = mapped_column(SmallInteger)
    run_id: Mapped[UUID] = mapped_column(Uuid)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    payee_account_id: Mapped[UUID] = mapped_column(Uuid)
    bank_code: Mapped[str] = mapped_column(Text)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    bank_ref: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("amount_rial > 0", name="amount"),
        CheckConstraint("state IN ('queued', 'sent', 'paid', 'returned', 'unknown')", name="state"),
        Index(
            "one_live_instruction",
            *("period", "item_id", "part"),
            unique=True,
            postgresql_where=text("state <> 'returned'"),
        ),
        Index(
            "ix_instruction_returned",
            *("period", "item_id"),
            postgresql_where=text("state = 'returned'"),
        ),
        Index("ix_instruction_file_id", "file_id"),
        {"postgresql_partition_by": "LIST (period)"},
    )


class BankResult(Base):
    """What a bank said of an instruction; only added to, and the same only once (H18)."""

    __tablename__ = "bank_result"

    instruction_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    status: Mapped[str] = mapped_column(Text, primary_key=True)
    bank_ref: Mapped[str] = mapped_column(Text, primary_key=True, server_default=text("''"))
    period: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(INSTANT)
    received_at: Mapped[datetime] = mapped_column(INSTANT)
    source: Mapped[str] = mapped_column(Text)
    file_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        CheckConstraint("status IN ('paid', 'returned', 'unknown')", name="status"),
        CheckConstraint("source IN ('pain.002', 'camt.053', 'json')", name="source"),
    )
