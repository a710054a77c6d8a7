"""Whether this process lives, and whether every service behind it is ready."""

import asyncio
import json
from collections.abc import Mapping

from starlette.types import ASGIApp

from services.gateway.pages.html import Answer
from shared.web.clients import call_asgi
from shared.web.errors import Unavailable

ANSWERS_WITHIN_S = 2
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


def alive() -> Answer:
    """Answer without asking anybody."""
    return 200, _HEADERS, b'{"status":"alive"}'


async def ready(services: Mapping[str, ASGIApp]) -> Answer:
    """Answer 200 when all are ready. Raises Unavailable with the names of those that are not."""
    names = sorted(services)
    answers = await asyncio.gather(*(_is_ready(services[name]) for name in names))
    missing = [name for name, is_ready in zip(names, answers, strict=True) if not is_ready]
    if missing or not names:
        raise Unavailable(not_ready=missing)
    return 200, _HEADERS, json.dumps({"status": "ready", "services": names}).encode()


async def _is_ready(service: ASGIApp) -> bool:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            status, _, _ = await call_asgi(service, method="GET", path="/readyz", headers=[])
    except Exception:  # noqa: BLE001 - whatever it is, it is not ready
        return False
    return status == 200
