"""The tables that every service keeps in its own schema, made by `service_metadata(schema)`.

History, audit, idempotent answers, outbox, inbox, timers and dated policy: the same seven
mechanisms seven times, so that no query and no foreign key ever crosses a schema.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, ExcludeConstraint

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
INSTANT = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Mechanisms:
    """The mechanism tables of one schema, by name."""

    history: Table
    audit: Table
    audit_link: Table
    idempotency: Table
    outbox: Table
    inbox: Table
    timer: Table
    policy: Table


def service_metadata(schema: str) -> MetaData:
    """Metadata of one service: its schema, the naming rule, and the mechanism tables in it."""
    metadata = MetaData(schema=schema, naming_convention=NAMES)
    metadata.info["mechanisms"] = Mechanisms(
        history=_history(metadata),
        audit=_audit(metadata),
        audit_link=_audit_link(metadata),
        idempotency=_idempotency(metadata),
        outbox=_outbox(metadata),
        inbox=_inbox(metadata),
        timer=_timer(metadata),
        policy=_policy(metadata),
    )
    return metadata


def mechanisms(metadata: MetaData) -> Mechanisms:
    """The mechanism tables that `service_metadata` put into this metadata."""
    found: Mechanisms = metadata.info["mechanisms"]
    return found


def _history(metadata: MetaData) -> Table:
    # One row for each step of each thing that has a status; the version is the step's number.
    return Table(
        "history",
        metadata,
        Column("subject_id", Uuid, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("step", Text, nullable=False),
        Column("from_status", Text),
        Column("status", Text, nullable=False),
        Column("actor_sub", Text, nullable=False),
        Column("actor_role", Text, nullable=False),
        Column("channel", Text),
        Column("office_code", Text),
        Column("reason", Text),
        Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        Column("at", INSTANT, nullable=False),
    )


def _audit(metadata: MetaData) -> Table:
    # Canonical bytes are stored, not columns: what was sealed is what is verified.
    return Table(
        "audit",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("at", INSTANT, nullable=False),
        Column("entry", LargeBinary, nullable=False),
    )


def _audit_link(metadata: MetaData) -> Table:
    return Table(
        "audit_link",
        metadata,
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("audit_id", Uuid, nullable=False, unique=True),
        Column("hash", LargeBinary, nullable=False),
    )


def _idempotency(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        Column("actor", Text, primary_key=True),
        Column("operation", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("expires_at", INSTANT, nullable=False, index=True),
    )


def _outbox(metadata: MetaData) -> Table:
    # The event's id is UUIDv5 of (subject, version, topic): the same change tells the same event.
    table = Table(
        "outbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("hearers", ARRAY(Text), nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("trace", Text),
        Column("at", INSTANT, nullable=False),
        # The order of leaving; `at` is business time and may stand still or be moved.
        Column("written_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Column("moved_at", INSTANT),
    )
    Index("ix_outbox_due", table.c.written_at, postgresql_where=table.c.moved_at.is_(None))
    return table


def _inbox(metadata: MetaData) -> Table:
    table = Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("source", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("trace", Text),
        Column("at", INSTANT, nullable=False),
        Column("received_at", INSTANT, nullable=False, server_default=text("now()")),
        Column("due_at", INSTANT, nullable=False, server_default=text("now()")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("fence", BigInteger, nullable=False, server_default=text("0")),
        Column("last_error", Text),
        Column("done_at", INSTANT),
    )
    Index("ix_inbox_due", table.c.due_at, postgresql_where=table.c.done_at.is_(None))
    Index(
        "ix_inbox_subject",
        table.c.subject_id,
        table.c.version,
        postgresql_where=table.c.done_at.is_(None),
    )
    return table


def _timer(metadata: MetaData) -> Table:
    return Table(
        "timer",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("subject_id", Uuid, primary_key=True),
        Column("due_at", INSTANT, nullable=False, index=True),
        # The lease is by the database's clock, the due time by the business clock (decision 21).
        Column("leased_until", INSTANT),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("fence", BigInteger, nullable=False, server_default=text("0")),
        Column("last_error", Text),
    )


def _policy(metadata: MetaData) -> Table:
    # What was the rule on that day: ranges of one key never overlap, the database sees to it.
    table = Table(
        "policy",
        metadata,
        Column("id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", JSONB, nullable=False),
        Column("effective_from", Date, nullable=False),
        Column("effective_to", Date),
        Column(
            "valid",
            DATERANGE,
            Computed("daterange(effective_from, effective_to, '[)')", persisted=True),
        ),
        Column("source_ref", Text, nullable=False),
        Column("confidence", Text, nullable=False),
        Column("confirmed_by", Text),
        CheckConstraint("effective_to IS NULL OR effective_to > effective_from", name="ends_later"),
        PrimaryKeyConstraint("id"),
    )
    table.append_constraint(
        ExcludeConstraint(
            (table.c.key, "="), (table.c.valid, "&&"), name="policy_one_at_a_time", using="gist"
        )
    )
    return table
