"""Admission with its visits and decisions, award, quota, coverage."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name
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
        schema="livelihood",
    )
    op.create_table(
        "audit_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_link_audit_id")),
        schema="livelihood",
    )
    op.create_table(
        "case",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("applicant_index", sa.LargeBinary(), nullable=False),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("submitted_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("household", sa.LargeBinary(), nullable=False),
        sa.Column("members", sa.SmallInteger(), nullable=False),
        sa.Column("sheba", sa.LargeBinary(), nullable=False),
        sa.Column("account_state", sa.Text(), nullable=False),
        sa.Column("account_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visit_number", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("visit_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("visit_on", sa.Date(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("rule_version", sa.Text(), nullable=True),
        sa.Column("rule_on", sa.Date(), nullable=True),
        sa.Column(
            "reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("objection", sa.LargeBinary(), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("award_id", sa.Uuid(), nullable=True),
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
        sa.CheckConstraint(
            "account_state IN ('unchecked', 'verified', 'mismatch', 'closed', 'not_found', 'unavailable')",
            name=op.f("ck_case_account_state"),
        ),
        sa.CheckConstraint(
            "origin IN ('request', 'identified', 'emergency')", name=op.f("ck_case_origin")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("tracking_code", name=op.f("uq_case_tracking_code")),
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_case_applicant_id"), "case", ["applicant_id"], unique=False, schema="livelihood"
    )
    op.create_index(
        op.f("ix_case_household_id"), "case", ["household_id"], unique=False, schema="livelihood"
    )
    op.create_index(op.f("ix_case_status"), "case", ["status"], unique=False, schema="livelihood")
    op.create_index(
        "ix_case_waiting",
        "case",
        ["province", "priority", "submitted_on", "id"],
        unique=False,
        schema="livelihood",
        postgresql_where=sa.text("status = 'waiting_list'"),
    )
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
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_coverage_household_id"),
        "coverage",
        ["household_id"],
        unique=False,
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_coverage_person_id"), "coverage", ["person_id"], unique=False, schema="livelihood"
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
        schema="livelihood",
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
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_idempotency_expires_at"),
        "idempotency",
        ["expires_at"],
        unique=False,
        schema="livelihood",
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
        schema="livelihood",
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        schema="livelihood",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_inbox_subject",
        "inbox",
        ["subject_id", "version"],
        unique=False,
        schema="livelihood",
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
        schema="livelihood",
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["written_at"],
        unique=False,
        schema="livelihood",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.create_table(
        "payee_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sheba", sa.LargeBinary(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payee_account")),
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_payee_account_person_id"),
        "payee_account",
        ["person_id"],
        unique=False,
        schema="livelihood",
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
        schema="livelihood",
    )
    op.create_table(
        "quota",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_quota_used")),
        sa.PrimaryKeyConstraint("year", "province", name=op.f("pk_quota")),
        schema="livelihood",
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
        schema="livelihood",
    )
    op.create_index(op.f("ix_timer_due_at"), "timer", ["due_at"], unique=False, schema="livelihood")
    op.create_table(
        "award",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("payee_account_id", sa.Uuid(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), nullable=False),
        sa.Column("start_period", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "start_period ~ '^1[3-5][0-9]{2}-(0[1-9]|1[0-2])$'", name=op.f("ck_award_start_period")
        ),
        sa.CheckConstraint("covered_size > 0", name=op.f("ck_award_covered_size")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["livelihood.case.id"], name=op.f("fk_award_case_id_case")
        ),
        sa.ForeignKeyConstraint(
            ["payee_account_id"],
            ["livelihood.payee_account.id"],
            name=op.f("fk_award_payee_account_id_payee_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award")),
        sa.UniqueConstraint("case_id", name=op.f("uq_award_case_id")),
        schema="livelihood",
    )
    op.create_index(
        "ix_award_people",
        "award",
        ["person_ids"],
        unique=False,
        schema="livelihood",
        postgresql_using="gin",
    )
    op.create_index(
        "one_open_award",
        "award",
        ["household_id"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text("status <> 'stopped'"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("rule_on", sa.Date(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("met", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("failed", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('admission', 'objection')", name=op.f("ck_decision_kind")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["livelihood.case.id"], name=op.f("fk_decision_case_id_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        schema="livelihood",
    )
    op.create_index(
        "one_decision_of_a_version",
        "decision",
        ["case_id", "version"],
        unique=True,
        schema="livelihood",
    )
    op.create_table(
        "visit",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("time_window", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("worker_sub", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("photo_consent", sa.Boolean(), nullable=True),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "outcome <> 'done' OR (happened_at IS NOT NULL AND score IS NOT NULL AND report IS NOT NULL AND worker_sub IS NOT NULL)",
            name=op.f("ck_visit_done_is_reported"),
        ),
        sa.CheckConstraint(
            "outcome IN ('planned', 'done', 'no_show')", name=op.f("ck_visit_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["livelihood.case.id"], name=op.f("fk_visit_case_id_case")
        ),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_visit")),
        schema="livelihood",
    )
    # A decision and a verified account stay as they were made; a new one is a new row.
    roles = f"{role_name('livelihood')}, {role_name('livelihood', role='batch')}"
    for table in ("decision", "payee_account"):
        op.execute(f"REVOKE UPDATE, DELETE ON livelihood.{table} FROM {roles}")
    for statement in protect("livelihood"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("visit", schema="livelihood")
    op.drop_index("one_decision_of_a_version", table_name="decision", schema="livelihood")
    op.drop_table("decision", schema="livelihood")
    op.drop_index(
        "one_open_award",
        table_name="award",
        schema="livelihood",
        postgresql_where=sa.text("status <> 'stopped'"),
    )
    op.drop_index(
        "ix_award_people", table_name="award", schema="livelihood", postgresql_using="gin"
    )
    op.drop_table("award", schema="livelihood")
    op.drop_index(op.f("ix_timer_due_at"), table_name="timer", schema="livelihood")
    op.drop_table("timer", schema="livelihood")
    op.drop_table("quota", schema="livelihood")
    op.drop_table("policy", schema="livelihood")
    op.drop_index(
        op.f("ix_payee_account_person_id"), table_name="payee_account", schema="livelihood"
    )
    op.drop_table("payee_account", schema="livelihood")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        schema="livelihood",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.drop_table("outbox", schema="livelihood")
    op.drop_index(
        "ix_inbox_subject",
        table_name="inbox",
        schema="livelihood",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_index(
        "ix_inbox_due",
        table_name="inbox",
        schema="livelihood",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("inbox", schema="livelihood")
    op.drop_index(op.f("ix_idempotency_expires_at"), table_name="idempotency", schema="livelihood")
    op.drop_table("idempotency", schema="livelihood")
    op.drop_table("history", schema="livelihood")
    op.drop_index(op.f("ix_coverage_person_id"), table_name="coverage", schema="livelihood")
    op.drop_index(op.f("ix_coverage_household_id"), table_name="coverage", schema="livelihood")
    op.drop_table("coverage", schema="livelihood")
    op.drop_index(
        "ix_case_waiting",
        table_name="case",
        schema="livelihood",
        postgresql_where=sa.text("status = 'waiting_list'"),
    )
    op.drop_index(op.f("ix_case_status"), table_name="case", schema="livelihood")
    op.drop_index(op.f("ix_case_household_id"), table_name="case", schema="livelihood")
    op.drop_index(op.f("ix_case_applicant_id"), table_name="case", schema="livelihood")
    op.drop_table("case", schema="livelihood")
    op.drop_table("audit_link", schema="livelihood")
    op.drop_table("audit", schema="livelihood")
