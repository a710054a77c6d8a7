"""Roles in the database: each service is at home in its own schema and nowhere else."""

import asyncio
import json

import asyncpg
import pytest

from shared.running import roles
from shared.running.embedded import LaunchError, temporary
from shared.running.settings import SERVICES, Settings, role_name, with_login

VERBS = (
    "SELECT * FROM {}.thing",
    "INSERT INTO {}.thing VALUES (1)",
    "UPDATE {}.thing SET id = 2",
    "DELETE FROM {}.thing",
    "TRUNCATE {}.thing",
    "CREATE TABLE {}.other (id int)",
    "DROP TABLE {}.thing",
)


@pytest.fixture(scope="module")
def settings():
    """Every schema with one table, made by its migrator."""
    with temporary() as server:
        known = Settings(
            env="test",
            data_dir=server.data_dir,
            run_dir=server.data_dir,
            database_url=server.dsn,
        )
        asyncio.run(furnish(known))
        yield known


async def furnish(settings):
    assert await roles.prepare(settings, SERVICES) is True
    for service in SERVICES:
        await say(settings.dsn(service, role="migrator"), "CREATE TABLE thing (id int)")


async def say(dsn, *statements):
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
    finally:
        await connection.close()
    return answer


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_refused_every_other_schema(settings, service):
    refused = 0
    connection = await asyncpg.connect(settings.dsn(service))
    for other in set(SERVICES) - {service}:
        for verb in VERBS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(verb.format(other))
            refused += 1
    await connection.close()
    assert refused == 6 * len(VERBS)


@pytest.mark.parametrize("service", SERVICES)
async def test_at_home_it_changes_rows_and_never_tables(settings, service):
    dsn = settings.dsn(service)
    await say(dsn, *(verb.format(service) for verb in VERBS[:4]))
    for verb in VERBS[4:]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await say(dsn, verb.format(service))


async def test_nobody_writes_to_public_or_makes_temporary_tables(settings):
    for statement in ("CREATE TABLE public.x (id int)", "CREATE TEMPORARY TABLE x (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await say(settings.dsn("intake"), statement)


async def test_a_reader_reads_and_a_batch_has_patience(settings):
    reader = settings.dsn("loans", role="reader")
    assert await say(reader, "SELECT count(*) FROM thing") is not None
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await say(reader, "DELETE FROM thing")
    await say(settings.dsn("loans", role="batch"), "DELETE FROM thing")


async def test_deadlines_belong_to_the_roles(settings):
    async def shown(dsn):
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        return [await say(dsn, f"SHOW {name}") for name in (*names, "search_path")]

    assert await shown(settings.dsn("shares")) == ["3s", "1s", "5s", "shares"]
    assert await shown(settings.dsn("shares", role="batch")) == ["2min", "5s", "30s", "shares"]
    assert await shown(settings.dsn("shares", role="migrator")) == ["10min", "1s", "1min", "shares"]
    assert (await shown(settings.dsn("courier")))[1:] == ["1s", "5s", "pg_catalog"]


async def test_what_a_migrator_makes_belongs_to_an_owner_whom_nobody_can_be(settings):
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'notify' AND tablename = 'thing'"
    assert await say(settings.dsn("notify"), owner) == "soha_notify_owner"
    may = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'soha_notify_owner'"
    assert await say(settings.dsn("notify"), may) is False


async def test_a_service_takes_twelve_connections_and_no_more(settings):
    taken = [await asyncpg.connect(settings.dsn("exemption")) for _ in range(12)]
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(settings.dsn("exemption"))
    for connection in taken:
        await connection.close()


async def test_preparing_again_changes_nothing_and_mends_what_was_lost(settings):
    before = (settings.keys_dir / "db.json").read_text()
    await say(
        settings.database_url,
        "ALTER ROLE soha_loans RESET ALL",
        "ALTER ROLE soha_loans PASSWORD 'lost'",
    )
    assert await roles.prepare(settings, SERVICES) is True  # its demo data never came
    await roles.seeded(settings)
    assert await roles.prepare(settings, SERVICES) is False
    assert (settings.keys_dir / "db.json").read_text() == before
    assert await say(settings.dsn("loans"), "SHOW statement_timeout") == "3s"


async def test_two_starts_at_once_do_not_trip_over_each_other(settings):
    await asyncio.gather(*(roles.prepare(settings, SERVICES) for _ in range(4)))
    assert await say(settings.dsn("loans"), "SELECT current_user") == "soha_loans"


async def test_every_login_has_a_password_of_its_own(settings):
    kept = json.loads((settings.keys_dir / "db.json").read_text())
    logins = {role_name(name, role=role) for name in SERVICES for role in roles.LOGINS}
    assert set(kept) == logins | {"soha_courier", "soha"}
    assert len(set(kept.values())) == len(kept)


async def make_agency(settings):
    await say(
        settings.database_url,
        "CREATE ROLE agency LOGIN CREATEROLE PASSWORD 'x'",
        "CREATE DATABASE agency OWNER agency",
    )
    url = settings.database_url.rpartition("/")[0] + "/agency"
    given = with_login(url, user="agency", password="x")
    return settings.model_copy(update={"database_url": given})


async def test_an_owner_who_is_no_superuser_suffices():
    with temporary() as server:
        place = {"data_dir": server.data_dir, "run_dir": server.data_dir}
        owned = await make_agency(Settings(env="test", database_url=server.dsn, **place))
        assert await roles.prepare(owned, SERVICES) is True
        assert await roles.prepare(owned, SERVICES) is True
        await say(owned.dsn("loans", role="migrator"), "CREATE TABLE thing (id int)")
        assert await say(owned.dsn("loans"), "SELECT count(*) FROM thing") == 0


async def test_roles_that_another_owner_made_are_left_alone(settings):
    other = await make_agency(settings)
    with pytest.raises(LaunchError, match="another owner"):
        await roles.prepare(other, SERVICES)
    assert await say(settings.dsn("loans"), "SELECT current_user") == "soha_loans"


async def test_too_little_is_said_in_one_sentence(settings, monkeypatch):
    await say(settings.database_url, "CREATE ROLE weak LOGIN PASSWORD 'x'")
    await say(settings.database_url, "GRANT CONNECT ON DATABASE soha TO weak")
    weak = with_login(settings.database_url, user="weak", password="x")
    with pytest.raises(LaunchError, match="must own the database"):
        await roles.prepare(settings.model_copy(update={"database_url": weak}), SERVICES)
    nowhere = settings.model_copy(update={"database_url": "postgresql://a:b@127.0.0.1:1/c"})
    with pytest.raises(LaunchError, match="cannot be reached"):
        await roles.prepare(nowhere, SERVICES)
    monkeypatch.setattr(roles, "OLDEST", 19)
    with pytest.raises(LaunchError, match="PostgreSQL 19 or newer"):
        await roles.prepare(settings, SERVICES)
