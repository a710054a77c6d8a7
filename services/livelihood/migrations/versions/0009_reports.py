"""Month-end reports, counted once; a household's income beside its decile."""

import sqlalchemy as sa
from alembic import op

from shared.running.settings import role_name

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KNOWN = "decile IS NOT NULL OR income_rial IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "run_report",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line_rial", sa.BigInteger(), nullable=True),
        sa.Column("line_from", sa.Date(), nullable=True),
        sa.Column("line_source", sa.Text(), nullable=True),
        sa.Column("line_confirmed", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(line_rial IS NULL) = (line_from IS NULL) AND (line_rial IS NULL) = (line_source IS NULL) AND (line_rial IS NULL) = (line_confirmed IS NULL)",
            name=op.f("ck_run_report_line_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_run_report_run_id_run")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_report")),
        schema="livelihood",
    )
    op.create_table(
        "run_group",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decile", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("households", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("held_rial", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("below", sa.BigInteger(), nullable=False),
        sa.Column("lifted", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("covered_size BETWEEN 1 AND 5", name=op.f("ck_run_group_covered_size")),
        sa.CheckConstraint("decile BETWEEN 0 AND 10", name=op.f("ck_run_group_decile")),
        sa.CheckConstraint("lifted <= below AND below <= known", name=op.f("ck_run_group_lifted")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_run_group_run_id_run")
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "covered_size", "province", "reason", "decile", name=op.f("pk_run_group")
        ),
        schema="livelihood",
    )
    op.add_column("decile", sa.Column("income_rial", sa.BigInteger()), schema="livelihood")
    op.alter_column("decile", "decile", nullable=True, schema="livelihood")
    op.create_check_constraint(op.f("ck_decile_known"), "decile", KNOWN, schema="livelihood")
    op.create_check_constraint(
        op.f("ck_decile_income_rial"), "decile", "income_rial >= 0", schema="livelihood"
    )
    op.create_index(
        op.f("ix_case_applicant_index"), "case", ["applicant_index"], schema="livelihood"
    )
    op.create_index(
        "ix_award_payee_index",
        "award",
        ["payee_index"],
        schema="livelihood",
        postgresql_where=sa.text("payee_index IS NOT NULL"),
    )
    app, batch = role_name("livelihood"), role_name("livelihood", role="batch")
    op.execute(
        "REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.run_report, livelihood.run_group"
        f" FROM {app}, {batch}"
    )
    for table in ("run_report", "run_group"):
        op.execute(
            "CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON livelihood.{table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION livelihood.only_added_to()"
        )
        op.execute(f"ALTER TABLE livelihood.{table} ENABLE ALWAYS TRIGGER only_added_to")


def downgrade() -> None:
    op.drop_index("ix_award_payee_index", table_name="award", schema="livelihood")
    op.drop_index(op.f("ix_case_applicant_index"), table_name="case", schema="livelihood")
    op.execute("DELETE FROM livelihood.decile WHERE decile IS NULL")
    op.drop_constraint(op.f("ck_decile_known"), "decile", schema="livelihood")
    op.drop_constraint(op.f("ck_decile_income_rial"), "decile", schema="livelihood")
    op.alter_column("decile", "decile", nullable=False, schema="livelihood")
    op.drop_column("decile", "income_rial", schema="livelihood")
    op.drop_table("run_group", schema="livelihood")
    op.drop_table("run_report", schema="livelihood")
