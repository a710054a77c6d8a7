"""Ways to send bytes that no client library lets through, and what comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

from tests.prove.document import Json

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Ready:
    """One request that would be accepted as it stands."""

    headers: Headers
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None  # parts of a form: name -> str, or (filename, media type, bytes)
    kept: Callable[[Reply], Awaitable[Any]] | None = None  # reads back what was stored


class Sender(Protocol):
    async def __call__(
        self, method: str, path: bytes, query: bytes, headers: Headers, body: bytes
    ) -> Reply: ...


def form_bytes(parts: Json) -> tuple[bytes, str]:
    """multipart/form-data as bytes, with its media type; an odd text is bytes already."""
    boundary = "soha-7f3a91c2"
    lines = []
    for name, part in parts.items():
        head = b'Content-Disposition: form-data; name="' + name.encode() + b'"'
        if isinstance(part, tuple):
            filename, media, content = part
            head += b'; filename="' + filename + b'"\r\nContent-Type: ' + media.encode()
        else:
            content = part if isinstance(part, bytes) else part.encode()
        lines += [f"--{boundary}".encode(), head, b"", content]
    lines += [f"--{boundary}--".encode(), b""]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary}"


def over_asgi(app: Any) -> Sender:
    """Ask an application as a server would."""

    async def ask(method: str, path: bytes, query: bytes, headers: Headers, body: bytes) -> Reply:
        length = [(b"content-length", str(len(body)).encode())] if body else []
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query,
            "root_path": "", "headers": [*headers, *length], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }  # fmt: skip
        waiting: list[Json] = [{"type": "http.request", "body": body, "more_body": False}]
        replies: list[Json] = []

        async def receive() -> Json:
            return waiting.pop() if waiting else await asyncio.Future()

        async def send(message: Json) -> None:
            replies.append(message)

        await app(scope, receive, send)
        start, *rest = replies
        content = b"".join(message.get("body", b"") for message in rest)
        return Reply(start["status"], dict(start.get("headers", ())), content)

    return ask


def over_socket(port: int) -> Sender:
    """Ask a server in this machine with the very bytes, each time by a connection of its own."""

    async def ask(method: str, path: bytes, query: bytes, headers: Headers, body: bytes) -> Reply:
        target = path + (b"?" + query if query else b"")
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"host: localhost"]
        lines += [name + b": " + value for name, value in headers]
        lines += [b"content-length: " + str(len(body)).encode()] if body else []
        lines += [b"connection: close", b"", b""]
        return await exchange(port, b"\r\n".join(lines) + body)

    return ask


async def exchange(port: int, sent: bytes) -> Reply:
    """Send bytes and read until the server closes; status 0 when it says nothing at all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        with suppress(ConnectionError):
            await writer.drain()
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                said = await reader.read()
                return _read(said)
            return Reply(0, {}, b"")
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _read(said: bytes) -> Reply:
    if not said:
        return Reply(0, {}, b"")
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [line.partition(b":") for line in lines]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get(b"transfer-encoding") == b"chunked":
        body = _joined(body)
    return Reply(int(first.split()[1]), headers, body)


def _joined(chunks: bytes) -> bytes:
    whole = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        whole, chunks = whole + rest[:length], rest[length + 2 :]
        if length == 0:
            break
    return whole
