"""A small agency on a real server: three schemas with outbox, inbox and timers, the real roles."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.running import roles
from shared.running.clock import move
from shared.running.embedded import Postgres
from shared.running.settings import Settings
from shared.storage.courier import Courier, rights
from shared.storage.db import Runtime
from shared.storage.outbox import outbox_values, tell
from shared.storage.tables import mechanisms, service_metadata

SCHEMAS = ("giver", "hearer", "third")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def small_server(tmp_path_factory) -> Iterator[Settings]:
    place = tmp_path_factory.mktemp("agency")
    server = Postgres(place / "data", durable=False)
    server.start()
    try:
        settings = Settings(
            _env_file=None,
            env="test",
            data_dir=place / "data",
            run_dir=place / "run",
            database_url=server.dsn,
        )
        asyncio.run(_lay_out(settings))
        yield settings
    finally:
        server.stop()


async def _lay_out(settings: Settings) -> None:
    await roles.prepare(settings, SCHEMAS)
    dialect = postgresql.dialect()
    for schema in SCHEMAS:
        tables = mechanisms(service_metadata(schema))
        connection = await asyncpg.connect(settings.dsn(schema, role="migrator"))
        for table in (tables.outbox, tables.inbox, tables.timer):
            await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in table.indexes:
                await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        await connection.execute(
            f"CREATE TABLE {schema}.effect (subject_id uuid, version int, who text, "
            "at timestamptz DEFAULT clock_timestamp())"
        )
        for right in rights(schema)[1:]:
            await connection.execute(right)
        await connection.close()


@dataclass
class Agency:
    """What a test holds: the runtimes of the services and an owner's eye on everything."""

    settings: Settings
    eye: asyncpg.Pool
    services: dict[str, Runtime]
    stack: AsyncExitStack

    @property
    def giver(self) -> Runtime:
        return self.services["giver"]

    @property
    def hearer(self) -> Runtime:
        return self.services["hearer"]

    async def twin(self, service: str) -> Runtime:
        """A second process of the same service."""
        runtime = Runtime(self.settings, service=service, metadata=self.services[service].metadata)
        await runtime.open()
        self.stack.push_async_callback(runtime.close)
        return runtime

    def courier(self, **more: Any) -> Courier:
        courier = Courier(self.settings.dsn("courier"), SCHEMAS, **{"heard_by": {}, **more})
        self.stack.callback(courier._hang_up)
        return courier

    async def tell(
        self, topic="loans.approved", *, subject=None, version=1, to=("hearer",), **payload
    ):
        subject = subject or uuid4()
        async with self.giver.transaction() as tx:
            await tell(tx, topic, subject_id=subject, version=version, payload=payload, hearers=to)
        return subject

    async def deliver(self, topic="loans.approved", *, subject=None, version=1, **payload) -> UUID:
        """Put an event straight into the hearer's inbox, as the courier would."""
        subject = subject or uuid4()
        row = outbox_values(
            topic,
            subject_id=subject,
            version=version,
            payload=payload,
            at=self.giver.clock.now(),
            trace=None,
            hearers=(),
        )
        await self.eye.execute(
            "INSERT INTO hearer.inbox (event_id, source, topic, subject_id, version, payload, at) "
            "VALUES ($1, 'giver', $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            row["event_id"], topic, subject, version, json.dumps(payload), row["at"],
        )  # fmt: skip
        return subject

    async def count(self, sql: str, *arguments: Any) -> int:
        return await self.eye.fetchval(f"SELECT count(*) FROM {sql}", *arguments)

    @staticmethod
    @asynccontextmanager
    async def running(loop: Any) -> AsyncIterator[Any]:
        task = asyncio.create_task(loop.run())
        try:
            yield loop
        finally:
            loop.stop()
            await asyncio.wait_for(task, 10)

    @staticmethod
    async def until(condition: Callable[[], Awaitable[Any]]) -> None:
        """Wait for what the database will say, five seconds at most."""
        async with asyncio.timeout(5):
            while not await condition():  # noqa: ASYNC110 - another process may be the cause
                await asyncio.sleep(0.01)

    @staticmethod
    async def leave(tx: Any, subject_id: UUID, *, version: int = 0, who: str = "") -> None:
        """Write what a handler would: one row that shows that it has been there."""
        await tx.write(
            f"INSERT INTO {tx.schema}.effect (subject_id, version, who) VALUES ($1, $2, $3)",
            *(subject_id, version, who),
        )

    async def effects(self, who: str | None = None) -> list[tuple[UUID, int]]:
        rows = await self.eye.fetch(
            "SELECT subject_id, version FROM hearer.effect WHERE $1::text IS NULL OR who = $1 "
            "ORDER BY at",
            who,
        )
        return [tuple(row) for row in rows]

    async def inbox_row(self, subject: UUID) -> asyncpg.Record:
        return await self.eye.fetchrow(
            "SELECT *, extract(epoch FROM due_at - now())::float8 AS due_in FROM hearer.inbox "
            "WHERE subject_id = $1 ORDER BY version LIMIT 1",
            subject,
        )

    async def leases_run_out(self) -> None:
        """Half a minute passes on the database's clock, as far as leases can tell."""
        await self.eye.execute("UPDATE hearer.inbox SET due_at = now() WHERE done_at IS NULL")
        await self.eye.execute("UPDATE hearer.timer SET leased_until = now() "
                               "WHERE leased_until IS NOT NULL")  # fmt: skip

    async def hang_up_on(self, role: str) -> int:
        """Cut every connection of a role, as a restart of the server does."""
        rows = await self.eye.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role
        )
        return len(rows)

    def move_clock(self, seconds: float) -> None:
        move(self.settings.run_dir, seconds)


@pytest.fixture
async def agency(small_server: Settings) -> AsyncIterator[Agency]:
    async with AsyncExitStack() as stack:
        eye = await stack.enter_async_context(
            asyncpg.create_pool(small_server.database_url, min_size=1, max_size=6)
        )
        for schema in SCHEMAS:
            await eye.execute(
                f"TRUNCATE {schema}.outbox, {schema}.inbox, {schema}.timer, {schema}.effect"
            )
        services = {}
        for schema in SCHEMAS:
            runtime = Runtime(small_server, service=schema, metadata=service_metadata(schema))
            await runtime.open()
            stack.push_async_callback(runtime.close)
            services[schema] = runtime
        stack.callback((small_server.run_dir / "clock.json").unlink, missing_ok=True)
        yield Agency(small_server, eye, services, stack)
