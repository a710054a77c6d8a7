"""Raw ASGI requests where no server is needed, and a real one where its parser matters."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


async def _send(app, method="GET", target="/", *, headers=(), body=b"", chunks=None, more=None):
    """One request without a server; `chunks` come one by one, as a socket would give them."""
    path, _, query = target.partition("?")
    parts = [body] if chunks is None else list(chunks)
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if chunks is not None:
        raw.append((b"transfer-encoding", b"chunked"))
    elif body and not any(name == b"content-length" for name, _ in raw):
        raw.append((b"content-length", str(len(body)).encode()))
    waiting = [
        {"type": "http.request", "body": part, "more_body": at < len(parts)}
        for at, part in enumerate(parts, start=1)
    ]
    sent = []

    async def receive():
        if waiting:
            return waiting.pop(0)
        return await asyncio.Future()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        **(more or {}),
    }
    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], names, content)


@pytest.fixture
def ask():
    """`await ask(app, "POST", "/path?x=1", headers=[…], body=b"…")` answers an `Answered`."""
    return _send


@asynccontextmanager
async def _served(app) -> AsyncIterator[int]:
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, lifespan="off", log_config=None, timeout_keep_alive=5)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


@pytest.fixture
def served():
    """`async with served(app) as port:` runs uvicorn, as in production."""
    return _served
