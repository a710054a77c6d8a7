"""The instructions of an item are found by it: an item stands where all its parts stand."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_instruction_item_id", "instruction", ["item_id"], schema="livelihood")


def downgrade() -> None:
    op.drop_index("ix_instruction_item_id", table_name="instruction", schema="livelihood")
