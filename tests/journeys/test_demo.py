"""`make demo` as people run it: over a socket, from outside; and it sees what goes wrong."""

import asyncio
from contextlib import asynccontextmanager
from io import StringIO

import pytest
import uvicorn
from rich.console import Console

from deploy.demo import world
from deploy.demo.calls import NotAsItShouldBe
from deploy.demo.page import Page
from deploy.demo.story import Story
from shared.running.people import write_tokens
from tests.conftest import free_port


@asynccontextmanager
async def open_door(agency):
    """The agency's gateway on a port, and the demo's tokens; gives the settings of both."""
    settings = agency.settings.model_copy(update={"port": free_port()})
    tokens = settings.run_dir / "tokens.json"
    await asyncio.to_thread(write_tokens, settings.sandbox_url, tokens)
    config = uvicorn.Config(agency.gateway, port=settings.port, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await agency.until(lambda: asyncio.sleep(0, server.started))
    try:
        yield settings
    finally:
        server.should_exit = True
        await serving
        tokens.unlink()


def told(settings):
    page = StringIO()
    Story(world.World(settings), Page(Console(file=page))).play()
    return page.getvalue()


async def test_the_demo_plays_to_its_end_and_can_be_played_again(agency, monkeypatch):
    monkeypatch.setattr(world, "QUIET_S", 0.3)
    async with open_door(agency) as settings:
        for _ in range(2):
            story = await asyncio.to_thread(told, settings)
            assert "11 notices in the inbox, 11 by SMS, none twice" in story
            assert "separation_of_duties" in story
    await agency.settled()


async def test_a_message_that_does_not_come_ends_the_demo(agency, monkeypatch):
    monkeypatch.setattr(world, "TOLD_WITHIN_S", 2)
    async with open_door(agency) as settings:
        await agency.fault("sms-primary", "error")
        try:
            with pytest.raises(NotAsItShouldBe, match="3 SMS should have come, it was 0"):
                await asyncio.to_thread(told, settings)
        finally:
            await agency.fault("sms-primary", "ok")
