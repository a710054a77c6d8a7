"""Who may do what in the database: a schema and five roles per service (`deploy/postgres/*.sql`).

Passwords are made here, kept in `DATA_DIR/keys/db.json` and sent only as SCRAM verifiers.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import asyncpg

from shared.running.embedded import LaunchError
from shared.running.settings import DatabaseRole, Settings, role_name, write_private

SCRIPTS = Path(__file__).parents[2] / "deploy" / "postgres"
LOGINS: tuple[DatabaseRole, ...] = ("app", "migrator", "reader", "batch")
OLDEST = 18
AWAITS_DEMO, HAS_DEMO = "SOHA, awaiting its demo data", "SOHA, with demo data"
COMMENT = """
    SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()
"""
ONE_AT_A_TIME = 0x50_4F_48_41  # two starts at once would trip over each other's ALTER ROLE


async def prepare(settings: Settings, services: Iterable[str]) -> bool:
    """Create what is missing and set what differs; return whether demo data is still to come.

    That is so from the moment an empty database is met until `seeded` is called.

    Raises LaunchError when the server is too old or its owner may not create roles.
    """
    names = sorted(services)
    logins = ["soha_courier", *(role_name(name, role=role) for name in names for role in LOGINS)]
    passwords = _passwords(settings.keys_dir / "db.json", logins)
    connection = await _connect(settings)
    try:
        await _must_suffice(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", ONE_AT_A_TIME)
            await _apply(connection, names, {name: passwords[name] for name in logins})
        return bool(await connection.fetchval(COMMENT) == AWAITS_DEMO)
    except asyncpg.InsufficientPrivilegeError:
        raise LaunchError("the roles on this server were made by another owner") from None
    finally:
        await connection.close()


async def _apply(
    connection: asyncpg.Connection, services: list[str], passwords: dict[str, str]
) -> None:
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1)"
    if await connection.fetchval(schemas, services) is None:
        await connection.execute(f"COMMENT ON DATABASE {database} IS '{AWAITS_DEMO}'")
    await connection.execute("SET LOCAL createrole_self_grant = 'set, inherit'")
    await _create_roles(connection, [*passwords, *(f"soha_{name}_owner" for name in services)])
    await connection.execute(
        "".join(f"ALTER ROLE {n} PASSWORD '{scram(word)}';\n" for n, word in passwords.items())
    )
    await connection.execute(_script("database.sql", database=database))
    for name in services:
        await connection.execute(_script("service.sql", database=database, service=name))


async def seeded(settings: Settings) -> None:
    """Remember, in the database itself, that its demo data is there."""
    connection = await _connect(settings)
    try:
        database = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"COMMENT ON DATABASE {database} IS '{HAS_DEMO}'")
    finally:
        await connection.close()


def scram(password: str) -> str:
    """Return the verifier of RFC 5803: the server and its log never see the password."""
    salt, rounds = os.urandom(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = base64.b64encode(hashlib.sha256(client).digest()).decode()
    server = base64.b64encode(hmac.digest(salted, b"Server Key", "sha256")).decode()
    return f"SCRAM-SHA-256${rounds}:{base64.b64encode(salt).decode()}${stored}:{server}"


def _script(name: str, **words: str) -> str:
    return (SCRIPTS / name).read_text(encoding="utf-8").format(**words)


def _passwords(file: Path, logins: Iterable[str]) -> dict[str, str]:
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in logins if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(file, json.dumps(kept, indent=1))
    return kept


async def _connect(settings: Settings) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(settings.database_url, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        why = type(error).__name__
        raise LaunchError(f"the database of DATABASE_URL cannot be reached ({why})") from None


async def _must_suffice(connection: asyncpg.Connection) -> None:
    major = connection.get_server_version().major
    if major < OLDEST:
        raise LaunchError(f"PostgreSQL {OLDEST} or newer is needed: DATABASE_URL leads to {major}")
    rights = """
        SELECT (rolsuper OR rolcreaterole) AND pg_has_role(datdba, 'USAGE')
        FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
    """
    if not await connection.fetchval(rights):
        raise LaunchError("the user of DATABASE_URL must own the database and may create roles")


async def _create_roles(connection: asyncpg.Connection, wanted: list[str]) -> None:
    known = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)", wanted)
    for name in sorted(set(wanted) - {row["rolname"] for row in known}):
        await connection.execute(f"CREATE ROLE {name}")
