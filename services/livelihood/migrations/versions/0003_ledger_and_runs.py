"""The ledger, and the monthly run with its shards and items."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.running.settings import role_name

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BANKS = {
    "010": "مرکزی", "011": "صنعت و معدن", "012": "ملت", "013": "رفاه کارگران", "014": "مسکن",
    "015": "سپه", "016": "کشاورزی", "017": "ملی ایران", "018": "تجارت", "019": "صادرات ایران",
    "020": "توسعه صادرات", "021": "پست بانک", "022": "توسعه تعاون", "051": "مؤسسه توسعه",
    "052": "قوامین", "053": "کارآفرین", "054": "پارسیان", "055": "اقتصاد نوین", "056": "سامان",
    "057": "پاسارگاد", "058": "سرمایه", "059": "سینا", "060": "مهر ایران", "061": "شهر",
    "062": "آینده", "063": "انصار", "064": "گردشگری", "090": "مهر ایران (۰۹۰)",
}  # fmt: skip
# What must come back to zero before a run is closed stands in the last column.
ACCOUNTS = [
    ("support", "هزینهٔ کمک معیشت", "debit", False),
    ("payable", "بدهی به خانوارها", "credit", False),
    ("funds", "اعتبار تأمین‌شده", "debit", False),
    ("funding", "منابع بودجهٔ سال", "credit", False),
    ("returned", "برگشتی‌های بانک", "credit", False),
    ("recovery", "اضافه‌پرداخت‌های در دست وصول", "debit", False),
    ("clearing.unknown", "پرداخت‌های نامعلوم", "credit", True),
    *((f"clearing.{code}", f"در راه بانک {name}", "credit", True) for code, name in BANKS.items()),
]

LEDGER = "livelihood.account, livelihood.journal_entry, livelihood.posting"
BALANCES = """
CREATE FUNCTION livelihood.entry_balances() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    of_entry uuid;
    said smallint;
    found bigint;
    off numeric;
BEGIN
    IF TG_TABLE_NAME = 'posting' THEN
        of_entry := NEW.entry_id;
    ELSE
        of_entry := NEW.id;
    END IF;
    SELECT lines INTO said FROM livelihood.journal_entry WHERE id = of_entry;
    SELECT count(*), sum(CASE side WHEN 'debit' THEN amount_rial ELSE -amount_rial END)
        INTO found, off FROM livelihood.posting WHERE entry_id = of_entry;
    IF found IS DISTINCT FROM said OR off <> 0 THEN
        RAISE EXCEPTION 'an entry must balance and have the lines that it says'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END
$$
"""
ONLY_ADDED_TO = """
CREATE FUNCTION livelihood.only_added_to() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'only_added_to';
    END IF;
    RETURN NULL;
END
$$
"""
# Attached, not made in place: that would lock out whoever reads another month. Its rows are reached
# through the whole table only, so that its rights are those of the whole.
MAKE_PARTITION = """
CREATE FUNCTION livelihood.make_item_partition(period integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    name text := 'item_' || period;
BEGIN
    IF period NOT BETWEEN 130001 AND 159912 OR period % 100 NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'not a month' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('livelihood.' || name, 0));
    IF to_regclass('livelihood.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE livelihood.%I (LIKE livelihood.item INCLUDING ALL)', name);
    EXECUTE format('REVOKE ALL ON livelihood.%I FROM {app}, {batch}', name);
    EXECUTE format(
        'ALTER TABLE livelihood.item ATTACH PARTITION livelihood.%I FOR VALUES IN (%s)', name, period
    );
END
$$
"""


def upgrade() -> None:
    app, batch = role_name("livelihood"), role_name("livelihood", role="batch")
    _runs()
    _ledger()
    for statement in (
        f"REVOKE UPDATE, DELETE, TRUNCATE ON livelihood.item FROM {app}, {batch}",
        f"REVOKE DELETE, TRUNCATE ON livelihood.run, livelihood.run_shard FROM {app}, {batch}",
        MAKE_PARTITION.format(app=app, batch=batch),
        f"REVOKE EXECUTE ON FUNCTION livelihood.make_item_partition FROM {app}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {LEDGER} FROM {app}, {batch}",
        BALANCES,
        ONLY_ADDED_TO,
    ):
        op.execute(statement)
    for table in ("journal_entry", "posting"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON livelihood.{table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " EXECUTE FUNCTION livelihood.entry_balances()"
        )
        op.execute(
            f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON livelihood.{table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION livelihood.only_added_to()"
        )
        for trigger in ("entry_balances", "only_added_to"):
            op.execute(f"ALTER TABLE livelihood.{table} ENABLE ALWAYS TRIGGER {trigger}")


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rate_version", sa.Text(), nullable=False),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snapshot_hash", sa.Text(), nullable=True),
        sa.Column("planned", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.BigInteger(), nullable=True),
        sa.Column("planned_rial", sa.BigInteger(), nullable=True),
        sa.Column("held_rial", sa.BigInteger(), nullable=True),
        sa.Column("approval_ref", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "period BETWEEN 130001 AND 159912 AND period % 100 BETWEEN 1 AND 12",
            name=op.f("ck_run_period"),
        ),
        sa.CheckConstraint("kind IN ('regular', 'arrears', 'emergency')", name=op.f("ck_run_kind")),
        sa.CheckConstraint(
            "status = 'open' OR (snapshot_at IS NOT NULL AND snapshot_hash IS NOT NULL AND planned IS NOT NULL AND held IS NOT NULL AND planned_rial IS NOT NULL AND held_rial IS NOT NULL)",
            name=op.f("ck_run_frozen_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("period", "kind", name="one_run_of_a_kind"),
        schema="livelihood",
    )
    op.create_table(
        "run_shard",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("until_id", sa.Uuid(), nullable=True),
        sa.Column("planned", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.BigInteger(), nullable=True),
        sa.Column("planned_rial", sa.BigInteger(), nullable=True),
        sa.Column("held_rial", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "done_at IS NULL OR (digest IS NOT NULL AND planned IS NOT NULL AND held IS NOT NULL AND planned_rial IS NOT NULL AND held_rial IS NOT NULL)",
            name=op.f("ck_run_shard_done_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_run_shard_run_id_run")
        ),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_shard")),
        schema="livelihood",
    )
    op.create_table(
        "item",
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("covered_size", sa.SmallInteger(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.Column("payee_account_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reversed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("amount_rial > 0", name=op.f("ck_item_amount")),
        sa.CheckConstraint(
            "kind IN ('regular', 'arrears', 'emergency')", name=op.f("ck_item_kind")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'held', 'queued', 'sent', 'paid', 'unknown', 'returned', 'requeued', 'recovery_due')",
            name=op.f("ck_item_state"),
        ),
        sa.CheckConstraint(
            "state <> 'held' OR reason IS NOT NULL", name=op.f("ck_item_held_for_a_reason")
        ),
        sa.PrimaryKeyConstraint("period", "id", name=op.f("pk_item")),
        schema="livelihood",
        postgresql_partition_by="LIST (period)",
    )
    op.create_index(
        "one_item_of_a_household",
        "item",
        ["period", "kind", "household_id", "component"],
        unique=True,
        schema="livelihood",
        postgresql_where=sa.text("NOT reversed"),
    )
    op.create_index(
        "ix_item_held",
        "item",
        ["period", "id"],
        unique=False,
        schema="livelihood",
        postgresql_where=sa.text("state = 'held'"),
    )


def _ledger() -> None:
    account = op.create_table(
        "account",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("clears", sa.Boolean(), nullable=False),
        sa.CheckConstraint("side IN ('debit', 'credit')", name=op.f("ck_account_side")),
        sa.CheckConstraint("code ~ '^[a-z]+([._][a-z0-9]+)*$'", name=op.f("ck_account_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_account")),
        schema="livelihood",
    )
    names = ("code", "name", "side", "clears")
    op.bulk_insert(account, [dict(zip(names, row, strict=True)) for row in ACCOUNTS])
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("lines >= 2", name=op.f("ck_journal_entry_lines")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["livelihood.run.id"], name=op.f("fk_journal_entry_run_id_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("kind", "reference", name="entered_once"),
        schema="livelihood",
    )
    op.create_index(
        op.f("ix_journal_entry_run_id"), "journal_entry", ["run_id"], schema="livelihood"
    )
    op.create_table(
        "posting",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("amount_rial", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side IN ('debit', 'credit')", name=op.f("ck_posting_side")),
        sa.CheckConstraint("amount_rial > 0", name=op.f("ck_posting_amount")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["livelihood.journal_entry.id"],
            name=op.f("fk_posting_entry_id_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["account"], ["livelihood.account.code"], name=op.f("fk_posting_account_account")
        ),
        sa.PrimaryKeyConstraint("entry_id", "line", name=op.f("pk_posting")),
        schema="livelihood",
    )
    op.create_index(op.f("ix_posting_account"), "posting", ["account"], schema="livelihood")


def downgrade() -> None:
    op.drop_table("posting", schema="livelihood")
    op.drop_table("journal_entry", schema="livelihood")
    op.drop_table("account", schema="livelihood")
    op.drop_table("item", schema="livelihood")
    op.drop_table("run_shard", schema="livelihood")
    op.drop_table("run", schema="livelihood")
    for function in ("entry_balances()", "only_added_to()", "make_item_partition(integer)"):
        op.execute(f"DROP FUNCTION livelihood.{function}")
