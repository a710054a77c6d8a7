"""the case."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.storage.migrate import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="exemption",
    )
    op.create_table(
        "audit_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_link_audit_id")),
        schema="exemption",
    )
    op.create_table(
        "case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("holders", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("kin", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("office_code", sa.Text(), nullable=True),
        sa.Column("filed_by", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("tracking_code", name=op.f("uq_case_tracking_code")),
        schema="exemption",
    )
    op.create_index(op.f("ix_case_status"), "case", ["status"], unique=False, schema="exemption")
    op.create_table(
        "coverage",
        sa.Column("coverage_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_status", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_coverage_state")),
        sa.PrimaryKeyConstraint("coverage_id", "person_id", name=op.f("pk_coverage")),
        schema="exemption",
    )
    op.create_index(
        op.f("ix_coverage_household_id"),
        "coverage",
        ["household_id"],
        unique=False,
        schema="exemption",
    )
    op.create_index(
        op.f("ix_coverage_person_id"), "coverage", ["person_id"], unique=False, schema="exemption"
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
        schema="exemption",
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
        schema="exemption",
    )
    op.create_index(
        op.f("ix_idempotency_expires_at"),
        "idempotency",
        ["expires_at"],
        unique=False,
        schema="exemption",
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
        schema="exemption",
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        schema="exemption",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_inbox_subject",
        "inbox",
        ["subject_id", "version"],
        unique=False,
        schema="exemption",
        postgresql_where=sa.text("done_at IS NULL"),
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
        schema="exemption",
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["written_at"],
        unique=False,
        schema="exemption",
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
        schema="exemption",
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
        schema="exemption",
    )
    op.create_index(op.f("ix_timer_due_at"), "timer", ["due_at"], unique=False, schema="exemption")
    for statement in protect("exemption"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_timer_due_at"), table_name="timer", schema="exemption")
    op.drop_table("timer", schema="exemption")
    op.drop_table("policy", schema="exemption")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        schema="exemption",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.drop_table("outbox", schema="exemption")
    op.drop_index(
        "ix_inbox_subject",
        table_name="inbox",
        schema="exemption",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_index(
        "ix_inbox_due",
        table_name="inbox",
        schema="exemption",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("inbox", schema="exemption")
    op.drop_index(op.f("ix_idempotency_expires_at"), table_name="idempotency", schema="exemption")
    op.drop_table("idempotency", schema="exemption")
    op.drop_table("history", schema="exemption")
    op.drop_index(op.f("ix_coverage_person_id"), table_name="coverage", schema="exemption")
    op.drop_index(op.f("ix_coverage_household_id"), table_name="coverage", schema="exemption")
    op.drop_table("coverage", schema="exemption")
    op.drop_index(op.f("ix_case_status"), table_name="case", schema="exemption")
    op.drop_table("case", schema="exemption")
    op.drop_table("audit_link", schema="exemption")
    op.drop_table("audit", schema="exemption")
