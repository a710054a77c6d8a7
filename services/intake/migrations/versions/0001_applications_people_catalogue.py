"""applications, people, catalogue."""

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
        "access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_access_pseudonym"), "access", ["pseudonym"], unique=False, schema="intake"
    )
    op.create_table(
        "area",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_fa", sa.Text(), nullable=False),
        sa.Column("matching", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        schema="intake",
    )
    op.create_index(op.f("ix_area_matching"), "area", ["matching"], unique=False, schema="intake")
    op.create_index(op.f("ix_area_parent_id"), "area", ["parent_id"], unique=False, schema="intake")
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="intake",
    )
    op.create_table(
        "audit_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_link_audit_id")),
        schema="intake",
    )
    op.create_table(
        "card",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("service_id", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service", "version", name=op.f("pk_card")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_card_service_id"), "card", ["service_id"], unique=False, schema="intake"
    )
    op.create_table(
        "case_step",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_label", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("application_id", "service", "version", name=op.f("pk_case_step")),
        sa.UniqueConstraint("event_id", name=op.f("uq_case_step_event_id")),
        schema="intake",
    )
    op.create_table(
        "channel",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service", "stage", "channel", name=op.f("pk_channel")),
        schema="intake",
    )
    op.create_table(
        "counter_contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("office_code", sa.Text(), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_contract")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_counter_contract_office_code"),
        "counter_contract",
        ["office_code"],
        unique=False,
        schema="intake",
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
        schema="intake",
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
        schema="intake",
    )
    op.create_index(
        op.f("ix_idempotency_expires_at"),
        "idempotency",
        ["expires_at"],
        unique=False,
        schema="intake",
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
        schema="intake",
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        schema="intake",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_inbox_subject",
        "inbox",
        ["subject_id", "version"],
        unique=False,
        schema="intake",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "office",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_fa", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("counties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_office")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_office_province"), "office", ["province"], unique=False, schema="intake"
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
        schema="intake",
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["written_at"],
        unique=False,
        schema="intake",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.create_table(
        "pause",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("application_id", "from_on", name=op.f("pk_pause")),
        schema="intake",
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("mobile", sa.LargeBinary(), nullable=True),
        sa.Column("mobile_source", sa.Text(), nullable=True),
        sa.Column("alive", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("died_on", sa.Date(), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("code_index", name=op.f("uq_person_code_index")),
        schema="intake",
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
        schema="intake",
    )
    op.create_table(
        "statement",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service", "version", name=op.f("pk_statement")),
        schema="intake",
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
        schema="intake",
    )
    op.create_index(op.f("ix_timer_due_at"), "timer", ["due_at"], unique=False, schema="intake")
    op.create_table(
        "contradiction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["intake.person.id"], name=op.f("fk_contradiction_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contradiction")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_contradiction_person_id"),
        "contradiction",
        ["person_id"],
        unique=False,
        schema="intake",
    )
    op.create_table(
        "household",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("head_id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("office_code", sa.Text(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["head_id"], ["intake.person.id"], name=op.f("fk_household_head_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["intake.household.id"],
            name=op.f("fk_household_previous_id_household"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        schema="intake",
    )
    op.create_table(
        "life_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["intake.person.id"], name=op.f("fk_life_event_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_life_event")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_life_event_person_id"), "life_event", ["person_id"], unique=False, schema="intake"
    )
    op.create_index(
        "one_life_event",
        "life_event",
        ["person_id", "kind", "occurred_on"],
        unique=True,
        schema="intake",
    )
    op.create_table(
        "application",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("subject_index", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_index", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("contract_number", sa.Text(), nullable=True),
        sa.Column("filed_by_sub", sa.Text(), nullable=False),
        sa.Column("statement_version", sa.SmallInteger(), nullable=True),
        sa.Column("fee_rial", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("identity", sa.Text(), server_default=sa.text("'confirmed'"), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promise", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("paused_on", sa.Date(), nullable=True),
        sa.Column("paused_days", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stopped_on", sa.Date(), nullable=True),
        sa.Column("case_status", sa.Text(), nullable=True),
        sa.Column("case_label", sa.Text(), nullable=True),
        sa.Column("case_next", sa.Text(), nullable=True),
        sa.Column("case_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "waits_for",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("visits", sa.Integer(), server_default=sa.text("0"), nullable=False),
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
            "identity IN ('confirmed', 'pending', 'refused')", name=op.f("ck_application_identity")
        ),
        sa.ForeignKeyConstraint(
            ["applicant_id"], ["intake.person.id"], name=op.f("fk_application_applicant_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["intake.household.id"],
            name=op.f("fk_application_household_id_household"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["intake.person.id"], name=op.f("fk_application_subject_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("tracking_code", name=op.f("uq_application_tracking_code")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_application_due_on"), "application", ["due_on"], unique=False, schema="intake"
    )
    op.create_index(
        "ix_application_listed",
        "application",
        ["submitted_at", "id"],
        unique=False,
        schema="intake",
    )
    op.create_index(
        "ix_application_people",
        "application",
        ["person_ids"],
        unique=False,
        schema="intake",
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_application_status"), "application", ["status"], unique=False, schema="intake"
    )
    op.create_index(
        "one_open_application",
        "application",
        ["service", "subject_index"],
        unique=True,
        schema="intake",
        postgresql_where=sa.text(
            "status IN ('in_service', 'incomplete', 'routed', 'submitted', 'visit_required')"
        ),
    )
    op.create_table(
        "coverage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("file_status", sa.Text(), server_default=sa.text("'current'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "file_status IN ('current', 'suspended')", name=op.f("ck_coverage_file_status")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["intake.household.id"],
            name=op.f("fk_coverage_household_id_household"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_coverage_household_id"),
        "coverage",
        ["household_id"],
        unique=False,
        schema="intake",
    )
    op.create_index(
        "one_open_coverage",
        "coverage",
        ["household_id"],
        unique=True,
        schema="intake",
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column(
            "during",
            postgresql.DATERANGE(),
            sa.Computed("daterange(joined_on, ended_on, '[)')", persisted=True),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="one_household_at_a_time",
        ),
        sa.CheckConstraint(
            "ended_on IS NULL OR ended_on >= joined_on", name=op.f("ck_membership_ends_later")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["intake.household.id"],
            name=op.f("fk_membership_household_id_household"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["intake.person.id"], name=op.f("fk_membership_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_membership_household_id"),
        "membership",
        ["household_id"],
        unique=False,
        schema="intake",
    )
    op.create_table(
        "claim",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["intake.application.id"],
            name=op.f("fk_claim_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_claim")),
        schema="intake",
    )
    op.create_table(
        "covered_person",
        sa.Column("coverage_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["coverage_id"],
            ["intake.coverage.id"],
            name=op.f("fk_covered_person_coverage_id_coverage"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["intake.person.id"], name=op.f("fk_covered_person_person_id_person")
        ),
        sa.PrimaryKeyConstraint(
            "coverage_id", "person_id", "from_on", name=op.f("pk_covered_person")
        ),
        schema="intake",
    )
    op.create_index(
        "one_cover_each",
        "covered_person",
        ["person_id"],
        unique=True,
        schema="intake",
        postgresql_where=sa.text("to_on IS NULL"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["intake.application.id"],
            name=op.f("fk_document_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        schema="intake",
    )
    op.create_index(
        op.f("ix_document_application_id"),
        "document",
        ["application_id"],
        unique=False,
        schema="intake",
    )
    for statement in protect("intake"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_document_application_id"), table_name="document", schema="intake")
    op.drop_table("document", schema="intake")
    op.drop_index(
        "one_cover_each",
        table_name="covered_person",
        schema="intake",
        postgresql_where=sa.text("to_on IS NULL"),
    )
    op.drop_table("covered_person", schema="intake")
    op.drop_table("claim", schema="intake")
    op.drop_index(op.f("ix_membership_household_id"), table_name="membership", schema="intake")
    op.drop_table("membership", schema="intake")
    op.drop_index(
        "one_open_coverage",
        table_name="coverage",
        schema="intake",
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.drop_index(op.f("ix_coverage_household_id"), table_name="coverage", schema="intake")
    op.drop_table("coverage", schema="intake")
    op.drop_index(
        "one_open_application",
        table_name="application",
        schema="intake",
        postgresql_where=sa.text(
            "status IN ('in_service', 'incomplete', 'routed', 'submitted', 'visit_required')"
        ),
    )
    op.drop_index(op.f("ix_application_status"), table_name="application", schema="intake")
    op.drop_index(
        "ix_application_people", table_name="application", schema="intake", postgresql_using="gin"
    )
    op.drop_index("ix_application_listed", table_name="application", schema="intake")
    op.drop_index(op.f("ix_application_due_on"), table_name="application", schema="intake")
    op.drop_table("application", schema="intake")
    op.drop_index("one_life_event", table_name="life_event", schema="intake")
    op.drop_index(op.f("ix_life_event_person_id"), table_name="life_event", schema="intake")
    op.drop_table("life_event", schema="intake")
    op.drop_table("household", schema="intake")
    op.drop_index(op.f("ix_contradiction_person_id"), table_name="contradiction", schema="intake")
    op.drop_table("contradiction", schema="intake")
    op.drop_index(op.f("ix_timer_due_at"), table_name="timer", schema="intake")
    op.drop_table("timer", schema="intake")
    op.drop_table("statement", schema="intake")
    op.drop_table("policy", schema="intake")
    op.drop_table("person", schema="intake")
    op.drop_table("pause", schema="intake")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        schema="intake",
        postgresql_where=sa.text("moved_at IS NULL"),
    )
    op.drop_table("outbox", schema="intake")
    op.drop_index(op.f("ix_office_province"), table_name="office", schema="intake")
    op.drop_table("office", schema="intake")
    op.drop_index(
        "ix_inbox_subject",
        table_name="inbox",
        schema="intake",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_index(
        "ix_inbox_due",
        table_name="inbox",
        schema="intake",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("inbox", schema="intake")
    op.drop_index(op.f("ix_idempotency_expires_at"), table_name="idempotency", schema="intake")
    op.drop_table("idempotency", schema="intake")
    op.drop_table("history", schema="intake")
    op.drop_index(
        op.f("ix_counter_contract_office_code"), table_name="counter_contract", schema="intake"
    )
    op.drop_table("counter_contract", schema="intake")
    op.drop_table("channel", schema="intake")
    op.drop_table("case_step", schema="intake")
    op.drop_index(op.f("ix_card_service_id"), table_name="card", schema="intake")
    op.drop_table("card", schema="intake")
    op.drop_table("audit_link", schema="intake")
    op.drop_table("audit", schema="intake")
    op.drop_index(op.f("ix_area_parent_id"), table_name="area", schema="intake")
    op.drop_index(op.f("ix_area_matching"), table_name="area", schema="intake")
    op.drop_table("area", schema="intake")
    op.drop_index(op.f("ix_access_pseudonym"), table_name="access", schema="intake")
    op.drop_table("access", schema="intake")
