"""Notify alone, on the real database and the real sandbox; intake is known by its one answer.

Nothing runs by itself: a test says when what came in is heard and when what is due is sent.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import Body, FastAPI

from services.notify.app import service
from services.notify.channels import sms
from services.notify.events import HEARS, TIMERS
from shared.running.clock import move
from shared.running.lifespan import Lifespan
from shared.running.settings import Settings
from shared.storage.inbox import Inbox
from shared.storage.outbox import outbox_values
from shared.storage.timers import Timers
from shared.topics import TOPICS
from shared.values.identifiers import new_tracking_code
from shared.web.auth import Actor, Role, load_or_create_signer
from tests import make

FACTS = {"due_on": "2026-12-01", "visit_on": "2026-11-30", "office": "حوزهٔ ۳", "place": "باجهٔ ۲"}


@dataclass
class Person:
    """Somebody as intake would answer for them."""

    mobile: str | None = field(default_factory=make.mobile)
    alive: bool = True
    id: UUID = field(default_factory=uuid4)
    national_code: str = field(default_factory=make.national_code)


class Post:
    """Notify, the phones of its people, and an owner's eye on the tables."""

    def __init__(self, settings: Settings, app: FastAPI) -> None:
        self.settings, self.app = settings, app
        self.runtime = app.state.runtime
        self.people: dict[UUID, Person] = {}
        self.eye: asyncpg.Pool
        self.http: httpx.AsyncClient
        self.sandbox: httpx.AsyncClient
        self._signer = load_or_create_signer(settings.keys_dir, "gateway")
        self.inbox = Inbox(self.runtime, HEARS)
        self.timers = Timers(self.runtime, TIMERS)

    def person(self, **more: Any) -> Person:
        made = Person(**more)
        self.people[made.id] = made
        return made

    def intake(self) -> FastAPI:
        """What intake answers under `/internal/people/contacts`."""
        app = FastAPI()

        @app.post("/internal/people/contacts")
        async def contacts(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            known = [self.people[UUID(one)] for one in body["person_ids"]]
            return {
                "items": [
                    {
                        "person_id": str(one.id),
                        "holder": self.runtime.crypto.index(one.national_code).hex(),
                        "mobile": one.mobile,
                        "alive": one.alive,
                    }
                    for one in known
                ]
            }

        @app.post("/internal/people/reachable")
        async def reachable(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            known = [self.people[UUID(one)] for one in body["person_ids"]]
            index = self.runtime.crypto.index
            return {
                "items": [
                    [str(one.id), index(one.national_code).hex(), one.mobile is not None]
                    for one in known
                    if one.alive
                ]
            }

        return app

    # What comes in, and what goes out

    async def deliver(
        self, topic: str, *people: Person, facts: dict[str, str] | None = None, **payload: Any
    ) -> UUID:
        """Put an event into notify's inbox as the courier would; returns its id."""
        told = {"person_ids": [str(person.id) for person in people]}
        if "tracking_code" in TOPICS[topic].facts:
            told["tracking_code"] = new_tracking_code(uuid4().bytes)
        row = outbox_values(
            topic,
            subject_id=uuid4(),
            version=1,
            payload=told | {"facts": FACTS if facts is None else facts} | payload,
            at=self.runtime.clock.now(),
            trace=None,
        )
        await self.eye.execute(
            "INSERT INTO notify.inbox (event_id, source, topic, subject_id, version, payload, at)"
            " VALUES ($1, 'intake', $2, $3, 1, $4, $5)",
            row["event_id"], topic, row["subject_id"], json.dumps(row["payload"]), row["at"],
        )  # fmt: skip
        return row["event_id"]

    async def hear(self) -> None:
        """Handle what came in."""
        await self.inbox.run_once()

    async def send(self) -> None:
        """Send what is due."""
        await self.timers.run_once()

    async def tell(self, topic: str, *people: Person, **more: Any) -> UUID:
        """All the way: told, heard, sent."""
        event_id = await self.deliver(topic, *people, **more)
        await self.hear()
        await self.send()
        return event_id

    async def leases_run_out(self) -> None:
        """Half a minute passes on the database's clock, as far as a killed runner can tell."""
        await self.eye.execute("UPDATE notify.timer SET leased_until = now()")

    def at(self, moment: datetime) -> None:
        """Business time is this from now on."""
        move(self.settings.run_dir, (moment - datetime.now(moment.tzinfo)).total_seconds())

    def later(self, by: timedelta) -> None:
        move(self.settings.run_dir, by.total_seconds())

    # What can be seen

    async def notice(self, person: Person) -> asyncpg.Record:
        rows = await self.eye.fetch("SELECT * FROM notify.notice WHERE person_id = $1", person.id)
        assert len(rows) == 1
        return rows[0]

    async def history(self, notice: asyncpg.Record) -> list[str]:
        rows = await self.eye.fetch(
            "SELECT step FROM notify.history WHERE subject_id = $1 ORDER BY version", notice["id"]
        )
        return [row["step"] for row in rows]

    async def timer(self, notice: asyncpg.Record) -> asyncpg.Record | None:
        return await self.eye.fetchrow(
            "SELECT * FROM notify.timer WHERE subject_id = $1", notice["id"]
        )

    async def phone(self, person: Person) -> list[str]:
        """The texts on somebody's phone: what the provider accepted, by its own journal."""
        answer = await self.sandbox.get("/sms", params={"mobile": person.mobile})
        return [item["text"] for item in answer.json()["items"]]

    async def fault(self, mode: str) -> None:
        await self.sandbox.put("/faults/sms-primary", json={"mode": mode, "rate": 1.0})

    async def items(self, person: Person) -> list[dict[str, Any]]:
        """What the person reads in the portal."""
        answer = await self.ask("GET", "/v1/inbox", person)
        assert answer.status_code == 200
        return answer.json()["items"]

    # Requests, as the gateway hands them on

    async def ask(self, method: str, path: str, who: Person | Role, **more: Any) -> httpx.Response:
        if isinstance(who, Person):
            actor = Actor(str(who.id), frozenset({Role.CITIZEN}), national_code=who.national_code)
        else:
            actor = Actor(f"demo-{who}", frozenset({who}))
        token = self._signer.sign(actor, audience="notify")
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)


@pytest.fixture(scope="module")
async def running(settings: Settings) -> AsyncIterator[Post]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sms, "TIMEOUT_S", 1.0)
        app = service.create_app(settings, loops=False)
    async with AsyncExitStack() as stack:
        post = Post(settings, app)
        post.runtime.inside.apps["intake"] = post.intake()
        await stack.enter_async_context(Lifespan("notify", app))
        post.eye = await asyncpg.create_pool(settings.database_url, min_size=1, max_size=4)
        stack.push_async_callback(post.eye.close)
        post.http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notify")
        )
        post.sandbox = await stack.enter_async_context(
            httpx.AsyncClient(base_url=settings.sandbox_url, timeout=30, trust_env=False)
        )
        yield post


@pytest.fixture
async def post(running: Post) -> AsyncIterator[Post]:
    """A quiet notify in real time, with providers that are well."""
    yield running
    (running.settings.run_dir / "clock.json").unlink(missing_ok=True)
    await running.fault("ok")
    await running.eye.execute("DELETE FROM notify.timer; DELETE FROM notify.inbox")
