"""Tables of the award: who is paid for whom since when, in versions that are never rewritten."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.awards.workflow import AWARD
from services.livelihood.models import Base
from shared.cases import CASEWORKERS
from shared.web.auth import Role
from shared.workflow import Workflow

FINANCE = frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.FINANCE_SENDER})
INSTANT = DateTime(timezone=True)
PERIOD = "~ '^1[3-5][0-9]{2}-(0[1-9]|1[0-2])$'"


class PayeeAccount(Base):
    """An account that has been verified for a payee: a new Sheba is a new row (decision 20).

    `bank_code` is the Sheba's own; rows from before it was kept have none until they are paid.
    """

    __tablename__ = "payee_account"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    sheba: Mapped[bytes] = mapped_column(LargeBinary)
    bank_code: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime] = mapped_column(INSTANT)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class OfItsCase:
    """What is read with an award from the case it came from; written there only.

    `added` are the versions that the step in hand adds, for the answer to it.
    """

    holders: Sequence[bytes] = ()
    kin: Sequence[bytes] = ()
    province: str | None = None
    office_code: str | None = None
    filed_by: str | None = None
    channel: str | None = None
    past: Sequence[Mapping[str, Any]] = ()
    added: Sequence[Mapping[str, Any]] = ()


class Award(OfItsCase, Base):
    """A household's monthly support from a Jalali month on; one open award for each household.

    `person_ids` count now; `members` holds for everybody who ever counted from which month to
    which and why. `held_from_period` is the first month that a suspension holds back,
    `recompute_from_period` the first that may have been paid otherwise than is now known,
    `ends_period` the last month of a fixed term, `last_period` that of a stopped award.
    `ground` is a code for why it stands where it stands; `payee_index` the payee's blind index,
    empty while the payee is the applicant; `head_id` who intake said is head, as of
    `household_version`.
    """

    __tablename__ = "award"
    workflow: ClassVar[Workflow] = AWARD
    read_by: ClassVar[frozenset[Role]] = CASEWORKERS | FINANCE

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.case.id"), unique=True)
    tracking_code: Mapped[str] = mapped_column(Text)
    household_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    payee_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    payee_account_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.payee_account.id"))
    person_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    covered_size: Mapped[int] = mapped_column(SmallInteger)
    start_period: Mapped[str] = mapped_column(Text)
    started_on: Mapped[date]
    ends_on: Mapped[date | None]
    review_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(INSTANT)

    changed_at: Mapped[datetime] = mapped_column(INSTANT, server_default=text("now()"))
    payee_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    members: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    ground: Mapped[str | None] = mapped_column(Text)
    held_from_period: Mapped[str | None] = mapped_column(Text)
    recompute_from_period: Mapped[str | None] = mapped_column(Text)
    ends_period: Mapped[str | None] = mapped_column(Text)
    last_period: Mapped[str | None] = mapped_column(Text)
    stopped_on: Mapped[date | None]
    objection: Mapped[bytes | None] = mapped_column(LargeBinary)
    return_opened_on: Mapped[date | None]
    previous_award_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("livelihood.award.id"), index=True
    )
    head_id: Mapped[UUID | None] = mapped_column(Uuid)
    household_version: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (
        CheckConstraint("covered_size >= 0", name="covered_size"),
        CheckConstraint(f"start_period {PERIOD}", name="start_period"),
        Index(
            "one_open_award",
            "household_id",
            unique=True,
            postgresql_where=text("status <> 'stopped'"),
        ),
        Index("ix_award_people", "person_ids", postgresql_using="gin"),
        Index("ix_award_members", "members", postgresql_using="gin"),
    )

    def told(self) -> dict[str, Any]:
        """What an event says of it; the payee hears it, after their death those who are left."""
        people = self.person_ids if self.ground == "head_died" else [self.payee_id]
        return {
            "tracking_code": self.tracking_code,
            "person_ids": [str(person) for person in people],
            "province": self.province,
            "office_code": self.office_code,
            "household_id": str(self.household_id),
            "award_id": str(self.id),
        }


class AwardVersion(Base):
    """How many count from a month on; for any month the highest version from it or before it rules.

    Rows are only added: what is learnt late is a later version from an earlier month.
    """

    __tablename__ = "award_version"

    award_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.award.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    effective_from_period: Mapped[str] = mapped_column(Text)
    covered_size: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text)
    cause_event_id: Mapped[UUID | None] = mapped_column(Uuid)
    recorded_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("covered_size >= 0", name="covered_size"),
        CheckConstraint(f"effective_from_period {PERIOD}", name="effective_from_period"),
    )


class LifeFact(Base):
    """What has been told of a person's life, once for each event; only added to.

    What follows from the facts is worked out from all of them, so their order does not matter.
    `code` names the other service where that is the fact.
    """

    __tablename__ = "life_fact"

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    occurred_on: Mapped[date]
    version: Mapped[int]
    heard_on: Mapped[date]
