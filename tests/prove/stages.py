"""For every operation a request that is accepted as it stands: a case where it may happen."""

import asyncio
import itertools
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from shared.topics import TOPICS
from tests import make
from tests.agency import Agency, Caller
from tests.journeys.test_widow import CONFIRM, VISIT
from tests.prove.document import Operation
from tests.prove.sending import Ready, Reply

REASON = "متقاضی منصرف شده است"
PLAN = {"visit_on": "2299-02-10", "time_window": "morning"}
REFUSE = {"reasons": ["درآمد خانوار بیش از حد دستورالعمل است"]}
ADDRESS = {
    "province": "تهران",
    "county": "تهران",
    "postal_code": "1311675319",
    "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
}
# No case of these services can be opened yet: all that can be asked for is not there.
UNREACHABLE = {
    f"GET /v1/{service}/cases/{{tracking_code}}": "its applications are not open yet"
    for service in ("loans", "exemption", "eligibility", "shares")
}
TOLD = sorted(topic.name for topic in TOPICS.values() if topic.citizen)


def png() -> bytes:
    """A white picture of one pixel, another one each time."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    note = chunk(b"tEXt", b"Comment\0" + make.national_code().encode())
    image = chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    return b"\x89PNG\r\n\x1a\n" + head + note + image + chunk(b"IEND", b"")


class Stages:
    """Makes requests ready; what somebody read only is prepared once."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.today = agency.runtime("intake").clock.today()
        self._numbers = itertools.count(1)
        self._held: dict[str, Ready] = {}
        self._papers: str | None = None

    async def __call__(self, operation: Operation) -> Ready:
        """A good request for this operation, under a key of its own."""
        if operation.method == "GET" and operation.key in self._held:
            return self._held[operation.key]
        recipe = RECIPES.get(operation.key)
        ready = await (recipe(self) if recipe else self.plain(operation))
        self._held[operation.key] = ready
        if operation.method != "GET":
            key = f"prove-{make.national_code()}-{next(self._numbers)}"
            ready.headers = [*ready.headers, (b"idempotency-key", key.encode())]
        return ready

    async def plain(self, operation: Operation) -> Ready:
        """Where nothing has to be there: a reader's role, and names that everybody knows."""
        roles = operation.roles
        known = {"service": "shares", "topic": "application.submitted"}
        path = {one.path[0]: known.get(one.path[0], "") for one in operation.parameters("path")}
        body = operation.example()
        if body is None and operation.shapes():
            body = operation.shapes()[0][0]
        if roles is None:
            return Ready([], path, body=body)
        role = next(one for one in ("operator", "social_worker", *roles) if one in roles)
        return self.by(await self.agency.caller(role), path, body)

    def by(self, caller: Caller, path: dict[str, str] | None = None, body: Any = None, **more: Any
           ) -> Ready:  # fmt: skip
        """A request by somebody."""
        headers = [(b"authorization", f"Bearer {caller.token}".encode())]
        return Ready(headers, path or {}, body=body, **more)

    async def as_role(
        self, role: str, path: dict[str, str], body: Any = None, **more: Any
    ) -> Ready:
        return self.by(await self.agency.caller(role), path, body, **more)

    # People and applications

    async def person(self, **more: Any) -> make.Person:
        person = make.Person(**more)
        await self.agency.known(person)
        return person

    async def filed(self, **more: Any) -> tuple[make.Person, str]:
        """Somebody and their application, filed at a counter."""
        person = await self.person()
        body = make.livelihood(person, **more)
        return person, (await self.ok("counter", "/v1/applications", body))["tracking_code"]

    async def ok(self, role: str, path: str, body: Any = None) -> Any:
        """Somebody does something, and it succeeds."""
        answer = await (await self.agency.caller(role)).post(path, body)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json()

    async def read(self, role: str, path: str) -> Any:
        answer = await (await self.agency.caller(role)).get(path)
        return answer.json() if answer.status_code == 200 else None

    async def until(self, role: str, path: str, holds: Callable[[Any], bool]) -> Any:
        """What is read once something holds of it."""
        for _ in range(600):
            found = await self.read(role, path)
            if found is not None and holds(found):
                return found
            await asyncio.sleep(0.03)
        raise AssertionError(f"it did not come to pass: {path}")

    async def application(self) -> Ready:
        person = await self.person()

        async def kept(reply: Reply) -> Any:
            return await self.content(json.loads(reply.body)["tracking_code"])

        caller = await self.agency.caller("counter")
        return self.by(caller, body=make.livelihood(person), kept=kept)

    async def content(self, code: str) -> Any:
        """What intake keeps of an application, opened."""
        row = await self.agency.eye.fetchrow(
            "SELECT id, content FROM intake.application WHERE tracking_code = $1", code
        )
        crypto = self.agency.runtime("intake").crypto
        return crypto.open_json(
            row["content"], table="intake.application", column="content", row=row["id"]
        )

    async def seen(self) -> Ready:
        _, code = await self.filed()
        return await self.as_role("counter", {"tracking_code": code})

    async def draft(self, body: Any = None) -> Ready:
        person, code = await self.filed(draft=True)
        ready = await self.as_role("counter", {"tracking_code": code})
        if body is not None:
            details = make.livelihood(person)["details"]

            async def kept(_: Reply) -> Any:
                return {"details": (await self.content(code))["details"]}

            ready.body, ready.kept = {"details": details}, kept
            ready.headers.append((b"if-match", b"*"))
        return ready

    async def in_service(self) -> tuple[make.Person, str]:
        person, code = await self.filed()
        await self.until("social_worker", f"/v1/livelihood/cases/{code}", bool)
        path = f"/v1/applications/{code}"
        await self.until("intake_officer", path, lambda found: found["status"] == "in_service")
        return person, code

    async def officer(self, body: Any, first: str | None = None) -> Ready:
        """An intake officer before an application in service, or after a first step."""
        _, code = await self.in_service()
        if first == "request-documents":
            wanted = {"kinds": ["birth_certificate"], "reason": REASON}
            await self.ok("intake_officer", f"/v1/applications/{code}/{first}", wanted)
        if first == "request-visit":
            await self.ok("intake_officer", f"/v1/applications/{code}/{first}", VISIT_WANTED)
        return await self.as_role("intake_officer", {"tracking_code": code}, body)

    async def withdrawal(self) -> Ready:
        _, code = await self.filed()
        return await self.as_role("counter", {"tracking_code": code}, {"reason": REASON})

    async def followed(self) -> Ready:
        person, code = await self.filed()
        return Ready([], body={"tracking_code": code, "mobile": person.mobile})

    async def paper(self) -> Ready:
        if self._papers is None:
            self._papers = (await self.filed())[1]
        code = self._papers
        parts = {"kind": "birth_certificate", "file": (b"canary.png", "image/png", png())}
        return await self.as_role("counter", {"tracking_code": code}, parts)

    async def papers(self, *, one: bool = False) -> Ready:
        ready = await self.paper()
        caller = await self.agency.caller("counter")
        code = ready.path["tracking_code"]
        files = {"file": ("a.png", png(), "image/png")}
        answer = await caller.http.post(
            f"/v1/applications/{code}/documents",
            data={"kind": "birth_certificate"},
            files=files,
            headers={"Authorization": f"Bearer {caller.token}", "Idempotency-Key": make.sheba()},
        )
        assert answer.status_code == 201, answer.text
        more = {"document_id": answer.json()["id"]} if one else {}
        staff = await self.agency.caller("counter")
        return self.by(staff, {"tracking_code": code, **more})

    # Livelihood

    async def case(self, *steps: tuple[str, str, Any]) -> str:
        """A case after these steps: role, action, body."""
        _, code = await self.in_service()
        for role, action, body in steps:
            await self.ok(role, f"/v1/livelihood/cases/{code}/{action}", body)
        return code

    async def before(self, role: str, body: Any, *steps: tuple[str, str, Any]) -> Ready:
        """Somebody before a case that has come so far; its history keeps a reason."""
        code = await self.case(*steps)

        async def kept(reply: Reply) -> Any:
            found = json.loads(reply.body)
            return {"reasons": found["reasons"], "reason": found["history"][-1]["reason"]}

        return await self.as_role(role, {"tracking_code": code}, body, kept=kept)

    async def unpaid(self, role: str, *, mended: bool) -> Ready:
        """Confirmed, but the account was closed; it may be open again."""
        person, code = await self.in_service()
        await self.agency._put(f"/accounts/{person.sheba}", _account(person, "closed"))
        for one, action, body in CONFIRMED:
            await self.ok(one, f"/v1/livelihood/cases/{code}/{action}", body)
        path = f"/v1/livelihood/cases/{code}"
        await self.until("approver", path, lambda found: found["account_state"] == "closed")
        if mended:
            await self.agency._put(f"/accounts/{person.sheba}", _account(person, "open"))
            return await self.as_role(role, {"tracking_code": code}, {})
        fresh = make.sheba()
        await self.agency._put(f"/accounts/{fresh}", _account(person, "open"))
        return await self.as_role(role, {"tracking_code": code}, {"sheba": fresh})

    async def award(self) -> Ready:
        code = await self.case(*CONFIRMED)
        path = f"/v1/livelihood/cases/{code}"
        found = await self.until("approver", path, lambda case: case["award_id"] is not None)
        return await self.as_role("approver", {"award_id": found["award_id"]})

    # Households, coverage, people

    async def household(self, *, members: int = 1) -> dict[str, Any]:
        """A household at an office of Tehran."""
        head, *others = [await self.person() for _ in range(members + 1)]
        body = {
            "head": head.national_code,
            "members": [{"national_code": o.national_code, "relation": "other"} for o in others],
            "address": ADDRESS,
        }
        found: dict[str, Any] = await self.ok("social_worker", "/v1/households", body)
        return found

    async def forming(self) -> Ready:
        head, member = await self.person(), await self.person()
        body = {
            "head": head.national_code,
            "members": [{"national_code": member.national_code, "relation": "other",
                         "joined_on": self.today.isoformat()}],
            "address": ADDRESS,
        }  # fmt: skip
        return await self.as_role("social_worker", {}, body)

    async def at_household(self, role: str, body: Callable[[dict[str, Any]], Any] | Any) -> Ready:
        """Before a household of two."""
        found = await self.household()
        given = body(found) if callable(body) else body
        ready = await self.as_role(role, {"household_id": found["household_id"]}, given)
        ready.headers.append((b"if-match", b"*"))
        return ready

    async def joining(self) -> Ready:
        person = await self.person()
        return await self.at_household(
            "social_worker",
            {"national_code": person.national_code, "relation": "other",
             "joined_on": self.today.isoformat()},
        )  # fmt: skip

    async def leaving(self) -> Ready:
        ready = await self.at_household("social_worker", {"reason": REASON, "on": f"{self.today}"})
        path = f"/v1/households/{ready.path['household_id']}"
        found = await self.read("social_worker", path)
        others = [one["person_id"] for one in found["members"]]
        others.remove(found["head_id"])
        ready.path["person_id"] = others[0]
        return ready

    async def covering(self) -> Ready:
        found = await self.household()
        body = {
            "household_id": found["household_id"],
            "person_ids": [found["head_id"]],
            "reason": "illness",
            "started_on": self.today.isoformat(),
            "file_status": "current",
        }
        return await self.as_role("social_worker", {}, body)

    async def covered(self, *, body: Any = None, file_status: str = "current") -> Ready:
        started = (await self.covering()).body | {"file_status": file_status}
        coverage = await self.ok("social_worker", "/v1/coverage", started)
        return await self.as_role("social_worker", {"coverage_id": coverage["coverage_id"]}, body)

    async def known_person(self) -> Ready:
        found = await self.household()
        return await self.as_role("social_worker", {"person_id": found["head_id"]})

    async def lookup(self) -> Ready:
        person, _ = await self.filed()
        return await self.as_role("social_worker", {}, {"national_code": person.national_code})

    async def life_event(self) -> Ready:
        person, _ = await self.filed()
        body = {
            "kind": "moved",
            "national_code": person.national_code,
            "occurred_on": self.today.isoformat(),
            "evidence": "گواهی ۱۴۰۵/۲۳",
        }
        return await self.as_role("social_worker", {}, body)

    async def contradiction(self) -> Ready:
        """Somebody whom two households claim."""
        first = await self.household()
        head, claimed = await self.person(), await self.person()
        member = {"national_code": claimed.national_code, "relation": "other"}
        await self.ok("social_worker", f"/v1/households/{first['household_id']}/members", member)
        body = {"head": head.national_code, "members": [member], "address": ADDRESS}
        caller = await self.agency.caller("social_worker")
        refused = await caller.post("/v1/households", body)
        assert refused.status_code == 409, refused.text
        person_id = refused.json()["person_id"]
        found = await self.read("intake_officer", f"/v1/people/{person_id}")
        path = {
            "person_id": person_id,
            "contradiction_id": found["contradictions"][0]["contradiction_id"],
        }
        return await self.as_role("intake_officer", path)

    def now(self) -> dict[str, str]:
        return {"reason": REASON, "on": self.today.isoformat()}

    # The catalogue and the texts

    async def rewritten(self, path: str) -> Ready:
        """A published document as somebody read it, to be written anew."""
        body = shortened(await self.read("operator", path))
        if "valid_from" in body:
            versions = await self.read("operator", "/v1/statements/shares")
            items = versions["items"] if isinstance(versions, dict) else versions
            body["valid_from"] = max(one["valid_from"] for one in items)

        ready = await self.as_role("operator", {"service": "shares"}, body, kept=shown)
        ready.headers.append((b"if-match", b"*"))
        return ready

    async def contract(self) -> Ready:
        body = {
            "number": f"P-{next(self._numbers)}",
            "office_code": "72019999",
            "services": ["shares"],
            "from_on": self.today.isoformat(),
            "to_on": "2299-01-01",
        }
        return await self.as_role("operator", {}, body, kept=shown)

    async def template(self, *, preview: bool = False) -> Ready:
        number = next(self._numbers)
        topic = TOLD[number % len(TOLD)]
        body = {
            "title": "خبری برای شما",
            "sms": "سها: خبری دربارهٔ درخواست {tracking_code} دارید.",
            "inbox": "خبری دربارهٔ درخواست {tracking_code} دارید.",
        }
        if not preview:
            body["valid_from_on"] = str(date(2030, 1, 1) + timedelta(days=number))
        ready = await self.as_role("operator", {"topic": topic}, body)
        ready.headers.append((b"if-match", b"*"))
        return ready

    async def message(self) -> Ready:
        person, _ = await self.filed()
        citizen = await self.agency.citizen(person)
        for _ in range(600):
            items = (await citizen.get("/v1/inbox")).json()["items"]
            if items:
                return self.by(citizen, {"item_id": items[0]["id"]})
            await asyncio.sleep(0.03)
        raise AssertionError("no message came")

    async def claimed(self, *, by: str | None = "social_worker") -> Ready:
        """A case on the worklist, in somebody's hand."""
        _, code = await self.in_service()
        if by is not None:
            await self.ok(by, f"/v1/worklist/{code}/claim")
        body = {"to": "demo-social-worker-2", "reason": REASON}
        return await self.as_role("social_worker", {"tracking_code": code}, body)

    async def notices(self) -> Ready:
        _, code = await self.filed()
        ready = await self.as_role("operator", {})
        ready.query = {"tracking_code": code}
        return ready


async def shown(reply: Reply) -> Any:
    """The answer shows what was stored."""
    return json.loads(reply.body)


def shortened(value: Any) -> Any:
    """A long document with one entry in each of its lists, and two of its readings."""
    if isinstance(value, list):
        return [shortened(item) for item in value[:1]]
    if isinstance(value, dict):
        short = {name: shortened(item) for name, item in value.items()}
        if "readings" in short:
            short["readings"] = dict(list(short["readings"].items())[:2])
        return short
    return value


def _account(person: make.Person, state: str) -> dict[str, Any]:
    return {"holder_national_code": person.national_code, "state": state}


VISIT_WANTED = {
    "reason_kind": "document",
    "reason": "احراز اصالت مدرک",
    "place_level": "county",
    "place": "حوزهٔ ۱ شهر تهران",
    "on": "2299-01-01",
}
VISITED: list[tuple[str, str, Any]] = [
    ("social_worker", "review", {}),
    ("social_worker", "plan-visit", PLAN),
    ("social_worker", "record-visit", VISIT),
]
CONFIRMED = [*VISITED, ("approver", "confirm", CONFIRM)]
REFUSED_CASE = [*VISITED, ("approver", "refuse", REFUSE)]
OBJECTED = [*REFUSED_CASE, ("intake_officer", "object", {"text": REASON})]
_APP = "/v1/applications/{tracking_code}"
_CASE = "/v1/livelihood/cases/{tracking_code}"
_HOME = "/v1/households/{household_id}"
_COVER = "/v1/coverage/{coverage_id}"
Recipe = Callable[[Stages], Awaitable[Ready]]
RECIPES: dict[str, Recipe] = {
    "POST /v1/applications": Stages.application,
    f"GET {_APP}": Stages.seen,
    f"PATCH {_APP}": lambda s: s.draft({}),
    f"POST {_APP}/submit": Stages.draft,
    f"POST {_APP}/resubmit": lambda s: s.officer(None, "request-documents"),
    f"POST {_APP}/withdraw": Stages.withdrawal,
    f"POST {_APP}/request-documents": lambda s: s.officer(
        {"kinds": ["birth_certificate"], "reason": REASON}
    ),
    f"POST {_APP}/request-visit": lambda s: s.officer(VISIT_WANTED),
    f"POST {_APP}/record-visit": lambda s: s.officer(
        {"attended": True, "reason": REASON}, "request-visit"
    ),
    f"POST {_APP}/documents": Stages.paper,
    f"GET {_APP}/documents": Stages.papers,
    f"GET {_APP}/documents/{{document_id}}": lambda s: s.papers(one=True),
    "POST /v1/follow": Stages.followed,
    f"GET {_CASE}": lambda s: s.before("social_worker", None),
    f"POST {_CASE}/review": lambda s: s.before("social_worker", {}),
    f"POST {_CASE}/plan-visit": lambda s: s.before("social_worker", PLAN, VISITED[0]),
    f"POST {_CASE}/record-visit": lambda s: s.before(
        "social_worker",
        {
            **VISIT,
            "happened_at": "2026-10-22T08:30:00Z",
            "latitude": 35.6612,
            "longitude": 51.4415,
            "note": REASON,
        },
        *VISITED[:2],
    ),
    f"POST {_CASE}/record-no-show": lambda s: s.before(
        "social_worker", {"reason": REASON}, *VISITED[:2]
    ),
    f"POST {_CASE}/confirm": lambda s: s.before("approver", {**CONFIRM, "note": REASON}, *VISITED),
    f"POST {_CASE}/refuse": lambda s: s.before("approver", {**REFUSE, "note": REASON}, *VISITED),
    f"POST {_CASE}/object": lambda s: s.before("counter", {"text": REASON}, *REFUSED_CASE),
    f"POST {_CASE}/decide-objection": lambda s: s.before(
        "approver_2", {"outcome": "rejected", "reasons": [REASON]}, *OBJECTED
    ),
    f"POST {_CASE}/correct-account": lambda s: s.unpaid("counter", mended=False),
    f"POST {_CASE}/activate": lambda s: s.unpaid("approver_2", mended=True),
    f"POST {_CASE}/declare-conflict": lambda s: s.before("intake_officer", {"reason": REASON}),
    "GET /v1/livelihood/awards/{award_id}": Stages.award,
    "POST /v1/households": Stages.forming,
    f"GET {_HOME}": lambda s: s.at_household("social_worker", None),
    f"PUT {_HOME}": lambda s: s.at_household(
        "social_worker",
        lambda home: {"head_id": home["head_id"], "members": [], "address": ADDRESS},
    ),
    f"POST {_HOME}/members": Stages.joining,
    f"POST {_HOME}/members/{{person_id}}/end": Stages.leaving,
    f"POST {_HOME}/transfer": lambda s: s.at_household(
        "intake_officer", {"office_code": "T-2", "reason": REASON, "address": None}
    ),
    "POST /v1/coverage": Stages.covering,
    f"GET {_COVER}": Stages.covered,
    f"POST {_COVER}/end": lambda s: s.covered(body=s.now()),
    f"POST {_COVER}/suspend-file": lambda s: s.covered(body=s.now()),
    f"POST {_COVER}/resume-file": lambda s: s.covered(body=s.now(), file_status="suspended"),
    "GET /v1/people/{person_id}": Stages.known_person,
    "POST /v1/people/lookup": Stages.lookup,
    "POST /v1/people/{person_id}/contradictions/{contradiction_id}/settle": Stages.contradiction,
    "POST /v1/life-events": Stages.life_event,
    "PUT /v1/services/{service}": lambda s: s.rewritten("/v1/services/shares"),
    "PUT /v1/services/{service}/statement": lambda s: s.rewritten("/v1/services/shares/statement"),
    "POST /v1/counters/contracts": Stages.contract,
    "PUT /v1/templates/{topic}": Stages.template,
    "POST /v1/templates/{topic}/preview": lambda s: s.template(preview=True),
    "GET /v1/inbox": lambda s: s.message(),
    "POST /v1/inbox/{item_id}/read": Stages.message,
    "GET /v1/notifications": Stages.notices,
    "POST /v1/worklist/{tracking_code}/claim": lambda s: s.claimed(by=None),
    "POST /v1/worklist/{tracking_code}/release": Stages.claimed,
    "POST /v1/worklist/{tracking_code}/reassign": Stages.claimed,
}
