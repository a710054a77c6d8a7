"""The hand-over to the subsidies organisation, and where an identified case came from."""

import sqlalchemy as sa
from alembic import op

from shared.running.settings import role_name

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = "'confirmed', 'identified', 'objection_open', 'routed', 'under_review', 'visit_failed', 'visit_planned', 'visited', 'waiting_list'"
KIND = "kind IN ('introduction', 'removal')"
FROZEN = ("handover_line", "handover_answer")


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("built_by", sa.Text(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('built', 'sending', 'accepted', 'refused')", name=op.f("ck_handover_state")
        ),
        sa.CheckConstraint(
            "state <> 'accepted' OR receipt IS NOT NULL", name=op.f("ck_handover_accepted_whole")
        ),
        sa.CheckConstraint("rows > 0 AND number > 0", name=op.f("ck_handover_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("number", name=op.f("uq_handover_number")),
        schema="livelihood",
    )
    op.create_table(
        "handover_row",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.CheckConstraint(KIND, name=op.f("ck_handover_row_kind")),
        sa.CheckConstraint(
            "status <> 'rejected' OR code IS NOT NULL",
            name=op.f("ck_handover_row_rejected_for_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["award_id"], ["livelihood.award.id"], name=op.f("fk_handover_row_award_id_award")
        ),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["livelihood.handover.id"],
            name=op.f("fk_handover_row_handover_id_handover"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_row")),
        sa.UniqueConstraint("award_id", "number", name="one_row_at_a_time"),
        schema="livelihood",
    )
    op.create_index(
        "ix_handover_row_waiting",
        "handover_row",
        ["id"],
        schema="livelihood",
        postgresql_where=sa.text("handover_id IS NULL AND status IN ('ready', 'corrected')"),
    )
    op.create_index(
        "ix_handover_row_handover_id", "handover_row", ["handover_id"], schema="livelihood"
    )
    _frozen()
    _identified()
    _bring_in_what_is_there()
    roles = f"{role_name('livelihood')}, {role_name('livelihood', role='batch')}"
    op.execute(f"REVOKE DELETE, TRUNCATE ON livelihood.handover_row FROM {roles}")
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.handover FROM {roles}")
    op.execute(f"GRANT UPDATE (state, attempt, sent_at, receipt) ON livelihood.handover TO {roles}")
    for table in FROZEN:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.{table} FROM {roles}")
        op.execute(
            f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON livelihood.{table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION livelihood.only_added_to()"
        )
        op.execute(f"ALTER TABLE livelihood.{table} ENABLE ALWAYS TRIGGER only_added_to")


def _frozen() -> None:
    op.create_table(
        "handover_line",
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), nullable=False),
        sa.Column("from_period", sa.Text(), nullable=False),
        sa.Column("last_period", sa.Text(), nullable=True),
        sa.CheckConstraint(KIND, name=op.f("ck_handover_line_kind")),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["livelihood.handover.id"],
            name=op.f("fk_handover_line_handover_id_handover"),
        ),
        sa.ForeignKeyConstraint(
            ["row_id"],
            ["livelihood.handover_row.id"],
            name=op.f("fk_handover_line_row_id_handover_row"),
        ),
        sa.PrimaryKeyConstraint("handover_id", "line", name=op.f("pk_handover_line")),
        sa.UniqueConstraint("handover_id", "row_id", name="once_in_a_batch"),
        schema="livelihood",
    )
    op.create_table(
        "handover_answer",
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('acknowledged', 'rejected')", name=op.f("ck_handover_answer_outcome")
        ),
        sa.CheckConstraint(
            "(outcome = 'rejected') = (code IS NOT NULL)", name=op.f("ck_handover_answer_code")
        ),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["livelihood.handover.id"],
            name=op.f("fk_handover_answer_handover_id_handover"),
        ),
        sa.ForeignKeyConstraint(
            ["row_id"],
            ["livelihood.handover_row.id"],
            name=op.f("fk_handover_answer_row_id_handover_row"),
        ),
        sa.PrimaryKeyConstraint("handover_id", "row_id", name=op.f("pk_handover_answer")),
        schema="livelihood",
    )


def _bring_in_what_is_there() -> None:
    """Awards from before have not been introduced: they wait for the first batch."""
    op.execute(
        """
        WITH rows AS (
            INSERT INTO livelihood.handover_row (id, award_id, number, kind, status, version,
                tracking_code, person_id, province, opened_at, changed_at)
            SELECT uuidv7(), a.id, 1, 'introduction', 'ready', 1, a.tracking_code, a.payee_id,
                c.province, now(), now()
            FROM livelihood.award a JOIN livelihood."case" c ON c.id = a.case_id
            WHERE a.status NOT IN ('stopped', 'objection_open')
            RETURNING id
        )
        INSERT INTO livelihood.history
            (subject_id, version, step, status, actor_sub, actor_role, at)
        SELECT id, 1, 'prepare', 'ready', 'system', 'system', now() FROM rows
        """
    )


def _identified() -> None:
    for column in ("source_kind", "source_ref"):
        op.add_column("case", sa.Column(column, sa.Text(), nullable=True), schema="livelihood")
    op.create_check_constraint(
        op.f("ck_case_identified_by_a_source"),
        "case",
        "origin <> 'identified' OR (source_kind IS NOT NULL AND source_ref IS NOT NULL)",
        schema="livelihood",
    )
    op.create_index(
        "one_identified_case",
        "case",
        ["subject_id"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text(f"origin = 'identified' AND status IN ({OPEN})"),
    )


def downgrade() -> None:
    op.drop_index("one_identified_case", table_name="case", schema="livelihood")
    op.drop_constraint(
        op.f("ck_case_identified_by_a_source"), "case", schema="livelihood", type_="check"
    )
    for column in ("source_kind", "source_ref"):
        op.drop_column("case", column, schema="livelihood")
    for table in ("handover_answer", "handover_line", "handover_row", "handover"):
        op.drop_table(table, schema="livelihood")
