"""An application as intake holds it, where nothing runs by itself.

A test says when an event is heard and when a reminder fires.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from services.intake import events
from services.intake.applications import events as own
from services.intake.applications.models import Application
from shared.cases import find
from shared.storage.outbox import Event, event_id
from shared.storage.timers import Timers
from shared.values.identifiers import uuid7
from tests import make
from tests.agency import Agency
from tests.journeys.registries import forget

PATH = "/v1/applications"
HEARS, TIMERS = {**own.HEARS, **events.HEARS}, own.TIMERS
DOCUMENTS = {"kinds": ["identity_card"], "reason": "تصویر کارت ملی ناخواناست"}
VISIT = {"reason_kind": "identity", "place_level": "county", "place": "تهران", "on": "2299-01-10"}


@asynccontextmanager
async def quiet(settings) -> AsyncIterator[Agency]:
    """The agency without its loops; what was told here is nobody else's."""
    async with Agency(settings, loops=False) as still:
        since = await still.eye.fetchval("SELECT now()")
        yield still
        await still.eye.execute(
            "UPDATE intake.outbox SET moved_at = now() WHERE written_at >= $1", since
        )
        await still.eye.execute(
            "DELETE FROM intake.timer WHERE subject_id IN"
            " (SELECT id FROM intake.application WHERE opened_at >= $1)",
            since,
        )


class Filed:
    """An application, and the desk that works on it."""

    def __init__(self, agency, person, *members, **more) -> None:
        self.agency, self.person, self.runtime = agency, person, agency.runtime("intake")
        self.body = make.livelihood(person, *members, **more)
        self.members = members

    async def file(self):
        await self.agency.known(self.person, *self.members)
        self.counter = await self.agency.caller("counter")
        self.officer = await self.agency.caller("intake_officer")
        answer = await self.counter.post(PATH, self.body)
        assert answer.status_code == 201, answer.text
        self.code = answer.json()["tracking_code"]
        self.id = (await self.row()).id
        return self

    async def step(self, action, body=None, *, by=None):
        answer = await (by or self.officer).post(f"{PATH}/{self.code}/{action}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def row(self) -> Application:
        async with self.runtime.transaction() as tx:
            found = await find(tx, Application, self.code)
        assert found is not None
        return found

    async def hear(self, topic):
        """The latest event of this topic is heard, as it was told."""
        told = await self.agency.eye.fetchrow(
            "SELECT * FROM intake.outbox WHERE topic = $1 AND subject_id = $2"
            " ORDER BY version DESC LIMIT 1",
            topic,
            self.id,
        )
        await self._heard(
            Event(
                id=told["event_id"], source="intake", topic=topic, subject_id=self.id,
                version=told["version"], payload=json.loads(told["payload"]), at=told["at"],
                trace=None,
            )
        )  # fmt: skip

    async def told(self, version, step, *, topic="livelihood.visited", **more):
        """The service told a step of its case."""
        payload = {
            "tracking_code": self.code, "step": step, "step_label": step, "status": step,
            "status_label": step, "role": "system", "facts": {}, "next_step": step,
            "waits_for": [], "clock": "run", "outcome": "open",
        } | more  # fmt: skip
        await self._heard(
            Event(
                id=event_id(uuid7(), version, topic), source="livelihood", topic=topic,
                subject_id=uuid4(), version=version, payload=payload,
                at=self.runtime.clock.now(), trace=None,
            )
        )  # fmt: skip

    async def _heard(self, event):
        async with self.runtime.transaction(lone=False) as tx:
            await HEARS[event.topic](tx, event)

    async def timers(self):
        rows = await self.agency.eye.fetch(
            "SELECT kind FROM intake.timer WHERE subject_id = $1 ORDER BY kind", self.id
        )
        return [row["kind"] for row in rows]

    async def fire(self, kind):
        """The time of a reminder has come."""
        moved = await self.agency.eye.execute(
            "UPDATE intake.timer SET due_at = $3 WHERE kind = $1 AND subject_id = $2",
            kind, self.id, self.runtime.clock.now() - timedelta(seconds=1),
        )  # fmt: skip
        assert moved == "UPDATE 1"
        await Timers(self.runtime, {kind: TIMERS[kind]}).run_once()


async def filed(agency, *members, **more):
    return await Filed(agency, make.Person(), *members, **more).file()


async def routed(agency):
    one = await filed(agency)
    await one.hear("application.submitted")
    assert (await one.row()).status == "routed"
    return one


async def silent(agency):
    """An application that came while the civil registry was away."""
    forget(agency)
    await agency.fault("civil-registry", "error")
    try:
        one = await filed(agency)
    finally:
        await agency.fault("civil-registry", "ok")
        forget(agency)
    assert ((await one.row()).identity, await one.timers()) == ("pending", ["finish_identity"])
    return one


async def person(one, topic):
    """Something happened to the applicant."""
    subject = (await one.row()).applicant_id
    event = Event(
        id=uuid4(), source="intake", topic=topic, subject_id=subject, version=2, payload={},
        at=one.runtime.clock.now(), trace=None,
    )  # fmt: skip
    await one._heard(event)
