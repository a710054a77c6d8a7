"""One real server, migrated and seeded once; one sandbox; and the whole agency for each module.

Nothing is rolled back: every test has people of its own, and commits are real as in production.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest

from shared.running import log, roles
from shared.running.embedded import temporary
from shared.running.runner import load
from shared.running.sandbox import Sandbox
from shared.running.settings import SERVICES, Settings
from shared.storage.migrate import upgrade_all
from tests.agency import Agency

# The same examples each time, however slow the machine; HYPOTHESIS_PROFILE=default draws new ones.
hypothesis.settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "seeded"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Iterator[Settings]:
    """An installation of its own: database with all schemas, keys, and a running sandbox."""
    place = tmp_path_factory.mktemp("installation")
    with temporary() as server:
        made = Settings(
            _env_file=None,
            env="test",
            data_dir=place / "data",
            run_dir=place / "run",
            database_url=server.dsn,
            sandbox_port=free_port(),
        )
        made.run_dir.mkdir(parents=True)
        log.configure(made)
        asyncio.run(_lay_out(made))
        sandbox = Sandbox(made)
        sandbox.start()
        try:
            asyncio.run(sandbox.ready())
            yield made
        finally:
            sandbox.stop()


async def _lay_out(settings: Settings) -> None:
    services, _ = load()
    await roles.prepare(settings, SERVICES)
    await upgrade_all(settings, services)
    for service in services:
        runtime = service.runtime(settings)
        await runtime.open()
        try:
            await service.seed(runtime, demo=True)
        finally:
            await runtime.close()


@pytest.fixture(scope="module")
async def agency(settings: Settings) -> AsyncIterator[Agency]:
    """The gateway and all services in this process, with the courier between them."""
    async with Agency(settings) as running:
        yield running
