"""Starts and stops an ASGI application that no server of its own stands before."""

import asyncio
from typing import Any

from starlette.types import ASGIApp


class Lifespan:
    """The two lifespan messages of one application, its task kept alive in between."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._name = name
        self._app = app
        self._to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._from_app: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        """Raise RuntimeError when the application does not start."""
        self._task = asyncio.create_task(self._run(), name=f"lifespan of {self._name}")
        await self._say("lifespan.startup")

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None and not self._task.done():
            await self._say("lifespan.shutdown")
            await self._task

    async def _run(self) -> None:
        scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

        async def send(message: Any) -> None:
            await self._from_app.put(message["type"])

        receive: Any = self._to_app.get
        await self._app(scope, receive, send)

    async def _say(self, message: str) -> None:
        assert self._task is not None  # noqa: S101 - set by __aenter__
        await self._to_app.put({"type": message})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise RuntimeError(f"{self._name} did not answer {message}") from self._task.exception()
        if answer.result() != f"{message}.complete":
            await asyncio.wait({self._task}, timeout=1)
            cause = self._task.exception() if self._task.done() else None
            raise RuntimeError(f"{self._name}: {answer.result()}") from cause
