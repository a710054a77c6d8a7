"""Who may do what in the migrated database: each schema is a closed room, and the past is fixed."""

import asyncpg
import pytest

from shared.running.settings import SERVICES

# On a real table of another service. A column of one's own that refers there, or a table made
# there, needs the right to make tables: the migrator has it at home, and only there.
VERBS = {
    "SELECT": "SELECT * FROM {other}.outbox",
    "INSERT": "INSERT INTO {other}.outbox DEFAULT VALUES",
    "UPDATE": "UPDATE {other}.outbox SET version = version",
    "DELETE": "DELETE FROM {other}.outbox",
    "TRUNCATE": "TRUNCATE {other}.outbox",
    "CREATE": "CREATE TABLE {other}.stranger (id int)",
    "REFERENCES": "CREATE TABLE {own}.stranger (id uuid REFERENCES {other}.outbox)",
}
LOGINS = ("app", "batch", "reader", "migrator")
PAST = ("history", "audit", "audit_link")
CHANGES = {"UPDATE", "DELETE"}  # a service may keep more tables of its own from both
PRIVILEGES = [
    *("SELECT", "INSERT", "UPDATE", "DELETE"),
    *("TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
]

# Everything that a role could hold on any table, by the catalogue: also what no test thought of.
HELD = """
    SELECT n.nspname AS schema, c.relname AS table, p AS privilege
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest($2::text[]) p
    WHERE n.nspname = ANY ($3::text[]) AND c.relkind IN ('r', 'p', 'v', 'm')
      AND (has_table_privilege($1, c.oid, p)
           OR CASE WHEN p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
              THEN has_any_column_privilege($1, c.oid, p) END)
"""


@pytest.fixture(scope="module")
async def owner(settings):
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


async def held(owner, role):
    """Every (schema, table) with what the role may do to it."""
    found = {}
    for row in await owner.fetch(HELD, role, PRIVILEGES, list(SERVICES)):
        found.setdefault((row["schema"], row["table"]), set()).add(row["privilege"])
    return found


async def refused(connection, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(statement)


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_refused_every_verb_in_every_other_schema(settings, service, login):
    connection = await asyncpg.connect(settings.dsn(service, role=login))
    await connection.execute("SET default_transaction_read_only = off")
    tried = 0
    try:
        for other in set(SERVICES) - {service}:
            for statement in VERBS.values():
                await refused(connection, statement.format(own=service, other=other))
                tried += 1
    finally:
        await connection.close()
    assert tried == 6 * 7


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_holds_nothing_outside_its_own_schema(owner, service):
    others = set(SERVICES) - {service}
    for role in ("", "_batch", "_reader", "_migrator"):
        name = f"soha_{service}{role}"
        mine = await held(owner, name)
        assert {schema for schema, _ in mine} == {service}
        for schema in others:
            for privilege in ("USAGE", "CREATE"):
                assert not await owner.fetchval(
                    "SELECT has_schema_privilege($1, $2, $3)", name, schema, privilege
                )


@pytest.mark.parametrize("service", SERVICES)
async def test_at_home_a_service_changes_rows_but_neither_tables_nor_the_past(owner, service):
    for name in (f"soha_{service}", f"soha_{service}_batch"):
        mine = await held(owner, name)
        assert len(mine) > 8
        for (_, table), may in mine.items():
            assert may >= {"SELECT", "INSERT"}, table
            assert may - {"SELECT", "INSERT"} <= (set() if table in PAST else CHANGES), table
        assert mine[service, "outbox"] >= CHANGES
        assert not await owner.fetchval(
            "SELECT has_schema_privilege($1, $2, 'CREATE')", name, service
        )
    assert set().union(*(await held(owner, f"soha_{service}_reader")).values()) == {"SELECT"}


@pytest.mark.parametrize("service", SERVICES)
async def test_at_home_a_service_writes_and_what_happened_stays(settings, service):
    connection = await asyncpg.connect(settings.dsn(service))
    try:
        async with connection.transaction():
            kept = await connection.fetchval(
                "INSERT INTO timer (kind, subject_id, due_at)"
                " VALUES ('house', gen_random_uuid(), 'infinity') RETURNING subject_id"
            )
            await connection.execute(
                "UPDATE timer SET attempts = 1 WHERE kind = 'house' AND subject_id = $1", kept
            )
            gone = await connection.execute("DELETE FROM timer WHERE subject_id = $1", kept)
            assert gone == "DELETE 1"
        for table in PAST:
            column = "hash" if table == "audit_link" else "at"
            await refused(connection, f"UPDATE {table} SET {column} = {column}")
            await refused(connection, f"DELETE FROM {table}")
            await refused(connection, f"TRUNCATE {table}")
        await refused(connection, "CREATE TABLE stranger (id int)")
        await refused(connection, "DROP TABLE timer")
    finally:
        await connection.close()


async def test_the_courier_reaches_outboxes_and_inboxes_and_nothing_else(settings, owner):
    mine = await held(owner, "soha_courier")
    assert mine == {
        (service, table): privileges
        for service in SERVICES
        for table, privileges in (
            ("outbox", {"SELECT", "UPDATE", "DELETE"}),
            ("inbox", {"SELECT", "INSERT"}),
        )
    }
    connection = await asyncpg.connect(settings.dsn("courier"))
    try:
        for service in SERVICES:
            assert await connection.fetchval(f"SELECT count(*) FROM {service}.outbox") >= 0
            await refused(connection, f"SELECT payload FROM {service}.inbox")
            await refused(connection, f"DELETE FROM {service}.inbox")
            await refused(connection, f"UPDATE {service}.outbox SET payload = payload")
            await refused(connection, f"INSERT INTO {service}.outbox DEFAULT VALUES")
            for table in ("history", "audit", "policy", "timer", "idempotency"):
                await refused(connection, f"SELECT * FROM {service}.{table}")
    finally:
        await connection.close()
