"""Every service's migrations: one head, what the models say, and the way back down and up again."""

import importlib
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Integer, MetaData, Table

from shared.running import roles
from shared.running.settings import SERVICES
from shared.storage.migrate import config, head, run, upgrade_all


@pytest.fixture(scope="module")
async def empty(settings):
    """A database of its own on the same server: here tables come and go."""
    await say(settings.database_url, "CREATE DATABASE up_and_down")
    place = urlsplit(settings.database_url)._replace(path="/up_and_down").geturl()
    made = settings.model_copy(update={"database_url": place})
    await roles.prepare(made, SERVICES)
    yield made
    await say(settings.database_url, "DROP DATABASE up_and_down WITH (FORCE)")


async def say(dsn, *statements):
    connection = await asyncpg.connect(dsn)
    try:
        return [await connection.fetch(statement) for statement in statements][-1]
    finally:
        await connection.close()


@pytest.fixture(params=SERVICES)
def service(request):
    return importlib.import_module(f"services.{request.param}.app").service


async def migrate(settings, service, do, *, metadata=None):
    dsn = settings.dsn(service.name, role="migrator")
    await run(dsn, service.name, metadata or service.metadata, do)


async def tables(settings, schema):
    rows = await say(
        settings.database_url,
        "SELECT relname AS tablename FROM pg_class WHERE relkind IN ('r', 'p')"
        f" AND NOT relispartition AND relnamespace = '{schema}'::regnamespace",
    )
    return {row["tablename"] for row in rows} - {"alembic_version"}


def test_a_service_has_exactly_one_head(service):
    script = ScriptDirectory.from_config(config(service.name, service.metadata))
    assert script.get_heads() == [head(service.name)]
    assert len(script.get_bases()) == 1


async def test_the_migrations_make_what_the_models_say(settings, service):
    await migrate(settings, service, command.check)
    assert await tables(settings, service.name) == {t.name for t in service.metadata.sorted_tables}


async def test_a_table_without_a_migration_does_not_go_unseen(settings, service):
    also = MetaData(schema=service.name)
    for table in service.metadata.sorted_tables:
        table.to_metadata(also)
    Table("forgotten", also, Column("id", Integer, primary_key=True))
    with pytest.raises(CommandError, match="forgotten"):
        await migrate(settings, service, command.check, metadata=also)


async def test_the_way_down_leads_up_again(empty, service):
    assert await upgrade_all(empty, [service]) == [service.name]
    await migrate(empty, service, lambda config: command.downgrade(config, "base"))
    assert await tables(empty, service.name) == set()
    assert await upgrade_all(empty, [service]) == [service.name]
    assert await upgrade_all(empty, [service]) == []
    await migrate(empty, service, command.check)
