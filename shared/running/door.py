"""The HTTP server before any application code: header limits, and a stop that loses nobody.

uvicorn by itself waits for ever on a trickle of headers and takes 20,000 of them.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.running.settings import Settings

HEADERS_WITHIN_S = 10
HEADER_BYTES = 32 * 1024
HEADER_FIELDS = 100
DRAIN_S = 20
CONNECTIONS = 2000


class Front:
    """The application, except that a stopping process no longer calls itself ready."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.stopping and scope["type"] == "http" and scope["path"] == "/readyz":
            headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"5")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            body = _problem(503, "stopping", "سامانه در حال توقف است")
            await send({"type": "http.response.body", "body": body})
            return
        await self._app(scope, receive, send)


class Door(uvicorn.Server):
    """One listening server whose signals the runner handles."""

    def __init__(self, front: Front, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                front,
                host=settings.bind_address,
                port=settings.port,
                http=Guarded,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=DRAIN_S,
                limit_concurrency=CONNECTIONS,
            )
        )
        self.front = front
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.opened.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def drain(self) -> None:
        """Stop taking connections, end what is running; a second call ends it at once."""
        self.force_exit = self.should_exit
        self.front.stopping = self.should_exit = True


class Guarded(HttpToolsProtocol):
    """uvicorn's own protocol with a deadline and a size for what comes before the body."""

    _deadline: asyncio.TimerHandle | None = None
    _reading_headers = True
    _header_bytes = 0
    _refusal = (400, "malformed_http", "این درخواست HTTP خوانده نشد")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_are_in()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._reading_headers:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES and not self.transport.is_closing():
                self._refuse_headers()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._headers_are_in()
        self._reading_headers, self._header_bytes = True, 0
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)

    def on_headers_complete(self) -> None:
        self._headers_are_in()
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.headers) > HEADER_FIELDS or size > HEADER_BYTES:
            self._refuse_headers()
            raise ValueError("too many headers")  # the parser stops here and answers
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn hands it over
        status, code, title = self._refusal
        body = _problem(status, code, title)
        head = (
            b"content-type: application/problem+json\r\nconnection: close\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    def _refuse_headers(self) -> None:
        self._refusal = (431, "headers_too_large", "سرآیندهای درخواست بیش از اندازه‌اند")

    def _headers_are_in(self) -> None:
        self._reading_headers = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _problem(status: int, code: str, title: str) -> bytes:
    request_id = secrets.token_hex(16)
    body: dict[str, Any] = {"type": f"/problems/{code}", "title": title, "status": status}
    body |= {"instance": f"/requests/{request_id}", "code": code, "request_id": request_id}
    return json.dumps(body, ensure_ascii=False).encode()
