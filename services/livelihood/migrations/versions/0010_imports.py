"""Awards from an older system: their origin, and what became of every line of a file."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ORIGINS = "origin IN ('request', 'identified', 'emergency'{more})"


def upgrade() -> None:
    _origins(", 'imported'")
    op.create_table(
        "import_line",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("pointer", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(subject_id IS NULL) <> (fault IS NULL)",
            name=op.f("ck_import_line_taken_or_refused"),
        ),
        sa.PrimaryKeyConstraint("kind", "source", "line", name=op.f("pk_import_line")),
        schema="livelihood",
    )


def _origins(more: str) -> None:
    op.drop_constraint(op.f("ck_case_origin"), "case", schema="livelihood")
    op.create_check_constraint(
        op.f("ck_case_origin"), "case", ORIGINS.format(more=more), schema="livelihood"
    )


def downgrade() -> None:
    op.drop_table("import_line", schema="livelihood")
    _origins("")
