"""inbox, notices and texts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.storage.migrate import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What people were told, and in which words, stays: only that it was read, or has ended, is added.
KEPT = (
    "REVOKE UPDATE, DELETE ON notify.inbox_item, notify.template FROM soha_notify, soha_notify_batch",
    "GRANT UPDATE (read_at) ON notify.inbox_item TO soha_notify, soha_notify_batch",
    "GRANT UPDATE (valid_to) ON notify.template TO soha_notify, soha_notify_batch",
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="notify",
    )
    op.create_table(
        "audit_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_link_audit_id")),
        schema="notify",
    )
    op.create_table(
        "history",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("actor_sub", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("office_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "version", name=op.f("pk_history")),
        schema="notify",
    )
    op.create_table(
        "idempotency",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor", "operation", "key", name=op.f("pk_idempotency")),
        schema="notify",
    )
    op.create_index(
        op.f("ix_idempotency_expires_at"),
        "idempotency",
        ["expires_at"],
        unique=False,
        schema="notify",
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
        schema="notify",
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        schema="notify",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_inbox_subject",
        "inbox",
        ["subject_id", "version"],
        unique=False,
        schema="notify",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "inbox_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("holder_index", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_item")),
        sa.UniqueConstraint("event_id", "person_id", name="one_item_each"),
        schema="notify",
    )
    op.create_index(
        "ix_inbox_item_holder",
        "inbox_item",
        ["holder_index", "created_at", "id"],
        unique=False,
        schema="notify",
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mobile", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("segments", sa.SmallInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel IN ('sms')", name=op.f("ck_notice_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("event_id", "person_id", "channel", name="one_notice_each"),
        schema="notify",
    )
    op.create_index(
        op.f("ix_notice_tracking_code"), "notice", ["tracking_code"], unique=False, schema="notify"
    )
    op.create_index(
        "ix_notice_unsettled",
        "notice",
        ["created_at", "id"],
        unique=False,
        schema="notify",
        postgresql_where=sa.text("status <> 'sent'"),
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hearers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_outbox")),
        schema="notify",
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["written_at"],
        unique=False,
        schema="notify",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.create_table(
        "policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column(
            "valid",
            postgresql.DATERANGE(),
            sa.Computed("daterange(effective_from, effective_to, '[)')", persisted=True),
            nullable=True,
        ),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("key"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="policy_one_at_a_time",
        ),
        sa.CheckConstraint(
            "effective_to IS NULL OR effective_to > effective_from",
            name=op.f("ck_policy_ends_later"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        schema="notify",
    )
    op.create_table(
        "template",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "valid",
            postgresql.DATERANGE(),
            sa.Computed("daterange(valid_from, valid_to, '[)')", persisted=True),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sms", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("topic"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="one_template_at_a_time",
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_template_ends_later")
        ),
        sa.PrimaryKeyConstraint("topic", "version", name=op.f("pk_template")),
        schema="notify",
    )
    op.create_table(
        "timer",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject_id", name=op.f("pk_timer")),
        schema="notify",
    )
    op.create_index(op.f("ix_timer_due_at"), "timer", ["due_at"], unique=False, schema="notify")
    for statement in (*protect("notify"), *KEPT):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_timer_due_at"), table_name="timer", schema="notify")
    op.drop_table("timer", schema="notify")
    op.drop_table("template", schema="notify")
    op.drop_table("policy", schema="notify")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        schema="notify",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.drop_table("outbox", schema="notify")
    op.drop_index(
        "ix_notice_unsettled",
        table_name="notice",
        schema="notify",
        postgresql_where=sa.text("status <> 'sent'"),
    )
    op.drop_index(op.f("ix_notice_tracking_code"), table_name="notice", schema="notify")
    op.drop_table("notice", schema="notify")
    op.drop_index("ix_inbox_item_holder", table_name="inbox_item", schema="notify")
    op.drop_table("inbox_item", schema="notify")
    op.drop_index(
        "ix_inbox_subject",
        table_name="inbox",
        schema="notify",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_index(
        "ix_inbox_due",
        table_name="inbox",
        schema="notify",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("inbox", schema="notify")
    op.drop_index(op.f("ix_idempotency_expires_at"), table_name="idempotency", schema="notify")
    op.drop_table("idempotency", schema="notify")
    op.drop_table("history", schema="notify")
    op.drop_table("audit_link", schema="notify")
    op.drop_table("audit", schema="notify")
