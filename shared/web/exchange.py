"""One request as it comes in and its answer as it goes out, beneath `ingress.py`."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Token
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from shared.web.errors import BodyTimeout, Refusal, TooLarge, send_problem

LINGER_S = 3

SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cache-control", b"no-store"),
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Exchange:
    """One request on its way in and its answer on the way out."""

    __slots__ = (
        *("_more", "_receive", "_replaced", "_send"),
        *("bound", "patience_s", "refusal", "scope", "started", "unread", "vetted"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.started = False
        self.unread = False
        self.vetted = "soha.vetted" in scope
        self.bound: Mapping[str, Token[Any]] = {}
        self.patience_s: float = LINGER_S
        self.refusal: Refusal | None = None
        self._replaced = False
        self._more: tuple[tuple[bytes, bytes], ...] = ()
        self._receive = receive
        self._send = send

    def name(self, headers: Mapping[bytes, bytes]) -> None:
        """Take the ids that came along, make those that did not; the answer gives them back."""
        scope = self.scope
        given_id, given_trace = headers.get(b"x-request-id"), headers.get(b"traceparent")
        request_id = given_id if given_id and _REQUEST_ID.fullmatch(given_id) else None
        trace = given_trace if given_trace and _TRACEPARENT.fullmatch(given_trace) else None
        if request_id is None or trace is None:
            fresh = secrets.token_hex(24)
            request_id = request_id or fresh[:32].encode()
            trace = trace or f"00-{fresh[:32]}-{fresh[32:]}-01".encode()
            ours = ((b"x-request-id", request_id), (b"traceparent", trace))
            others = [h for h in scope["headers"] if h[0] not in {b"x-request-id", b"traceparent"}]
            scope["headers"] = [*others, *ours]
        scope["soha.request_id"] = request_id.decode()
        scope["soha.traceparent"] = trace.decode()
        self.bound = bind_contextvars(
            request_id=scope["soha.request_id"], trace_id=trace[3:35].decode()
        )
        if not self.vetted:
            self._more = ((b"x-request-id", request_id), (b"traceparent", trace), *SECURITY)

    async def receive(self) -> Message:
        return await self._receive()

    async def read(self, *, limit: int, deadline_s: float) -> bytes:
        """Return the whole body. Raises TooLarge, BodyTimeout, ClientDisconnect."""
        chunks, size = [], 0
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    self.unread = message.get("more_body", False)
                    if size > limit:
                        raise TooLarge
                    chunks.append(chunk)
                    if not self.unread:
                        return b"".join(chunks)
        except TimeoutError:
            self.patience_s = 0
            raise BodyTimeout from None

    def replay(self, body: bytes) -> Receive:
        """Return a receive that gives the body once, then whatever the connection says."""
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else await self._receive()

        return receive

    async def send(self, message: Message) -> None:
        """Pass the application's answer on; one whose body was cut off gets our refusal instead."""
        if self.refusal is None or (self.started and not self._replaced):
            await self._pass(message)
        elif not self.started:
            self._replaced = True
            await send_problem(self.refusal, self.scope, self._pass)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            headers += [header for header in self._more if header[0] not in names]
            if self.unread:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif self.unread and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Throw away what is still coming, for a moment: closing at once would eat our answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience_s):
                while (await self._receive()).get("more_body"):
                    pass


class Stream:
    """A body that the application reads as it comes: counted, timed and hashed on the way.

    The hash goes to `scope["soha.body_sha256"]`, for the Idempotency-Key; the boundary is left out
    of it, since a client makes a new one for every attempt.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        limit: int,
        idle_s: float,
        total_s: float,
        boundary: bytes,
    ) -> None:
        self._exchange = exchange
        self._left = limit
        self._idle_s = idle_s
        self._until = time.monotonic() + total_s
        self._boundary = boundary
        self._tail = b""
        self._hash = hashlib.sha256()
        self._open = True

    async def receive(self) -> Message:
        """Raises TooLarge or BodyTimeout, which `Exchange.send` then answers."""
        exchange = self._exchange
        if not self._open:
            return await exchange.receive()
        try:
            async with asyncio.timeout(min(self._idle_s, self._until - time.monotonic())):
                message = await exchange.receive()
        except TimeoutError:
            exchange.patience_s = 0
            raise self._refused(BodyTimeout()) from None
        if message["type"] == "http.disconnect":
            return message
        chunk = message.get("body", b"")
        self._left -= len(chunk)
        self._open = message.get("more_body", False)
        exchange.unread = self._open and not exchange.vetted
        if self._left < 0:
            raise self._refused(TooLarge())
        self._add(chunk)
        if not self._open:
            self._hash.update(self._tail)
            exchange.scope["soha.body_sha256"] = self._hash.digest()
        return message

    def _refused(self, refusal: Refusal) -> Refusal:
        self._exchange.refusal = refusal
        return refusal

    def _add(self, chunk: bytes) -> None:
        data = self._tail + chunk
        if self._boundary:
            data = data.replace(self._boundary, b"")
        keep = max(len(data) - len(self._boundary) + 1, 0) if self._boundary else len(data)
        self._hash.update(data[:keep])
        self._tail = data[keep:]
