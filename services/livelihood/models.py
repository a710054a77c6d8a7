"""Tables of livelihood: the admission, its visits and decisions, the quota."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.livelihood.workflow import ADMISSION, OPEN
from shared.cases import CaseColumns
from shared.imports import import_table
from shared.storage.coverage import coverage_table
from shared.storage.tables import service_metadata
from shared.workflow import Workflow

metadata = service_metadata("livelihood")
coverage_table(metadata)
import_table(metadata)
INSTANT = DateTime(timezone=True)
STILL_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))


class Base(DeclarativeBase):
    metadata = metadata


class AdmissionCase(CaseColumns, Base):
    """One household asks for livelihood aid, or was found in need of it.

    Sealed: `sheba`, `address`, `household` (members with relation and birth date), `objection`.
    `applicant_index` is the blind index of the one to whom the account must belong. Who was found
    in need has a source: its kind, and the reference under which it can be looked up.
    """

    __tablename__ = "case"
    workflow: ClassVar[Workflow] = ADMISSION

    application_id: Mapped[UUID] = mapped_column(Uuid)
    origin: Mapped[str] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    household_id: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    applicant_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    applicant_index: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    county: Mapped[str | None] = mapped_column(Text)
    submitted_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[bytes] = mapped_column(LargeBinary)
    household: Mapped[bytes] = mapped_column(LargeBinary)
    members: Mapped[int] = mapped_column(SmallInteger)

    sheba: Mapped[bytes] = mapped_column(LargeBinary)
    account_state: Mapped[str] = mapped_column(Text)
    account_checked_at: Mapped[datetime | None] = mapped_column(INSTANT)

    visit_number: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    visit_tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    visit_on: Mapped[date | None]

    decision_id: Mapped[UUID | None] = mapped_column(Uuid)
    decided_on: Mapped[date | None]
    rule_version: Mapped[str | None] = mapped_column(Text)
    rule_on: Mapped[date | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    objection: Mapped[bytes | None] = mapped_column(LargeBinary)
    waiting_since: Mapped[datetime | None] = mapped_column(INSTANT)
    award_id: Mapped[UUID | None] = mapped_column(Uuid)
    emergency_id: Mapped[UUID | None] = mapped_column(Uuid)
    emergency_ends_on: Mapped[date | None]
    source_kind: Mapped[str | None] = mapped_column(Text)
    source_ref: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint(
            "account_state IN"
            " ('unchecked', 'verified', 'mismatch', 'closed', 'not_found', 'unavailable')",
            name="account_state",
        ),
        CheckConstraint(
            "origin IN ('request', 'identified', 'emergency', 'imported')", name="origin"
        ),
        CheckConstraint(
            "origin <> 'identified' OR (source_kind IS NOT NULL AND source_ref IS NOT NULL)",
            name="identified_by_a_source",
        ),
        Index(
            "one_identified_case",
            "subject_id",
            unique=True,
            postgresql_where=text(f"origin = 'identified' AND status IN ({STILL_OPEN})"),
        ),
        Index(
            "ix_case_waiting",
            *("province", "priority", "submitted_on", "id"),
            postgresql_where=text("status = 'waiting_list'"),
        ),
    )

    def told(self) -> dict[str, Any]:
        household = str(self.household_id) if self.household_id else None
        return {**super().told(), "household_id": household}


class Visit(Base):
    """One visit to the home, planned and then made or missed; `report` is sealed.

    The report holds findings, place and note: what a worker saw in somebody's home.
    """

    __tablename__ = "visit"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.case.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    planned_on: Mapped[date]
    time_window: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    worker_sub: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime | None] = mapped_column(INSTANT)
    score: Mapped[int | None] = mapped_column(SmallInteger)
    photo_consent: Mapped[bool | None]
    report: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("outcome IN ('planned', 'done', 'no_show')", name="outcome"),
        CheckConstraint(
            "outcome <> 'done' OR (happened_at IS NOT NULL AND score IS NOT NULL"
            " AND report IS NOT NULL AND worker_sub IS NOT NULL)",
            name="done_is_reported",
        ),
    )


class Decision(Base):
    """A decision with the rule it stands on: kept as it was made, never rewritten (X-11).

    `inputs` is sealed; judged again under the same policy they give the same outcome.
    """

    __tablename__ = "decision"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.case.id"))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    policy_id: Mapped[UUID] = mapped_column(Uuid)
    rule_version: Mapped[str] = mapped_column(Text)
    rule_on: Mapped[date]
    inputs: Mapped[bytes] = mapped_column(LargeBinary)
    met: Mapped[list[str]] = mapped_column(ARRAY(Text))
    failed: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    decided_by: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("kind IN ('admission', 'objection')", name="kind"),
        Index("one_decision_of_a_version", "case_id", "version", unique=True),
    )


class Quota(Base):
    """How many awards of a Jalali year a province has used; the ceiling is dated policy."""

    __tablename__ = "quota"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    province: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[int] = mapped_column(Integer)

    __table_args__ = (CheckConstraint("used >= 0", name="used"),)
