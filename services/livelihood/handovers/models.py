"""Tables of the hand-over: rows of awards, numbered batches, their frozen lines, and answers."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
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
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.handovers.workflow import HANDOVER
from services.livelihood.models import Base
from shared.workflow import Workflow

INSTANT = DateTime(timezone=True)
KIND = "kind IN ('introduction', 'removal')"


class Handover(Base):
    """A batch: its id is the reference by which the other body knows it, however often it is sent.

    `state` is written ahead: `sending` may have arrived, and is sent again under the same id.
    """

    __tablename__ = "handover"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    rows: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    built_by: Mapped[str] = mapped_column(Text)
    built_at: Mapped[datetime] = mapped_column(INSTANT)
    sent_at: Mapped[datetime | None] = mapped_column(INSTANT)
    receipt: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("state IN ('built', 'sending', 'accepted', 'refused')", name="state"),
        CheckConstraint("state <> 'accepted' OR receipt IS NOT NULL", name="accepted_whole"),
        CheckConstraint("rows > 0 AND number > 0", name="counted"),
    )


class HandoverRow(Base):
    """What is to be told of one award, `number` by `number`; `handover_id` while it is in a batch.

    `code` is the other body's own word for why it rejected the row.
    """

    __tablename__ = "handover_row"
    workflow: ClassVar[Workflow] = HANDOVER

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    award_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.award.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    tracking_code: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(Uuid)
    province: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(INSTANT)
    changed_at: Mapped[datetime] = mapped_column(INSTANT)
    handover_id: Mapped[UUID | None] = mapped_column(ForeignKey("livelihood.handover.id"))
    code: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("award_id", "number", name="one_row_at_a_time"),
        CheckConstraint(KIND, name="kind"),
        CheckConstraint("status <> 'rejected' OR code IS NOT NULL", name="rejected_for_a_reason"),
        Index(
            "ix_handover_row_waiting",
            "id",
            postgresql_where=text("handover_id IS NULL AND status IN ('ready', 'corrected')"),
        ),
        Index("ix_handover_row_handover_id", "handover_id"),
    )

    def told(self) -> dict[str, Any]:
        """What the audit says of it: ids and codes only."""
        return {"tracking_code": self.tracking_code, "person_ids": [str(self.person_id)]}


class HandoverLine(Base):
    """A row as it stood in a batch: frozen with it, whatever becomes of the award."""

    __tablename__ = "handover_line"

    handover_id: Mapped[UUID] = mapped_column(
        ForeignKey("livelihood.handover.id"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    row_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.handover_row.id"))
    kind: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(Uuid)
    covered_size: Mapped[int] = mapped_column(SmallInteger)
    from_period: Mapped[str] = mapped_column(Text)
    last_period: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("handover_id", "row_id", name="once_in_a_batch"),
        CheckConstraint(KIND, name="kind"),
    )


class HandoverAnswer(Base):
    """What the other body said of one line, once: said again it changes nothing."""

    __tablename__ = "handover_answer"

    handover_id: Mapped[UUID] = mapped_column(
        ForeignKey("livelihood.handover.id"), primary_key=True
    )
    row_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.handover_row.id"), primary_key=True)
    outcome: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("outcome IN ('acknowledged', 'rejected')", name="outcome"),
        CheckConstraint("(outcome = 'rejected') = (code IS NOT NULL)", name="code"),
    )
