"""The desk: the smallest service there is, on a server of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.running import log, roles
from shared.running.embedded import temporary
from shared.running.lifespan import Lifespan
from shared.running.settings import Settings
from shared.topics import TOPICS
from tests.shared.desk import SERVICE, TOLD, Base, Desk


@pytest.fixture(scope="session")
def desk_settings(tmp_path_factory) -> Iterator[Settings]:
    place = tmp_path_factory.mktemp("desk")
    with temporary() as server:
        settings = Settings(
            _env_file=None,
            env="test",
            data_dir=place / "data",
            run_dir=place / "run",
            database_url=server.dsn,
            pool_size=3,
        )
        log.configure(settings)
        asyncio.run(_lay_out(settings))
        yield settings


async def _lay_out(settings: Settings) -> None:
    await roles.prepare(settings, ["desk"])
    connection = await asyncpg.connect(settings.dsn("desk", role="migrator"))
    dialect = postgresql.dialect()
    for table in Base.metadata.sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    await connection.close()


@pytest.fixture
async def desk(desk_settings: Settings, monkeypatch) -> AsyncIterator[Desk]:
    for name, topic in TOLD.items():
        monkeypatch.setitem(TOPICS, name, topic)
    app = SERVICE.create_app(desk_settings, loops=False)
    async with (
        Lifespan("desk", app),
        asyncpg.create_pool(desk_settings.database_url, min_size=1, max_size=8) as eye,
    ):
        tables = ", ".join(f'desk."{table.name}"' for table in Base.metadata.sorted_tables)
        await eye.execute(f"TRUNCATE {tables}")
        one = Desk(desk_settings, app, eye)
        async with one.http:
            yield one
