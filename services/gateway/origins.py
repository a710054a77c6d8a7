"""CORS: browsers may call from the portals' origins only, and without cookies."""

from collections.abc import Iterable

from starlette.types import Message, Scope, Send

from services.gateway.errors import OriginNotAllowed

_METHODS = b"GET, POST, PUT, PATCH, DELETE"
_ASKED = (
    b"Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match,"
    b" X-Request-ID, traceparent"
)
_SHOWN = (
    b"ETag, Location, Retry-After, Idempotency-Replayed, X-Request-ID, traceparent,"
    b" Content-Disposition, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
_VARY = (b"vary", b"Origin")


class Origins:
    """The origins on the list, and what their answers carry."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/").encode() for origin in allowed)

    def opened(self, scope: Scope, send: Send) -> Send:
        """Return a send that lets the asking page read the answer, if its origin is on the list."""
        if not self._allowed:
            return send
        origin = _header(scope, b"origin")
        more = [_VARY]
        if origin in self._allowed:
            more += [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", _SHOWN),
            ]

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        return opened

    async def preflight(self, scope: Scope, send: Send) -> bool:
        """Answer a browser's question before its request; False when this is none.

        Raises OriginNotAllowed for an origin that is not on the list.
        """
        if scope["method"] != "OPTIONS" or not _header(scope, b"access-control-request-method"):
            return False
        if _header(scope, b"origin") not in self._allowed:
            raise OriginNotAllowed
        headers = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _ASKED),
            (b"access-control-max-age", b"600"),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")
