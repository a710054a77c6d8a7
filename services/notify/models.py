"""Tables of notify: the texts by version, the citizen's inbox, and each message that goes out."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.notify.workflow import NOTICE
from shared.storage.tables import service_metadata
from shared.workflow import Workflow

metadata = service_metadata("notify")
INSTANT = DateTime(timezone=True)


class Base(DeclarativeBase):
    metadata = metadata


class Template(Base):
    """One version of the texts of a topic, in force from a day on; what was in force stays.

    `valid_to` is the first day on which it no longer holds: the next version sets it.
    """

    __tablename__ = "template"

    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    valid: Mapped[Any] = mapped_column(
        DATERANGE, Computed("daterange(valid_from, valid_to, '[)')", persisted=True)
    )
    title: Mapped[str] = mapped_column(Text)
    sms: Mapped[str] = mapped_column(Text)
    inbox: Mapped[str] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ends_later"),
        ExcludeConstraint(
            ("topic", "="), ("valid", "&&"), name="one_template_at_a_time", using="gist"
        ),
    )


class Broadcast(Base):
    """One event for very many people, its words, and how far they have been told.

    `after` is the last recipient whom the owner named, `let_out_to` the last person whose message
    has been given to sending. The words are the same for all, so they name nobody.
    """

    __tablename__ = "broadcast"

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    sms: Mapped[str] = mapped_column(Text)
    inbox: Mapped[str] = mapped_column(Text)
    segments: Mapped[int] = mapped_column(SmallInteger)
    after: Mapped[UUID | None] = mapped_column(Uuid)
    items: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    notices: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    let_out_to: Mapped[UUID | None] = mapped_column(Uuid)
    begun_at: Mapped[datetime] = mapped_column(INSTANT)
    queued_at: Mapped[datetime | None] = mapped_column(INSTANT)
    done_at: Mapped[datetime | None] = mapped_column(INSTANT)


class InboxItem(Base):
    """A message as the citizen reads it in the portal: the legal record that they were told (H59).

    Without a `text` of its own it says what the broadcast of its event says.
    `holder_index` is the blind index of their national code: a token finds its items by itself.
    """

    __tablename__ = "inbox_item"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    person_id: Mapped[UUID] = mapped_column(Uuid)
    holder_index: Mapped[bytes] = mapped_column(LargeBinary)
    topic: Mapped[str] = mapped_column(Text)
    tracking_code: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    read_at: Mapped[datetime | None] = mapped_column(INSTANT)

    __table_args__ = (
        UniqueConstraint("event_id", "person_id", name="one_item_each"),
        Index("ix_inbox_item_holder", "holder_index", "created_at", "id"),
    )


class Notice(Base):
    """One message to one person by one channel. Its id is the reference that the provider keeps.

    `attempts` counts how often the text was handed to a provider, written before each time.
    One of a broadcast gets its number and its text when its turn comes.
    """

    __tablename__ = "notice"
    workflow: ClassVar[Workflow] = NOTICE

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    person_id: Mapped[UUID] = mapped_column(Uuid)
    channel: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    tracking_code: Mapped[str | None] = mapped_column(Text, index=True)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    mobile: Mapped[bytes | None] = mapped_column(LargeBinary)
    text: Mapped[bytes | None] = mapped_column(LargeBinary)
    segments: Mapped[int] = mapped_column(SmallInteger)
    provider: Mapped[str | None] = mapped_column(Text)
    provider_ref: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=sql("0"))
    error_code: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    changed_at: Mapped[datetime] = mapped_column(INSTANT)

    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "channel", name="one_notice_each"),
        CheckConstraint("channel IN ('sms')", name="channel"),
        # What waits for a person to look at it: few rows among very many.
        Index("ix_notice_unsettled", "created_at", "id", postgresql_where=sql("status <> 'sent'")),
    )

    def told(self) -> dict[str, Any]:
        """What history and audit say of it: codes only."""
        return {"tracking_code": self.tracking_code, "person_ids": [str(self.person_id)]}
