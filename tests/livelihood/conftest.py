"""Fixtures of the livelihood desk."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from shared.running.lifespan import Lifespan
from shared.running.settings import Settings
from tests.livelihood.desk import Desk


@pytest.fixture(scope="module")
async def whole_desk(settings: Settings) -> AsyncIterator[Desk]:
    desk = Desk(settings)
    transport = httpx.ASGITransport(app=desk.app)
    outside = httpx.AsyncClient(base_url=settings.sandbox_url, trust_env=False)
    inside = httpx.AsyncClient(transport=transport, base_url="http://livelihood")
    lifespan = Lifespan("livelihood", desk.app)
    await lifespan.__aenter__()
    async with outside as desk.sandbox, inside as desk.http:
        desk.eye = await asyncpg.create_pool(settings.database_url, min_size=1, max_size=4)
        try:
            yield desk
        finally:
            await desk.eye.close()
            await lifespan.__aexit__()


@pytest.fixture
async def desk(whole_desk: Desk) -> AsyncIterator[Desk]:
    """The desk, with the clock and the outside world put right again afterwards."""
    yield whole_desk
    clock = whole_desk.settings.run_dir / "clock.json"
    await asyncio.to_thread(clock.unlink, missing_ok=True)
    for party in ("central-bank", "bank"):
        await whole_desk.fault(party, "ok")
