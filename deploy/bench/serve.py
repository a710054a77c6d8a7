"""One worker of what is measured: `python -m deploy.bench.serve measured|plain PORT`.

It holds intake and livelihood, each an application of its own with its own pool, as one process of
the default run does.
"""

import importlib
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from deploy.bench.asked import stand_in
from shared.running import log
from shared.running.lifespan import Lifespan
from shared.running.settings import Settings


def measured(service: str, settings: Settings) -> FastAPI:
    """The real application of a service, without its background loops."""
    manifest = importlib.import_module(f"services.{service}.app").service
    app: FastAPI = manifest.create_app(settings, loops=False)
    stand_in(app.state.runtime)
    return app


class Both:
    """Two applications in one process; each request goes to the one it is for."""

    def __init__(self, make: Callable[[str, Settings], FastAPI], settings: Settings) -> None:
        self.apps = {name: make(name, settings) for name in ("intake", "livelihood")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            async with AsyncExitStack() as stack:
                await receive()
                for name, app in self.apps.items():
                    await stack.enter_async_context(Lifespan(name, app))
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        name = "livelihood" if scope["path"].startswith("/v1/livelihood/") else "intake"
        await self.apps[name](scope, receive, send)


def main(kind: str, port: str) -> None:
    """Serve until SIGTERM."""
    settings = Settings(_env_file=None)
    log.configure(settings)
    make = measured
    if kind == "plain":
        from deploy.bench.plain import plain

        make = plain
    uvicorn.run(
        Both(make, settings),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        log_config=None,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
