"""Payment files, the instructions in them, and what banks said of these."""

import sqlalchemy as sa
from alembic import op

from shared.running.settings import role_name

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Banks that a Sheba may name and that have had no account of their own on the way.
BANKS = {
    "065": "حکمت", "066": "دی", "069": "ایران‌زمین", "070": "رسالت", "073": "کوثر", "075": "ملل",
    "078": "خاورمیانه", "079": "مهر اقتصاد", "080": "نور", "095": "ایران و ونزوئلا",
}  # fmt: skip
# Attached, not made in place: that would lock out whoever reads another month. Rows are reached
# through the whole tables only, so that their rights are those of the whole.
MAKE_PARTITION = """
CREATE OR REPLACE FUNCTION livelihood.make_item_partition(period integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    whole text;
    name text;
BEGIN
    IF period NOT BETWEEN 130001 AND 159912 OR period % 100 NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'not a month' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('livelihood.item_' || period, 0));
    FOREACH whole IN ARRAY {wholes} LOOP
        name := whole || '_' || period;
        CONTINUE WHEN to_regclass('livelihood.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE livelihood.%I (LIKE livelihood.%I INCLUDING ALL)',
            name, whole);
        EXECUTE format('REVOKE ALL ON livelihood.%I FROM {app}, {batch}', name);
        EXECUTE format('ALTER TABLE livelihood.%I ATTACH PARTITION livelihood.%I FOR VALUES IN (%s)',
            whole, name, period);
    END LOOP;
END
$$
"""
MONTHS_THERE = """
SELECT livelihood.make_item_partition(substring(inhrelid::regclass::text FROM '[0-9]{6}$')::integer)
FROM pg_inherits WHERE inhparent = 'livelihood.item'::regclass
"""


def upgrade() -> None:
    app, batch = role_name("livelihood"), role_name("livelihood", role="batch")
    _tables()
    op.add_column(
        "payee_account", sa.Column("bank_code", sa.Text(), nullable=True), schema="livelihood"
    )
    for column in (
        sa.Column("builder", sa.Text(), nullable=True),
        sa.Column("build_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("run", column, schema="livelihood")
    for column in (
        sa.Column("queued", sa.BigInteger(), nullable=True),
        sa.Column("queued_rial", sa.BigInteger(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("run_shard", column, schema="livelihood")
    op.create_index(
        "ix_item_owed",
        "item",
        ["id"],
        schema="livelihood",
        postgresql_where=sa.text("state IN ('held', 'returned')"),
    )
    rights = "state, reason, bank_ref, settled_at, file_id"
    for statement in (
        f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.instruction FROM {app}, {batch}",
        f"REVOKE DELETE, TRUNCATE ON livelihood.bank_file FROM {app}, {batch}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.bank_result FROM {app}, {batch}",
        f"GRANT UPDATE ({rights}) ON livelihood.instruction TO {app}, {batch}",
        f"GRANT UPDATE (bank_code) ON livelihood.payee_account TO {batch}",
        f"GRANT UPDATE (state, reason) ON livelihood.item TO {app}, {batch}",
        MAKE_PARTITION.format(app=app, batch=batch, wholes="ARRAY['item', 'instruction']"),
        MONTHS_THERE,
        (
            "CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON livelihood.bank_result FOR EACH STATEMENT"
            " EXECUTE FUNCTION livelihood.only_added_to()"
        ),
        "ALTER TABLE livelihood.bank_result ENABLE ALWAYS TRIGGER only_added_to",
    ):
        op.execute(statement)
    for code, name in BANKS.items():
        op.execute(
            sa.text(
                "INSERT INTO livelihood.account (code, name, side, clears)"
                " VALUES (:code, :name, 'credit', true) ON CONFLICT DO NOTHING"
            ).bindparams(code=f"clearing.{code}", name=f"در راه بانک {name}")
        )


def _tables() -> None:
    op.create_table(
        "bank_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bank_code", sa.Text(), nullable=False),
        sa.Column("cycle_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bank_ref", sa.Text(), nullable=True),
        sa.CheckConstraint("rows > 0 AND amount_rial > 0", name=op.f("ck_bank_file_amount")),
        sa.CheckConstraint(
            "state IN ('filling', 'built', 'sending', 'accepted', 'unknown', 'rejected')",
            name=op.f("ck_bank_file_state"),
        ),
        sa.CheckConstraint(
            "state = 'filling' OR (sha256 IS NOT NULL AND place IS NOT NULL)",
            name=op.f("ck_bank_file_written"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_bank_file_run_id_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_bank_file_run_id_number")),
        schema="livelihood",
    )
    op.create_table(
        "instruction",
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("payee_account_id", sa.Uuid(), nullable=False),
        sa.Column("bank_code", sa.Text(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("bank_ref", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_rial > 0", name=op.f("ck_instruction_amount")),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'paid', 'returned', 'unknown')",
            name=op.f("ck_instruction_state"),
        ),
        sa.PrimaryKeyConstraint("period", "id", name=op.f("pk_instruction")),
        schema="livelihood",
        postgresql_partition_by="LIST (period)",
    )
    op.create_index(
        "one_live_instruction",
        "instruction",
        ["period", "item_id", "part"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text("state <> 'returned'"),
    )
    op.create_index(
        "ix_instruction_returned",
        "instruction",
        ["period", "item_id"],
        schema="livelihood",
        postgresql_where=sa.text("state = 'returned'"),
    )
    op.create_index("ix_instruction_file_id", "instruction", ["file_id"], schema="livelihood")
    op.create_table(
        "bank_result",
        sa.Column("instruction_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bank_ref", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "status IN ('paid', 'returned', 'unknown')", name=op.f("ck_bank_result_status")
        ),
        sa.CheckConstraint(
            "source IN ('pain.002', 'camt.053', 'json')", name=op.f("ck_bank_result_source")
        ),
        sa.PrimaryKeyConstraint(
            "instruction_id", "status", "bank_ref", name=op.f("pk_bank_result")
        ),
        schema="livelihood",
    )


def downgrade() -> None:
    app, batch = role_name("livelihood"), role_name("livelihood", role="batch")
    for table in ("bank_result", "instruction", "bank_file"):
        op.drop_table(table, schema="livelihood")
    op.drop_index("ix_item_owed", table_name="item", schema="livelihood")
    for column in ("queued", "queued_rial", "queued_at"):
        op.drop_column("run_shard", column, schema="livelihood")
    for column in ("builder", "build_at"):
        op.drop_column("run", column, schema="livelihood")
    op.drop_column("payee_account", "bank_code", schema="livelihood")
    op.execute(f"REVOKE UPDATE (state, reason) ON livelihood.item FROM {app}, {batch}")
    op.execute(MAKE_PARTITION.format(app=app, batch=batch, wholes="ARRAY['item']"))
    for code in BANKS:
        op.execute(
            sa.text(
                "DELETE FROM livelihood.account a WHERE code = :code AND NOT EXISTS"
                " (SELECT FROM livelihood.posting WHERE account = a.code)"
            ).bindparams(code=f"clearing.{code}")
        )
