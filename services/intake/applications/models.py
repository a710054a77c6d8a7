"""Tables of applications: the envelope, its timeline, its pauses, its documents, who holds it."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.models import INSTANT, Base
from services.intake.workflow import APPLICATION, OPEN, Status
from shared.cases import CASEWORKERS, LOAN_EXPERTS, CaseColumns
from shared.web.auth import Role
from shared.workflow import Workflow

# A draft is nobody's claim yet: only what has been filed bars a second one.
FILED_AND_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN - {Status.DRAFT}))


class Application(CaseColumns, Base):
    """One request for one service, for one person.

    `content` is the sealed body as it was filed; `case_*` mirror what the service last told.
    """

    __tablename__ = "application"
    workflow: ClassVar[Workflow] = APPLICATION

    service: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    applicant_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"))
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("intake.person.id"))
    subject_index: Mapped[bytes] = mapped_column(LargeBinary)
    mobile_index: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    county: Mapped[str | None] = mapped_column(Text)
    contract_number: Mapped[str | None] = mapped_column(Text)
    filed_by_sub: Mapped[str] = mapped_column(Text)
    statement_version: Mapped[int | None] = mapped_column(SmallInteger)
    fee_rial: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    identity: Mapped[str] = mapped_column(Text, server_default=text("'confirmed'"))
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("intake.household.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(INSTANT)

    promise: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    due_on: Mapped[date | None] = mapped_column(index=True)
    paused_on: Mapped[date | None]
    paused_days: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    stopped_on: Mapped[date | None]

    case_status: Mapped[str | None] = mapped_column(Text)
    case_label: Mapped[str | None] = mapped_column(Text)
    case_next: Mapped[str | None] = mapped_column(Text)
    case_version: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    waits_for: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    visits: Mapped[int] = mapped_column(Integer, server_default=text("0"))

    __table_args__ = (
        CheckConstraint("identity IN ('confirmed', 'pending', 'refused')", name="identity"),
        Index(
            "one_open_application",
            "service",
            "subject_index",
            unique=True,
            postgresql_where=text(f"status IN ({FILED_AND_OPEN})"),
        ),
        Index("ix_application_listed", "submitted_at", "id"),
        Index("ix_application_people", "person_ids", postgresql_using="gin"),
    )

    @property
    def read_by(self) -> frozenset[Role]:
        """Counsellors and employment experts see those for a loan."""
        return CASEWORKERS | LOAN_EXPERTS if self.service == "loans" else CASEWORKERS

    def told(self) -> dict[str, Any]:
        return {
            **super().told(),
            "application_id": str(self.id),
            "for_service": self.service,
            "due_on": self.due_on.isoformat() if self.due_on else None,
        }


class CaseStep(Base):
    """One step of the service's case, as its event told it: the other half of the timeline."""

    __tablename__ = "case_step"

    application_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    service: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    step: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    status_label: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, str]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(INSTANT)


class Pause(Base):
    """Days in which the promised time waited, and for whom."""

    __tablename__ = "pause"

    application_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    from_on: Mapped[date] = mapped_column(primary_key=True)
    to_on: Mapped[date | None]
    cause: Mapped[str] = mapped_column(Text)


class Document(Base):
    """A paper of an application: stored once by its hash, named by its kind."""

    __tablename__ = "document"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("intake.application.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    channel: Mapped[str] = mapped_column(Text)
    added_by: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(INSTANT)


class Claim(Base):
    """Who has a case in hand, until when: a lease that ends by itself (H50)."""

    __tablename__ = "claim"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("intake.application.id"), primary_key=True
    )
    holder: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(INSTANT)
