"""Calls to the outside world, and to our own services wherever they run.

The one place that imports httpx. Bodies and addresses carry personal data: neither is ever logged.
"""

import asyncio
import json
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import aiohttp
import httpx
from starlette.types import ASGIApp, Message, Scope
from structlog.contextvars import get_contextvars

from shared.web.auth import SYSTEM, Actor, Signer
from shared.web.errors import Headers, Refusal, Unavailable

TRIES = 3
MAX_ANSWER = 16 * 1024 * 1024
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class PartyUnavailable(Unavailable):
    """An outside party did not answer, or not in a way that can be understood."""

    code = "party_unavailable"
    fa = "یکی از دستگاه‌های دیگر اکنون پاسخ نمی‌دهد؛ کمی بعد دوباره بکوشید"
    en = "An outside body does not answer at the moment; please try again later"

    def __init__(self, party: str) -> None:
        super().__init__(party=party)
        self.party = party


class PartyRefused(Refusal):
    """An outside party said no (4xx); `party_status` and `party_code` are its own words."""

    status, code = 422, "party_refused"
    fa, en = "دستگاه دیگر این درخواست را نپذیرفت", "An outside body did not accept this request"

    def __init__(self, party: str, status: int, code: str | None) -> None:
        super().__init__(party=party)
        self.party = party
        self.party_status = status
        self.party_code = code


class Declined(Refusal):
    """Another service of ours said no; `status` and `code` are its answer's."""

    status, code = 409, "declined"
    fa, en = "این درخواست پذیرفته نشد", "The request was not accepted"

    def __init__(self, status: int, code: str | None) -> None:
        super().__init__()
        self.status = status
        if code is not None:
            self.code = code  # type: ignore[misc]


class Breaker:
    """Stops asking a party that has failed `after` times in a row, for `rest_s` seconds.

    Then one call may try; the others wait for what becomes of it.
    """

    def __init__(self, *, after: int, rest_s: float, clock: Callable[[], float]) -> None:
        self._after = after
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def may_ask(self) -> bool:
        if self._failures < self._after:
            return True
        if self._clock() < self._open_until:
            return False
        self._open_until = self._clock() + self._rest_s
        return True

    def answered(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._open_until = self._clock() + self._rest_s


class Outside:
    """A party outside: JSON over HTTP, with one deadline, a bounded pool and a breaker.

    `timeout_s` is for the whole call, retries included. Only what changes nothing is repeated, and
    retries are at most a tenth of all calls, so that a sick party is not beaten.
    """

    def __init__(
        self,
        base_url: str,
        *,
        party: str,
        timeout_s: float = 5,
        connections: int = 20,
        breaker_after: int = 5,
        breaker_s: float = 15,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.party = party
        self._timeout_s = timeout_s
        self._breaker = Breaker(after=breaker_after, rest_s=breaker_s, clock=clock)
        self._budget = 5.0
        # The environment's proxies are not asked: where a party is, the settings say.
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(timeout_s, connect=min(2, timeout_s), pool=1),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
        )

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the answer's JSON. Raises PartyUnavailable and PartyRefused."""
        return await self._ask("GET", path, tries=TRIES, params=params, headers=headers)

    async def post(
        self,
        path: str,
        body: object,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        inquiry: bool = False,
    ) -> Any:
        """Send once; bytes go as they are, anything else as JSON. Raises as `get` does.

        After PartyUnavailable nobody knows whether it arrived: the caller's journal decides. Only
        an `inquiry`, which changes nothing there, is repeated as a GET is.
        """
        content = body if isinstance(body, bytes) else _packed(body)
        sent = {**(headers or {}), "content-type": content_type}
        tries = TRIES if inquiry else 1
        return await self._ask("POST", path, tries=tries, headers=sent, content=content)

    async def put(
        self, path: str, body: object, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send once, as `post` does."""
        sent = {**(headers or {}), "content-type": "application/json"}
        return await self._ask("PUT", path, headers=sent, content=_packed(body))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, *, tries: int = 1, **request: Any) -> Any:
        if not self._breaker.may_ask():
            raise PartyUnavailable(self.party)
        self._budget = min(self._budget + 0.1, 5.0)
        try:
            async with asyncio.timeout(self._timeout_s):
                for attempt in range(1, tries + 1):
                    answer = await self._attempt(method, path, request)
                    if answer is not None or attempt == tries or self._budget < 1:
                        break
                    self._budget -= 1
                    await asyncio.sleep(random.uniform(0.05, 0.2) * attempt)
        except TimeoutError:
            answer = None
        except httpx.PoolTimeout:  # we are the busy ones: nothing to hold against the party
            raise PartyUnavailable(self.party) from None
        if answer is None:
            self._breaker.failed()
            raise PartyUnavailable(self.party)
        self._breaker.answered()
        status, body = answer
        if status >= 400:
            raise PartyRefused(self.party, status, _code(body))
        return body

    async def _attempt(
        self, method: str, path: str, request: dict[str, Any]
    ) -> tuple[int, Any] | None:
        """Return status and JSON of one answer, None for one that does not count as such."""
        try:
            async with self._client.stream(method, path, **request) as response:
                status = response.status_code
                if status >= 500 or 300 <= status < 400 or status in {408, 425, 429}:
                    return None
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        return None
        except httpx.PoolTimeout:
            raise
        except httpx.HTTPError:
            return None
        return _read(status, bytes(content))


def _read(status: int, content: bytes) -> tuple[int, Any] | None:
    try:
        return status, json.loads(content) if content else None
    except (ValueError, RecursionError):
        return (status, None) if status >= 400 else None


class Inside:
    """Our own services by name, under a signed identity and a purpose (decision 10).

    `urls` are those that run elsewhere; `apps` those in this process, registered by whoever starts
    them. An in-process call costs no socket and no second parse.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        urls: Mapping[str, str] | None = None,
        apps: dict[str, ASGIApp] | None = None,
        timeout_s: float = 5,
    ) -> None:
        self.apps = {} if apps is None else apps
        self._signer = signer
        self._urls = dict(urls or {})
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self,
        service: str,
        path: str,
        *,
        purpose: str,
        actor: Actor = SYSTEM,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the answer's JSON. Raises Declined for a 4xx, Unavailable otherwise."""
        if params:
            path = f"{path}?{urlencode(params)}"
        headers = self._headers(service, actor, purpose)
        return await self._ask(service, "GET", path, headers=headers)

    async def post(
        self,
        service: str,
        path: str,
        body: object,
        *,
        purpose: str,
        actor: Actor = SYSTEM,
        key: str | None = None,
    ) -> Any:
        """Send JSON once, with `key` as its Idempotency-Key. Raises as `get` does."""
        headers = self._headers(service, actor, purpose)
        headers["content-type"] = "application/json"
        if key is not None:
            headers["idempotency-key"] = key
        return await self._ask(service, "POST", path, headers=headers, body=_packed(body))

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _headers(self, service: str, actor: Actor, purpose: str) -> dict[str, str]:
        token = self._signer.sign(actor, audience=service, purpose=purpose)
        headers = {"authorization": f"Bearer {token}"}
        here = get_contextvars()
        if "request_id" in here and "trace_id" in here:
            headers["x-request-id"] = here["request_id"]
            headers["traceparent"] = f"00-{here['trace_id']}-{secrets.token_hex(8)}-01"
        return headers

    async def _ask(
        self, service: str, method: str, path: str, *, headers: dict[str, str], body: bytes = b""
    ) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                status, content = await self._reach(service, method, path, headers, body)
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise Unavailable from None
        answer = _read(status, content)
        if answer is None or status >= 500 or status == 429:
            raise Unavailable
        if status in {401, 403}:
            raise RuntimeError(f"{service} does not trust us, or not for this purpose")
        if status >= 300:
            raise Declined(status, _code(answer[1]))
        return answer[1]

    async def _reach(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        if service in self._urls:
            return await self._over_http(service, method, path, headers, body)
        app = self.apps.get(service)
        if app is None:
            raise Unavailable
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        status, _, content = await call_asgi(app, method=method, path=path, headers=raw, body=body)
        return status, content

    async def _over_http(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        if self._session is None:
            # Kept for less time than a server keeps it, or a POST would meet a closed door.
            pool = aiohttp.TCPConnector(limit=100, limit_per_host=50, keepalive_timeout=3)
            self._session = aiohttp.ClientSession(connector=pool)
        url = self._urls[service].rstrip("/") + path
        request = self._session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        )
        async with request as response:
            return response.status, await response.read()


async def call_asgi(
    app: ASGIApp, *, method: str, path: str, headers: Headers, body: bytes = b""
) -> tuple[int, Headers, bytes]:
    """Ask an application of this process; `path` may carry a query. Raises what the app raises.

    The caller is our own code, so the other side's Ingress takes the request as vetted.
    """
    raw_path, _, query = path.encode().partition(b"?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(raw_path).decode(),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [*headers, (b"content-length", str(len(body)).encode())] if body else headers,
        "client": None,
        "server": None,
        "soha.vetted": True,
    }
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    status, answered, content = 500, [], []

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        return await asyncio.Future()  # this connection never breaks

    async def send(message: Message) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status, answered = message["status"], list(message.get("headers", ()))
        else:
            content.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, answered, b"".join(content)


def _packed(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _code(body: object) -> str | None:
    """Return the `code` of an answer, or of the `error` in it, if it is a plain word or number."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    word = str(code) if isinstance(code, int) else code
    return word if isinstance(word, str) and _CODE.fullmatch(word) else None
