"""The livelihood desk: the real service on the real database, intake's answers laid out by hand.

The central bank is the sandbox's. Loops do not run by themselves: a test says when an event is
heard and when a reminder fires. The whole agency together is shown by the journeys.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.livelihood.app import service
from services.livelihood.events import HEARS, TIMERS
from shared.running.clock import move
from shared.running.settings import Settings
from shared.storage.inbox import Inbox
from shared.storage.outbox import event_id
from shared.storage.timers import Timers
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import Actor, Role, load_or_create_signer
from shared.web.errors import Unavailable
from tests import make

FINDINGS = {
    "disability": False,
    "no_head": True,
    "illness": False,
    "housing": "rented",
    "persons_seen": 2,
}


@dataclass
class Filed:
    """An application as intake would tell of it."""

    person: make.Person = field(default_factory=make.Person)
    reason: str = "no_head"
    province: str = "Tehran"
    submitted_on: date = date(2026, 11, 20)
    missing: list[str] = field(default_factory=list)
    kin: list[str] = field(default_factory=list)
    code: str = field(default_factory=lambda: new_tracking_code(uuid4().bytes))
    person_id: UUID = field(default_factory=uuid7)
    child_id: UUID = field(default_factory=uuid7)
    household_id: UUID = field(default_factory=uuid7)
    coverage_id: UUID = field(default_factory=uuid7)
    application_id: UUID = field(default_factory=uuid7)
    sheba: str | None = None
    told: dict[str, Any] = field(default_factory=dict)

    def answer(self, index: Any) -> dict[str, Any]:
        """The body of `GET /internal/applications/{tracking_code}`."""
        born = self.person.birth_on.isoformat()
        return {
            "tracking_code": self.code,
            "application_id": str(self.application_id),
            "service": "livelihood",
            "channel": "counter",
            "submitted_at": f"{self.submitted_on}T08:00:00Z",
            "submitted_on": self.submitted_on.isoformat(),
            "province": self.province,
            "county": f"{self.province}/center",
            "office_code": "T-1",
            "filed_by": "72010001",
            "household_id": str(self.household_id),
            "applicant": {"person_id": str(self.person_id)},
            "subject": {"person_id": str(self.person_id)},
            "person_ids": [str(self.person_id)],
            "holders": [index(self.person.national_code).hex()],
            "kin": [index(code).hex() for code in self.kin],
            "members": [
                {"person_id": str(self.person_id), "relation": "head", "birth_on": born},
                {"person_id": str(self.child_id), "relation": "child", "birth_on": "2012-11-07"},
            ],
            "missing_documents": self.missing,
            "applicant_code": self.person.national_code,
            "details": {
                "reason": self.reason,
                "sheba": self.sheba or self.person.sheba,
                "address": {
                    "province": self.province,
                    "county": f"{self.province}/center",
                    "postal_code": "1311675319",
                    "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
                },
                "members": [],
                "emergency_id": None,
            },
        } | self.told


class Intake:
    """What intake would answer, without intake."""

    def __init__(self, index: Any) -> None:
        self.known: dict[str, Filed] = {}
        self.people: dict[str, str] = {}  # national code by person_id
        self._index = index

    async def get(self, name: str, path: str, *, purpose: str) -> Any:
        assert (name, purpose) in {("intake", "admission"), ("intake", "payee")}
        if purpose == "payee":
            person_id = path.removeprefix("/internal/people/")
            if person_id not in self.people:
                raise Unavailable
            return {"holder": self._index(self.people[person_id]).hex(), "alive": True}
        code = path.removeprefix("/internal/applications/")
        if code not in self.known:
            raise Unavailable
        return json.loads(json.dumps(self.known[code].answer(self._index)))

    async def post(self, name: str, path: str, body: Any, *, purpose: str) -> Any:
        assert (name, path, purpose) == ("intake", "/internal/people/identities", "handover")
        codes = {str(one.person_id): one.person.national_code for one in self.known.values()}
        return {
            "items": [{"person_id": one, "national_code": codes[one]} for one in body["person_ids"]]
        }

    async def aclose(self) -> None:
        """Nothing is open."""


class Caller:
    """Somebody whom the gateway has signed onward."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http, self._token = http, {"authorization": f"Bearer {token}"}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self._http.get(f"/v1/livelihood{path}", params=params, headers=self._token)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        headers |= self._token | {"idempotency-key": key or str(uuid4())}
        return await self._http.post(f"/v1/livelihood{path}", json=body or {}, headers=headers)

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | self._token
        return await self._http.put(f"/v1/livelihood{path}", json=body, headers=headers)

    async def do(self, filed: Filed, action: str, body: Any = None, **more: Any) -> httpx.Response:
        """One action on a case."""
        return await self.post(f"/cases/{filed.code}/{action}", body, **more)


class Desk:
    """The service with its database, its outside and everybody who works with it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = service.create_app(settings, loops=False)
        self.runtime = self.app.state.runtime
        self.intake = self.runtime.inside = Intake(self.runtime.crypto.index)
        self._signer = load_or_create_signer(settings.keys_dir, "gateway")
        self._inbox = Inbox(self.runtime, HEARS)
        self._timers = Timers(self.runtime, TIMERS)
        self.http: httpx.AsyncClient
        self.sandbox: httpx.AsyncClient
        self.eye: asyncpg.Pool

    def caller(self, *roles: str, sub: str | None = None, **claims: Any) -> Caller:
        """Somebody with these roles; staff of Tehran unless told otherwise."""
        if not {"citizen", "counter"} & set(roles):
            claims = {"province": "Tehran", "office_code": "T-1"} | claims
        actor = Actor(
            sub=sub or f"{roles[0]}-{uuid4().hex[:8]}",
            roles=frozenset(map(Role, roles)),
            **claims,
        )
        return Caller(self.http, self._signer.sign(actor, audience="livelihood"))

    def citizen(self, filed: Filed) -> Caller:
        return self.caller("citizen", national_code=filed.person.national_code)

    # What others tell

    async def tell(
        self, topic: str, payload: dict[str, Any], *, subject: UUID, version: int = 1
    ) -> None:
        """Put an event into the inbox, as the courier would; it is heard by `hear`."""
        await self.eye.execute(
            "INSERT INTO livelihood.inbox (event_id, source, topic, subject_id, version, payload,"
            " at) VALUES ($1, 'intake', $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            event_id(subject, version, topic), topic, subject, version,
            json.dumps(payload), self.runtime.clock.now(),
        )  # fmt: skip

    async def hear(self) -> None:
        """Hear whatever has come in, its own events included."""
        await self.eye.execute(
            "INSERT INTO livelihood.inbox (event_id, source, topic, subject_id, version, payload,"
            " at) SELECT event_id, 'livelihood', topic, subject_id, version, payload, at"
            " FROM livelihood.outbox WHERE 'livelihood' = ANY (hearers) ON CONFLICT DO NOTHING"
        )
        while await self._inbox.run_once():
            pass

    async def fire(self) -> None:
        """Let every reminder fire that is due."""
        while await self._timers.run_once():
            pass

    async def route(self, filed: Filed, *, version: int = 3) -> None:
        """Intake has routed this application to livelihood."""
        self.intake.known[filed.code] = filed
        await self.tell(
            "application.routed",
            {"tracking_code": filed.code, "for_service": "livelihood"},
            subject=filed.application_id,
            version=version,
        )
        await self.hear()

    async def cover(
        self, filed: Filed, topic: str = "coverage.started", *, version: int = 1, **more: Any
    ) -> None:
        """Intake tells of a household's coverage."""
        payload = {
            "coverage_id": str(filed.coverage_id),
            "household_id": str(filed.household_id),
            "person_ids": [str(filed.person_id), str(filed.child_id)],
            "reason": filed.reason,
            "file_status": "current",
            "started_on": "2026-11-22",
            "ended_on": None,
            "version": version,
            "on": "2026-11-22",
        } | more
        await self.tell(topic, payload, subject=filed.coverage_id, version=version)
        await self.hear()

    async def opened(self, to: str = "routed", *, owns: bool = True, **more: Any) -> Filed:
        """A case that has come so far by the proper steps."""
        filed = Filed(**more)
        if owns and filed.person.sheba:
            await self.account(filed.person.sheba, filed.person.national_code)
        await self.route(filed)
        await self.walk(filed, to)
        return filed

    async def walk(self, filed: Filed, to: str, *, score: int = 72, findings: Any = None) -> None:
        """Take the proper steps on from routed, each by a person of its own."""
        worker = self.caller("social_worker", province=filed.province)
        approver = self.caller("approver", province=filed.province)
        visit = {"findings": findings or FINDINGS, "score": score}
        path = (
            ("routed", worker, "review", None),
            ("under_review", worker, "plan-visit", {"visit_on": self.day(3)}),
            ("visit_planned", worker, "record-visit", visit),
            ("visited", approver, "confirm", {}),
        )
        for status, who, action, body in path:
            if status == to:
                return
            answer = await who.do(filed, action, body)
            assert answer.status_code == 200, answer.text
        if to != "confirmed":
            await self.cover(filed)
            await self.fire()
        assert (await self.status(filed)) == to

    # What there is

    def day(self, days: int) -> str:
        return (self.runtime.clock.today() + timedelta(days=days)).isoformat()

    async def account(self, sheba: str, owner: str, state: str = "open") -> None:
        body = {"holder_national_code": owner, "state": state}
        (await self.sandbox.put(f"/accounts/{sheba}", json=body)).raise_for_status()

    async def fault(self, party: str, mode: str) -> None:
        body = {"mode": mode, "rate": 1.0}
        (await self.sandbox.put(f"/faults/{party}", json=body)).raise_for_status()

    async def row(self, filed: Filed) -> asyncpg.Record:
        return await self.eye.fetchrow(
            'SELECT * FROM livelihood."case" WHERE tracking_code = $1', filed.code
        )

    async def status(self, filed: Filed) -> str:
        return (await self.row(filed))["status"]

    async def steps(self, filed: Filed) -> list[str]:
        """The history of a case, step by step."""
        rows = await self.eye.fetch(
            'SELECT h.step FROM livelihood.history h JOIN livelihood."case" c ON c.id ='
            " h.subject_id WHERE c.tracking_code = $1 ORDER BY h.version",
            filed.code,
        )
        return [row["step"] for row in rows]

    async def told(self, filed: Filed, topic: str) -> list[dict[str, Any]]:
        """The events of one topic that were told of a case."""
        rows = await self.eye.fetch(
            "SELECT payload FROM livelihood.outbox"
            " WHERE topic = $1 AND payload->>'tracking_code' = $2",
            topic,
            filed.code,
        )
        return [json.loads(row["payload"]) for row in rows]

    def move_clock(self, to: date) -> None:
        """Business time goes to that day; the fixture moves it back."""
        ahead = (to - datetime.now(UTC).date()).days * 86_400
        move(self.settings.run_dir, ahead)
