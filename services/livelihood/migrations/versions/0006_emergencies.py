"""Emergencies: declarations in versions, what is granted under them, one base stipend a month."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The award that an item names, of either kind: whose it is, and to whom and whether it is paid now.
PAID_AWARD = """
CREATE VIEW livelihood.paid_award AS
SELECT id, case_id, tracking_code, household_id, payee_id, payee_index, payee_account_id, status,
    ground, held_from_period
FROM livelihood.award
UNION ALL
SELECT a.id, a.case_id, c.tracking_code, a.household_id, a.payee_id, c.applicant_index,
    a.payee_account_id, CASE WHEN d.kind = 'death' THEN 'suspended' ELSE 'active' END,
    CASE WHEN d.kind = 'death' THEN 'head_died' END, NULL
FROM livelihood.emergency_award a
LEFT JOIN livelihood."case" c ON c.id = a.case_id
LEFT JOIN LATERAL (
    SELECT kind FROM livelihood.life_fact f
    WHERE f.person_id = a.payee_id AND f.kind IN ('death', 'death_reversed')
    ORDER BY f.version DESC LIMIT 1
) d ON true
"""


def upgrade() -> None:
    op.create_table(
        "emergency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency")),
        schema="livelihood",
    )
    op.create_table(
        "emergency_version",
        sa.Column("emergency_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("effective_from_period", sa.Integer(), nullable=False),
        sa.Column("provinces", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("counties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("from_period", sa.Integer(), nullable=False),
        sa.Column("to_period", sa.Integer(), nullable=False),
        sa.Column("decree_ref", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_emergency_version_version")),
        sa.CheckConstraint("from_on <= to_on", name=op.f("ck_emergency_version_days")),
        sa.CheckConstraint(
            "cardinality(provinces) + cardinality(counties) > 0",
            name=op.f("ck_emergency_version_area"),
        ),
        sa.CheckConstraint("btrim(decree_ref) <> ''", name=op.f("ck_emergency_version_decree_ref")),
        sa.ForeignKeyConstraint(
            ["emergency_id"],
            ["livelihood.emergency.id"],
            name=op.f("fk_emergency_version_emergency_id_emergency"),
        ),
        sa.PrimaryKeyConstraint("emergency_id", "version", name=op.f("pk_emergency_version")),
        schema="livelihood",
    )
    _awards()
    op.add_column("case", sa.Column("emergency_id", sa.Uuid(), nullable=True), schema="livelihood")
    op.add_column(
        "case", sa.Column("emergency_ends_on", sa.Date(), nullable=True), schema="livelihood"
    )
    op.add_column(
        "run",
        sa.Column("worth", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        schema="livelihood",
    )
    _one_base_of_a_household()
    op.execute(PAID_AWARD)
    roles = f"{role_name('livelihood')}, {role_name('livelihood', role='batch')}"
    for table in ("emergency", "emergency_version"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.{table} FROM {roles}")
    op.execute(f"REVOKE DELETE, TRUNCATE ON livelihood.emergency_award FROM {roles}")


def _awards() -> None:
    op.create_table(
        "emergency_award",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("emergency_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("payee_account_id", sa.Uuid(), nullable=True),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("start_period", sa.Integer(), nullable=False),
        sa.Column("last_period", sa.Integer(), nullable=False),
        sa.Column(
            "during",
            postgresql.INT4RANGE(),
            sa.Computed("int4range(start_period, last_period, '[]')", persisted=True),
            nullable=False,
        ),
        sa.Column("visit_due_on", sa.Date(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cardinality(person_ids) > 0", name=op.f("ck_emergency_award_people")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_emergency_award_days")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["livelihood.case.id"], name=op.f("fk_emergency_award_case_id_case")
        ),
        sa.ForeignKeyConstraint(
            ["emergency_id"],
            ["livelihood.emergency.id"],
            name=op.f("fk_emergency_award_emergency_id_emergency"),
        ),
        sa.ForeignKeyConstraint(
            ["payee_account_id"],
            ["livelihood.payee_account.id"],
            name=op.f("fk_emergency_award_payee_account_id_payee_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_award")),
        sa.UniqueConstraint("case_id", name=op.f("uq_emergency_award_case_id")),
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_emergency_award_emergency_id"),
        "emergency_award",
        ["emergency_id"],
        schema="livelihood",
    )
    # No household is granted a month twice: alembic has no words for a temporal constraint.
    op.execute(
        "ALTER TABLE livelihood.emergency_award ADD CONSTRAINT one_emergency_at_a_time"
        " UNIQUE (household_id, during WITHOUT OVERLAPS)"
    )


def _one_base_of_a_household() -> None:
    """A base stipend and an emergency in its place are one thing, whichever run it is in (H27)."""
    op.drop_index("one_item_of_a_household", table_name="item", schema="livelihood")
    op.create_index(
        "one_item_of_a_household",
        "item",
        ["period", "household_id", "component"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text("NOT reversed"),
    )
    op.create_index(
        "ix_item_base_of_emergency",
        "item",
        ["period", "household_id"],
        unique=False,
        schema="livelihood",
        postgresql_where=sa.text("kind = 'emergency' AND component = 'base' AND NOT reversed"),
    )


def downgrade() -> None:
    op.execute("DROP VIEW livelihood.paid_award")
    for index in ("ix_item_base_of_emergency", "one_item_of_a_household"):
        op.drop_index(index, table_name="item", schema="livelihood")
    op.create_index(
        "one_item_of_a_household",
        "item",
        ["period", "kind", "household_id", "component"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text("NOT reversed"),
    )
    op.drop_column("run", "worth", schema="livelihood")
    op.drop_column("case", "emergency_ends_on", schema="livelihood")
    op.drop_column("case", "emergency_id", schema="livelihood")
    op.drop_table("emergency_award", schema="livelihood")
    op.drop_table("emergency_version", schema="livelihood")
    op.drop_table("emergency", schema="livelihood")
