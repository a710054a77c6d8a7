"""The first layer of every application: what is too big, too slow or ambiguous ends here.

Pure ASGI. Every request gets its ids, every answer gets them back with the security headers; a
body is counted as it comes, JSON is read strictly once and then replayed (decision 16). Nothing is
raised further, so that no server ever logs an error's text.
"""

import math
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import reset_contextvars

from shared.web.answering import answer_fault
from shared.web.errors import (
    HeadersTooLarge,
    IdempotencyKeyInvalid,
    MalformedRequest,
    Overloaded,
    TooLarge,
    UnsupportedMedia,
    UriTooLong,
)
from shared.web.exchange import Exchange, Stream
from shared.web.strict import strict_loads

MIB = 1024 * 1024
MAX_URL = 8 * 1024
MAX_PARAMETERS = 100
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024

_ALWAYS_OPEN = frozenset({"/livez", "/readyz"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})
# Twice the same name means that two readers may each believe another one.
_ONCE = frozenset(
    {
        *(b"authorization", b"content-length", b"content-type", b"content-encoding", b"host"),
        *(b"idempotency-key", b"if-match", b"transfer-encoding", b"x-request-id", b"traceparent"),
    }
)
_PRINTABLE = bytes([0x09, *range(0x20, 0x7F)])
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_BOUNDARY = re.compile(rb'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)


class Ingress:
    """ASGI layer, outermost; limits are in bytes and seconds.

    `forms` are path prefixes that take application/x-www-form-urlencoded; `streams` matches the
    whole paths that take any media type up to `max_stream`, with an idle limit only. A request that
    already came through another Ingress of this process (`scope["soha.vetted"]`) is only counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        concurrency: int = 200,
        max_json: int = MIB,
        max_file: int = 10 * MIB + 64 * 1024,
        max_stream: int = 2048 * MIB,
        deadline_s: float = 10,
        forms: tuple[str, ...] = (),
        streams: re.Pattern[str] | None = None,
    ) -> None:
        self.app = app
        self.active = 0
        self.concurrency = concurrency
        self.max_json = max_json
        self.max_file = max_file
        self.max_stream = max_stream
        self.deadline_s = deadline_s
        self.forms = forms
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        self.active += 1
        try:
            receive = await self._admit(exchange)
            await self.app(scope, receive, exchange.send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the last resort
            await answer_fault(error, scope, None if exchange.started else exchange.send)
        finally:
            self.active -= 1
            reset_contextvars(**exchange.bound)  # in one process, the caller goes on under its own

    async def _admit(self, exchange: Exchange) -> Receive:
        """Check everything before the application sees it; return where it reads the body."""
        scope = exchange.scope
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        exchange.name(headers)
        if self.active > self.concurrency and scope["path"] not in _ALWAYS_OPEN:
            raise Overloaded
        declared = headers.get(b"content-length", b"0")
        has_body = declared != b"0" or b"transfer-encoding" in headers
        exchange.unread = has_body and not exchange.vetted
        if not exchange.vetted:
            _check_headers(scope, headers)
            _check_url(scope)
            scope["soha.vetted"] = True
        if not has_body:
            return exchange.receive
        if scope["method"] in _WITHOUT_BODY or not declared.isdigit():
            raise MalformedRequest(
                detail="این درخواست بدنه ندارد", detail_en="This request takes no body"
            )
        return await self._body(exchange, headers, int(declared))

    async def _body(
        self, exchange: Exchange, headers: Mapping[bytes, bytes], declared: int
    ) -> Receive:
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMedia
        kind = headers.get(b"content-type", b"").lower()
        media = kind.partition(b";")[0].strip()
        if media == b"application/json":
            if b"charset" in kind and b"utf-8" not in kind:
                raise UnsupportedMedia
            if exchange.vetted:
                return exchange.receive
            _refuse_larger(declared, self.max_json)
            body = await exchange.read(limit=self.max_json, deadline_s=self.deadline_s)
            strict_loads(body)
            return exchange.replay(body)
        limit, total_s = self._allowance(exchange, media)
        _refuse_larger(declared, limit)
        boundary = _BOUNDARY.search(headers.get(b"content-type", b""))
        return Stream(
            exchange,
            limit=limit,
            idle_s=self.deadline_s,
            total_s=total_s,
            boundary=boundary[1] if boundary else b"",
        ).receive

    def _allowance(self, exchange: Exchange, media: bytes) -> tuple[int, float]:
        """How many bytes, and seconds in all, a body that is not JSON may take here."""
        path = exchange.scope["path"]
        if exchange.vetted or (self.streams is not None and self.streams.fullmatch(path)):
            return self.max_stream, math.inf
        if media == b"multipart/form-data":
            return self.max_file, 6 * self.deadline_s
        if media == b"application/x-www-form-urlencoded" and path.startswith(self.forms):
            return self.max_json, self.deadline_s
        raise UnsupportedMedia


def _refuse_larger(declared: int, limit: int) -> None:
    if declared > limit:
        raise TooLarge


def _check_headers(scope: Scope, headers: Mapping[bytes, bytes]) -> None:
    given = scope["headers"]
    values = b"".join([value for _, value in given])
    if len(given) > MAX_HEADERS or len(values) > MAX_HEADER_BYTES:
        raise HeadersTooLarge
    if values.translate(None, _PRINTABLE):
        raise MalformedRequest(
            detail="سرآیندها باید نویسه‌های ASCII دیدنی باشند",
            detail_en="Header values must be printable ASCII",
        )
    if len(headers) != len(given):
        names = [name for name, _ in given]
        if any(names.count(name) > 1 for name in _ONCE):
            raise MalformedRequest(
                detail="یکی از سرآیندها تکرار شده است",
                detail_en="A header that may stand once is repeated",
            )
    key = headers.get(b"idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid


def _check_url(scope: Scope) -> None:
    query = scope["query_string"]
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(query) >= MAX_URL:
        raise UriTooLong
    if query.count(b"&") >= MAX_PARAMETERS:
        raise MalformedRequest(
            detail="پارامترهای نشانی بیش از حد است", detail_en="Too many query parameters"
        )
    if b"%" in path or b"%" in query or not (path.isascii() and query.isascii()):
        try:
            text = unquote_to_bytes(path).decode() + unquote_to_bytes(query).decode()
        except UnicodeDecodeError:
            raise MalformedRequest(
                detail="نشانی UTF-8 درستی نیست", detail_en="The address is not valid UTF-8"
            ) from None
        if _CONTROL.search(text):
            raise MalformedRequest(
                detail="نشانی نویسهٔ کنترلی دارد",
                detail_en="The address contains control characters",
            )
