"""One event for very many people: its words once, and for each only whose message it is."""

import sqlalchemy as sa
from alembic import op

from shared.running.settings import role_name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OWN = (("inbox_item", "text"), ("notice", "mobile"), ("notice", "text"))
MOVES = "after, items, notices, let_out_to, queued_at, done_at"


def upgrade() -> None:
    op.create_table(
        "broadcast",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sms", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("segments", sa.SmallInteger(), nullable=False),
        sa.Column("after", sa.Uuid(), nullable=True),
        sa.Column("items", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("notices", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("let_out_to", sa.Uuid(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_broadcast")),
        schema="notify",
    )
    for table, column in OWN:
        op.alter_column(table, column, nullable=True, schema="notify")
    roles = f"{role_name('notify')}, {role_name('notify', role='batch')}"
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON notify.broadcast FROM {roles}")
    op.execute(f"GRANT UPDATE ({MOVES}) ON notify.broadcast TO {roles}")


def downgrade() -> None:
    # What was told to many has no words of its own to fall back on.
    op.execute("DELETE FROM notify.inbox_item WHERE text IS NULL")
    op.execute("DELETE FROM notify.notice WHERE text IS NULL OR mobile IS NULL")
    for table, column in OWN:
        op.alter_column(table, column, nullable=False, schema="notify")
    op.drop_table("broadcast", schema="notify")
