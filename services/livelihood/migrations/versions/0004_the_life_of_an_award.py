"""The life of an award: its members, its versions, what was told of lives, why it stands so."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name
from shared.values.calendar import period_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PERIOD = "~ '^1[3-5][0-9]{2}-(0[1-9]|1[0-2])$'"

INDEXED = ("household_id", "payee_id", "previous_award_id")


def added() -> list[sa.Column]:
    return [
        sa.Column("payee_index", sa.LargeBinary(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("held_from_period", sa.Text(), nullable=True),
        sa.Column("recompute_from_period", sa.Text(), nullable=True),
        sa.Column("ends_period", sa.Text(), nullable=True),
        sa.Column("last_period", sa.Text(), nullable=True),
        sa.Column("stopped_on", sa.Date(), nullable=True),
        sa.Column("objection", sa.LargeBinary(), nullable=True),
        sa.Column("return_opened_on", sa.Date(), nullable=True),
        sa.Column("previous_award_id", sa.Uuid(), nullable=True),
        sa.Column("head_id", sa.Uuid(), nullable=True),
        sa.Column("household_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "members",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    ]


def upgrade() -> None:
    for column in added():
        op.add_column("award", column, schema="livelihood")
    op.create_foreign_key(
        op.f("fk_award_previous_award_id_award"),
        "award",
        "award",
        ["previous_award_id"],
        ["id"],
        source_schema="livelihood",
        referent_schema="livelihood",
    )
    for name in INDEXED:
        op.create_index(op.f(f"ix_award_{name}"), "award", [name], schema="livelihood")
    op.create_index(
        "ix_award_members", "award", ["members"], schema="livelihood", postgresql_using="gin"
    )
    op.drop_constraint(op.f("ck_award_covered_size"), "award", schema="livelihood", type_="check")
    op.create_check_constraint(
        op.f("ck_award_covered_size"), "award", "covered_size >= 0", schema="livelihood"
    )
    op.create_table(
        "award_version",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from_period", sa.Text(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_event_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("covered_size >= 0", name=op.f("ck_award_version_covered_size")),
        sa.CheckConstraint(
            f"effective_from_period {PERIOD}", name=op.f("ck_award_version_effective_from_period")
        ),
        sa.ForeignKeyConstraint(
            ["award_id"], ["livelihood.award.id"], name=op.f("fk_award_version_award_id_award")
        ),
        sa.PrimaryKeyConstraint("award_id", "version", name=op.f("pk_award_version")),
        schema="livelihood",
    )
    op.create_table(
        "life_fact",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("heard_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "person_id", name=op.f("pk_life_fact")),
        schema="livelihood",
    )
    op.create_index(op.f("ix_life_fact_person_id"), "life_fact", ["person_id"], schema="livelihood")
    roles = f"{role_name('livelihood')}, {role_name('livelihood', role='batch')}"
    for table in ("award_version", "life_fact"):
        op.execute(f"REVOKE UPDATE, DELETE ON livelihood.{table} FROM {roles}")
    _bring_in_what_is_there()


def _bring_in_what_is_there() -> None:
    """Awards from before go on from their case's version, with a first version and a history."""
    op.execute(
        """
        UPDATE livelihood.award a
        SET version = c.version, changed_at = a.created_at, payee_index = c.applicant_index
        FROM livelihood."case" c WHERE c.id = a.case_id
        """
    )
    bind = op.get_bind()
    for (ends_on,) in bind.execute(
        sa.text("SELECT DISTINCT ends_on FROM livelihood.award WHERE ends_on IS NOT NULL")
    ).all():  # the Jalali month is not the database's to know
        bind.execute(
            sa.text("UPDATE livelihood.award SET ends_period = :period WHERE ends_on = :day"),
            {"period": period_of(ends_on), "day": ends_on},
        )
    op.execute(
        """
        INSERT INTO livelihood.award_version
            (award_id, version, effective_from_period, covered_size, reason, recorded_at)
        SELECT id, 1, start_period, covered_size, 'admission', created_at FROM livelihood.award
        """
    )
    op.execute(
        """
        INSERT INTO livelihood.history
            (subject_id, version, step, status, actor_sub, actor_role, at)
        SELECT a.id, a.version, 'activate', a.status, h.actor_sub, h.actor_role, h.at
        FROM livelihood.award a
        JOIN livelihood.history h ON h.subject_id = a.case_id AND h.step = 'activate'
        """
    )


def downgrade() -> None:
    op.drop_table("life_fact", schema="livelihood")
    op.drop_table("award_version", schema="livelihood")
    op.drop_constraint(op.f("ck_award_covered_size"), "award", schema="livelihood", type_="check")
    op.create_check_constraint(
        op.f("ck_award_covered_size"), "award", "covered_size > 0", schema="livelihood"
    )
    op.drop_index("ix_award_members", table_name="award", schema="livelihood")
    for name in INDEXED:
        op.drop_index(op.f(f"ix_award_{name}"), table_name="award", schema="livelihood")
    for column in reversed(added()):
        op.drop_column("award", column.name, schema="livelihood")
