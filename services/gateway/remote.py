"""A service in another process, as an ASGI application: streamed both ways over one HTTP hop.

The pool of connections is the service's own, so that a slow one cannot starve the others.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import aiohttp
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from shared.web.errors import Unavailable

# An idle connection is given up before uvicorn's default of 5 s ends it from the other side.
KEEP_ALIVE_S = 4
CONNECT_S = 1
WAIT_FOR_CONNECTION_S = 2
IDLE_S = 30
LOOK_AFTER_S = 0.1

_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"expect"),
    }
)
_NOT_OURS = frozenset({b"date", b"server"})
_NO_ADDITIONS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Remote:
    """Forwards each request to `base_url`; opened and closed with the gateway.

    Raises Unavailable when the service cannot be reached or breaks off, ClientDisconnect when the
    caller does. When a kept connection turns out to have been closed, the client sends a GET again
    on another one; what carries a body only if none of it had been read.
    """

    def __init__(self, base_url: str, *, connections: int) -> None:
        self._base = base_url.rstrip("/")
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=30
            ),
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=WAIT_FOR_CONNECTION_S,
                sock_connect=CONNECT_S,
                sock_read=IDLE_S,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NO_ADDITIONS,
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._session is None:
            raise Unavailable
        hung_up = False

        async def hear() -> Message:
            nonlocal hung_up
            message = await receive()
            hung_up = message["type"] == "http.disconnect"
            return message

        first = await hear() if _has_body(scope) else None
        try:
            async with asyncio.timeout(None) as gone:
                with _watched(hear, gone, after=first):
                    await self._forward(self._session, scope, first, hear, send)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise (ClientDisconnect if hung_up else Unavailable) from None
        await send({"type": "http.response.body", "body": b""})

    async def _forward(
        self,
        session: aiohttp.ClientSession,
        scope: Scope,
        first: Message | None,
        receive: Receive,
        send: Send,
    ) -> None:
        asked = session.request(
            scope["method"],
            URL(self._base + _target(scope), encoded=True),
            headers=[
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in _kept(scope["headers"])
            ],
            data=None if first is None else _rest(first, receive),
            allow_redirects=False,
        )
        async with asked as answer:
            headers = [h for h in _kept(answer.raw_headers) if h[0] not in _NOT_OURS]
            start = {"type": "http.response.start", "status": answer.status, "headers": headers}
            await send(start)
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


@contextmanager
def _watched(receive: Receive, gone: asyncio.Timeout, *, after: Message | None) -> Iterator[None]:
    """Let `gone` expire when the caller hangs up; a quick answer is not even looked after.

    While a body is still coming, who reads it notices.
    """
    loop = asyncio.get_running_loop()
    looking: list[asyncio.Task[None]] = []

    async def look() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.reschedule(loop.time())

    def begin() -> None:
        if after is None or not after.get("more_body"):
            looking.append(loop.create_task(look()))

    timer = loop.call_later(LOOK_AFTER_S, begin)
    try:
        yield
    finally:
        timer.cancel()
        for task in looking:
            task.cancel()


def _has_body(scope: Scope) -> bool:
    announced = {b"content-length", b"transfer-encoding"}
    return any(name in announced and value != b"0" for name, value in scope["headers"])


def _target(scope: Scope) -> str:
    """Return path and query exactly as they came."""
    raw: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (raw + b"?" + query if query else raw).decode()


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers that travel further than one hop, their names in lower case."""
    lower = [(name.lower(), value) for name, value in headers]
    named = {
        word.strip().lower()
        for name, value in lower
        if name == b"connection"
        for word in value.split(b",")
    }
    return [h for h in lower if h[0] not in _HOP_BY_HOP and h[0] not in named]


async def _rest(first: Message, receive: Receive) -> AsyncIterator[bytes]:
    """Give the body as it comes. Raises ClientDisconnect when the rest never does."""
    message = first
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body"):
            return
        message = await receive()
