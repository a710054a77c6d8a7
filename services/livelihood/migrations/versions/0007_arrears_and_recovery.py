"""What is owed differently than approved: adjustments, what was reckoned, plans of recovery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PERIOD = "~ '^1[3-5][0-9]{2}-(0[1-9]|1[0-2])$'"
ONLY_ADDED_TO = ("adjustment", "recovery_plan")


def upgrade() -> None:
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    for name, empty in (("reckons", "[]"), ("recovery", "{}")):
        default = sa.text(f"'{empty}'::jsonb")
        column = sa.Column(name, jsonb, server_default=default, nullable=False)
        op.add_column("run", column, schema="livelihood")
    column = sa.Column("reckoned", postgresql.ARRAY(sa.BigInteger()), nullable=True)
    op.add_column("run", column, schema="livelihood")
    nothing = sa.text("0")
    column = sa.Column("recovered_rial", sa.BigInteger(), server_default=nothing, nullable=False)
    op.add_column("item", column, schema="livelihood")
    op.create_check_constraint(
        op.f("ck_item_recovered"), "item", "recovered_rial >= 0", schema="livelihood"
    )
    _tables()
    app, batch = role_name("livelihood"), role_name("livelihood", role="batch")
    op.execute(f"GRANT UPDATE (reversed) ON livelihood.item TO {batch}")
    for table in ONLY_ADDED_TO:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.{table} FROM {app}, {batch}")
        op.execute(
            f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON livelihood.{table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION livelihood.only_added_to()"
        )
        op.execute(f"ALTER TABLE livelihood.{table} ENABLE ALWAYS TRIGGER only_added_to")


def _tables() -> None:
    op.create_table(
        "adjustment",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("delta_rial", sa.BigInteger(), nullable=False),
        sa.Column("debt_rial", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("delta_rial <> 0", name=op.f("ck_adjustment_delta")),
        sa.CheckConstraint(
            "kind IN ('difference', 'arrears', 'offset', 'withdrawn')",
            name=op.f("ck_adjustment_kind"),
        ),
        sa.CheckConstraint(
            "kind <> 'arrears' OR delta_rial < 0", name=op.f("ck_adjustment_arrears")
        ),
        sa.CheckConstraint(
            "kind NOT IN ('offset', 'withdrawn') OR delta_rial > 0",
            name=op.f("ck_adjustment_made_good"),
        ),
        sa.ForeignKeyConstraint(
            ["award_id"], ["livelihood.award.id"], name=op.f("fk_adjustment_award_id_award")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_adjustment_run_id_run")
        ),
        sa.PrimaryKeyConstraint("award_id", "number", name=op.f("pk_adjustment")),
        schema="livelihood",
    )
    op.create_index(
        "ix_adjustment_debt",
        "adjustment",
        ["run_id"],
        schema="livelihood",
        postgresql_where=sa.text("debt_rial <> 0"),
    )
    op.create_table(
        "reckoned",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("months", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(
            ["award_id"], ["livelihood.award.id"], name=op.f("fk_reckoned_award_id_award")
        ),
        sa.PrimaryKeyConstraint("award_id", name=op.f("pk_reckoned")),
        schema="livelihood",
    )
    op.create_table(
        "recovery_plan",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month_rial", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("month_rial > 0", name=op.f("ck_recovery_plan_month")),
        sa.CheckConstraint(f"paused_until {PERIOD}", name=op.f("ck_recovery_plan_paused_until")),
        sa.ForeignKeyConstraint(
            ["award_id"], ["livelihood.award.id"], name=op.f("fk_recovery_plan_award_id_award")
        ),
        sa.PrimaryKeyConstraint("award_id", "version", name=op.f("pk_recovery_plan")),
        schema="livelihood",
    )


def downgrade() -> None:
    for table in ("recovery_plan", "reckoned", "adjustment"):
        op.drop_table(table, schema="livelihood")
    batch = role_name("livelihood", role="batch")
    op.execute(f"REVOKE UPDATE (reversed) ON livelihood.item FROM {batch}")
    op.drop_constraint(op.f("ck_item_recovered"), "item", schema="livelihood", type_="check")
    op.drop_column("item", "recovered_rial", schema="livelihood")
    for name in ("reckoned", "recovery", "reckons"):
        op.drop_column("run", name, schema="livelihood")
