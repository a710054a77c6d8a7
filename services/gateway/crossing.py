"""The way from the door to a service and back: what travels on, and how long it may take."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.errors import UpstreamTimeout

# Between the client's 10 s and a service's 5 s (decision 11).
DEADLINE_S = 8

_OURS = frozenset(
    {
        *(b"authorization", b"cookie", b"forwarded", b"x-real-ip", b"x-original-url"),
        *(b"x-rewrite-url", b"x-http-method-override"),
    }
)
_OURS_BEGIN = (b"x-soha-", b"x-internal-", b"x-forwarded-")

Headers = list[tuple[bytes, bytes]]


def onward(headers: Headers, token: str | None) -> Headers:
    """Return what a service gets: nothing that only we may say, and `token` for the caller's."""
    kept = [h for h in headers if h[0] not in _OURS and not h[0].startswith(_OURS_BEGIN)]
    if token is not None:
        kept.append((b"authorization", b"Bearer " + token.encode()))
    return kept


async def cross(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, deadline_s: float
) -> None:
    """Let a service answer. Raises UpstreamTimeout when nothing has begun within the deadline.

    It counts from the last piece of the body that came: a slow sender is not the service's fault.
    Once the answer has begun there is no total time.
    """
    loop = asyncio.get_running_loop()
    coming = True

    async def timed_receive() -> Message:
        nonlocal coming
        if not coming:
            return await receive()
        limit.reschedule(None)
        message = await receive()
        coming = message.get("more_body", False)
        limit.reschedule(loop.time() + deadline_s)
        return message

    async def timed_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            nonlocal coming
            coming = False
            limit.reschedule(None)
        await send(message)

    try:
        async with asyncio.timeout(deadline_s) as limit:
            await app(scope, timed_receive, timed_send)
    except TimeoutError:
        if limit.expired():
            raise UpstreamTimeout from None
        raise
