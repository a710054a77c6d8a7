"""The whole agency in the test's process, and a client for each kind of caller."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from itertools import count
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx

from services.gateway.app import create_app as create_gateway
from shared.running.lifespan import Lifespan
from shared.running.people import demo_callers
from shared.running.runner import load
from shared.running.settings import SERVICES, Settings
from shared.storage.courier import Courier
from tests import make

_TOKENS: dict[tuple[str, str], str] = {}


class Caller:
    """Somebody at the gateway, with a token and a fresh key for each change."""

    def __init__(
        self, http: httpx.AsyncClient, token: str | None, claims: Mapping[str, Any]
    ) -> None:
        self.http, self.token, self.claims = http, token, claims

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, headers=self._headers(more), **more)

    async def post(
        self, path: str, json: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = self._headers(more) | {"Idempotency-Key": key or str(uuid4())}
        return await self.http.post(
            path, json={} if json is None else json, headers=headers, **more
        )

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self._headers(more)
        if method != "GET":
            headers.setdefault("Idempotency-Key", str(uuid4()))
        return await self.http.request(method, path, headers=headers, **more)

    def _headers(self, more: dict[str, Any]) -> dict[str, str]:
        headers = dict(more.pop("headers", None) or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return headers


class Agency:
    """Gateway, services and courier on one loop, before a real database and a real sandbox."""

    def __init__(self, settings: Settings, *, loops: bool = True) -> None:
        self.settings = settings
        self.loops = loops
        self.apps: dict[str, Any] = {}
        self._stack = AsyncExitStack()
        self._numbers = count()

    async def __aenter__(self) -> Self:
        services, _ = load()
        poke = asyncio.Event()
        for service in services:
            app = service.create_app(self.settings, loops=self.loops)
            app.state.runtime.poke = poke
            self.apps[service.name] = app
        for name, app in self.apps.items():
            app.state.runtime.inside.apps.update(self.apps)
            await self._stack.enter_async_context(Lifespan(name, app))
        if self.loops:
            wake = {name: self.runtime(name).wake for name in self.apps}
            courier = Courier(self.settings.dsn("courier"), SERVICES, poke=poke, wake=wake)
            carrying = asyncio.create_task(courier.run())
            self._stack.push_async_callback(_end, carrying)
        self.gateway = create_gateway(self.settings, self.apps)
        await self._stack.enter_async_context(Lifespan("gateway", self.gateway))
        transport = httpx.ASGITransport(app=self.gateway, raise_app_exceptions=True)
        self.http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=30)
        )
        self.sandbox = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self.settings.sandbox_url, timeout=30, trust_env=False)
        )
        self.eye = await asyncpg.create_pool(self.settings.database_url, min_size=1, max_size=4)
        self._stack.push_async_callback(self.eye.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def runtime(self, service: str) -> Any:
        return self.apps[service].state.runtime

    async def caller(self, role: str, **claims: Any) -> Caller:
        """Somebody from the demo's list of callers, with other claims where they are given."""
        claims = demo_callers()[role] | claims
        return Caller(self.http, await self.token(claims), claims)

    async def citizen(self, person: make.Person, **claims: Any) -> Caller:
        """The citizen that a person is."""
        return await self.caller(
            "citizen", sub=f"citizen-{person.national_code[-4:]}-{uuid4().hex[:6]}",
            national_code=person.national_code, **claims,
        )  # fmt: skip

    def nobody(self) -> Caller:
        """Somebody without a token."""
        return Caller(self.http, None, {})

    async def token(self, claims: Mapping[str, Any]) -> str:
        key = (self.settings.sandbox_url, repr(sorted(claims.items(), key=lambda item: item[0])))
        if key not in _TOKENS:
            body = {**claims, "expires_in": 3600}
            answer = await self.sandbox.post("/tokens", json=body)
            answer.raise_for_status()
            _TOKENS[key] = answer.json()["access_token"]
        return _TOKENS[key]

    # The outside world

    async def known(self, *people: make.Person) -> None:
        """The registries know these people, their mobiles and their accounts."""
        for person in people:
            await self._put(f"/people/{person.national_code}", person.registry())
            if person.sheba is not None:
                holder = {"holder_national_code": person.national_code, "state": "open"}
                await self._put(f"/accounts/{person.sheba}", holder)

    async def fault(self, party: str, mode: str, rate: float = 1.0) -> None:
        """A party of the outside world behaves so from now on."""
        await self._put(f"/faults/{party}", {"mode": mode, "rate": rate})

    async def _put(self, path: str, body: Any) -> None:
        answer = await self.sandbox.put(path, json=body)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)

    async def sms(self, mobile: str) -> list[dict[str, Any]]:
        """What the provider accepted for a number."""
        answer = await self.sandbox.get("/sms", params={"mobile": mobile})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    # Quiet

    async def settled(self, *, within_s: float = 20, but: Iterable[str] = ()) -> None:
        """Wait until no event is under way, no message waits and no reminder is due."""
        until = time.monotonic() + within_s
        asked = " UNION ALL ".join(
            f"SELECT '{name}', (SELECT count(*) FROM {name}.outbox WHERE moved_at IS NULL)"
            f" + (SELECT count(*) FROM {name}.inbox WHERE done_at IS NULL)"
            f" + (SELECT count(*) FROM {name}.timer WHERE due_at <= now())"
            for name in SERVICES
            if name not in but  # names from our own list
        )
        quiet = 0
        while quiet < 2:
            rows = await self.eye.fetch(asked)
            left = {row[0]: row[1] for row in rows if row[1]}
            quiet = 0 if left else quiet + 1
            if left and time.monotonic() > until:
                raise AssertionError(f"still under way after {within_s} s: {left}")
            await asyncio.sleep(0.02)

    async def until(self, ask: Any, *, within_s: float = 20) -> Any:
        """Ask again until the answer is true; returns it."""
        end = time.monotonic() + within_s
        while not (found := await ask()):
            assert time.monotonic() < end, "it did not come to pass"
            await asyncio.sleep(0.05)
        return found


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
