"""What became of every line of a file from an older system."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        schema="intake",
    )


def downgrade() -> None:
    op.drop_table("import_line", schema="intake")
