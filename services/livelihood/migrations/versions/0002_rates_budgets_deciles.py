"""Rates that never overlap, budgets of the years, deciles of households."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("from_period", sa.Integer(), nullable=False),
        sa.Column("to_period", sa.Integer(), nullable=True),
        sa.Column(
            "during",
            postgresql.INT4RANGE(),
            sa.Computed("int4range(from_period, to_period, '[]')", persisted=True),
            nullable=False,
        ),
        sa.Column("approval_ref", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("announced_on", sa.Date(), nullable=True),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("covered_size BETWEEN 1 AND 5", name=op.f("ck_rate_covered_size")),
        sa.CheckConstraint(
            "from_period BETWEEN 130001 AND 159912 AND from_period % 100 BETWEEN 1 AND 12",
            name=op.f("ck_rate_from_period"),
        ),
        sa.CheckConstraint(
            "to_period BETWEEN 130001 AND 159912 AND to_period % 100 BETWEEN 1 AND 12",
            name=op.f("ck_rate_to_period"),
        ),
        sa.CheckConstraint("amount_rial > 0", name=op.f("ck_rate_amount_rial")),
        sa.CheckConstraint("btrim(approval_ref) <> ''", name=op.f("ck_rate_approval_ref")),
        sa.CheckConstraint("confidence IN ('H', 'M', 'L')", name=op.f("ck_rate_confidence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
        schema="livelihood",
    )
    # One rate for a month and size, whoever writes: alembic has no words for a temporal constraint.
    op.execute(
        "ALTER TABLE livelihood.rate ADD CONSTRAINT rate_one_at_a_time"
        " UNIQUE (covered_size, during WITHOUT OVERLAPS)"
    )
    op.create_table(
        "budget",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("approval_ref", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("year BETWEEN 1300 AND 1599", name=op.f("ck_budget_year")),
        sa.CheckConstraint("version > 0", name=op.f("ck_budget_version")),
        sa.CheckConstraint("amount_rial > 0", name=op.f("ck_budget_amount_rial")),
        sa.CheckConstraint("btrim(approval_ref) <> ''", name=op.f("ck_budget_approval_ref")),
        sa.CheckConstraint("confidence IN ('H', 'M', 'L')", name=op.f("ck_budget_confidence")),
        sa.PrimaryKeyConstraint("year", "version", name=op.f("pk_budget")),
        schema="livelihood",
    )
    op.create_table(
        "decile",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("decile", sa.SmallInteger(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.CheckConstraint("decile BETWEEN 1 AND 10", name=op.f("ck_decile_decile")),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_decile")),
        schema="livelihood",
    )
    # Of a rate only the last month and the confirmation can change, of a budget nothing.
    roles = f"{role_name('livelihood')}, {role_name('livelihood', role='batch')}"
    for table in ("rate", "budget"):
        op.execute(f"REVOKE UPDATE, DELETE ON livelihood.{table} FROM {roles}")
    op.execute(
        f"GRANT UPDATE (to_period, approval_ref, confirmed_by) ON livelihood.rate TO {roles}"
    )


def downgrade() -> None:
    op.drop_table("decile", schema="livelihood")
    op.drop_table("budget", schema="livelihood")
    op.drop_table("rate", schema="livelihood")
