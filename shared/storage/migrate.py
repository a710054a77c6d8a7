"""Migrations: one environment, one version table per schema, each service its own line of them.

`python -m shared.storage.migrate revision livelihood "what changes"` writes the next one.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.running.settings import SERVICES, Settings, role_name
from shared.storage import courier
from shared.storage.db import Transaction

ROOT = Path(__file__).parent.parent.parent


def config(service: str, metadata: MetaData, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one service; without a connection it prints SQL."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("path_separator", "os")
    made.set_main_option("version_locations", str(versions(service)))
    made.attributes.update({"metadata": metadata, "connection": connection})
    return made


def versions(service: str) -> Path:
    return ROOT / "services" / service / "migrations" / "versions"


@lru_cache(maxsize=16)
def head(service: str) -> str | None:
    """The newest migration of a service. Raises CommandError where there are two."""
    directory = ScriptDirectory(
        str(Path(__file__).parent / "migrations"), version_locations=[str(versions(service))]
    )
    return directory.get_current_head()


async def at_head(tx: Transaction) -> bool:
    """Whether the schema is what this code expects; remembered once it is."""
    if "at_head" not in tx.runtime.memory:
        row = await tx.fetchrow(f'SELECT version_num FROM "{tx.schema}".alembic_version')  # noqa: S608
        if row is None or row["version_num"] != head(tx.schema):
            return False
        tx.runtime.memory["at_head"] = True
    await tx.fetchrow("SELECT 1")
    return True


def protect(schema: str) -> tuple[str, ...]:
    """SQL that every service's first migration ends with.

    What happened is only ever added to, and the courier reaches outbox and inbox, nothing else.
    """
    roles = f"{role_name(schema)}, {role_name(schema, role='batch')}"
    kept = ("history", "audit", "audit_link")
    return (
        *(f'REVOKE UPDATE, DELETE ON "{schema}".{table} FROM {roles}' for table in kept),
        *courier.rights(schema),
    )


async def upgrade_all(settings: Settings, services: Iterable[Any]) -> list[str]:
    """Bring every schema to its newest migration; returns the services that had to move.

    A schema that is there already costs one query.
    """
    moved = []
    for service in services:
        dsn = settings.dsn(service.name, role="migrator")
        if await _current(dsn, service.name) != head(service.name):
            await run(dsn, service.name, service.metadata, lambda c: command.upgrade(c, "head"))
            moved.append(service.name)
    return moved


async def run(dsn: str, service: str, metadata: MetaData, do: Callable[[Config], object]) -> None:
    """Run one Alembic command over a connection of the migrator."""
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        hide_parameters=True,
        # Names are always qualified; a default schema of its own would confuse the comparison.
        connect_args={"server_settings": {"search_path": "pg_catalog"}},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: do(config(service, metadata, sync)))
            await connection.commit()
    finally:
        await engine.dispose()


async def _current(dsn: str, service: str) -> str | None:
    connection = await asyncpg.connect(dsn)
    try:
        found: str | None = await connection.fetchval(
            f'SELECT version_num FROM "{service}".alembic_version'  # noqa: S608
        )
    except asyncpg.UndefinedTableError:
        found = None
    finally:
        await connection.close()
    return found


def _main(verb: str, *rest: str) -> None:
    settings = Settings()
    for name in rest[:1] or SERVICES:
        service = import_module(f"services.{name}.app").service
        dsn = settings.dsn(name, role="migrator")
        if verb == "revision":
            asyncio.run(run(dsn, name, service.metadata, partial(_revise, name, rest[1])))
        elif verb == "check":
            asyncio.run(run(dsn, name, service.metadata, command.check))
        else:
            asyncio.run(upgrade_all(settings, [service]))


def _revise(name: str, message: str, made: Config) -> None:
    versions(name).mkdir(parents=True, exist_ok=True)
    number = f"{len(list(versions(name).glob('*.py'))) + 1:04d}"
    command.revision(made, message=message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    _main(*sys.argv[1:])
