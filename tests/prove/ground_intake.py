"""Where each operation of intake and notify is possible."""

import asyncio
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from shared.topics import TOPICS
from tests import make
from tests.prove.ground import ADDRESS, REASON, Ground, shortened, shown
from tests.prove.sending import Ready, Reply

TOLD = sorted(
    topic.name for topic in TOPICS.values() if topic.citizen and "tracking_code" in topic.facts
)
VISIT_WANTED = {
    "reason_kind": "document",
    "reason": "احراز اصالت مدرک",
    "place_level": "county",
    "place": "حوزهٔ ۱ شهر تهران",
    "on": "2299-01-01",
}


def png() -> bytes:
    """A white picture of one pixel, another one each time."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    note = chunk(b"tEXt", b"Comment\0" + make.national_code().encode())
    image = chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    return b"\x89PNG\r\n\x1a\n" + head + note + image + chunk(b"IEND", b"")


class Intake(Ground):
    """Applications, papers, households, coverage, the catalogue and the texts."""

    async def application(self) -> Ready:
        person = await self.person()

        async def kept(reply: Reply) -> Any:
            return await self.content(json.loads(reply.body)["tracking_code"])

        caller = await self.agency.caller("counter")
        return self.by(caller, body=make.livelihood(person), kept=kept)

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


Recipe = Callable[[Any], Awaitable[Ready]]
_APP = "/v1/applications/{tracking_code}"
_HOME = "/v1/households/{household_id}"
_COVER = "/v1/coverage/{coverage_id}"
RECIPES: dict[str, Recipe] = {
    "POST /v1/applications": Intake.application,
    f"GET {_APP}": Intake.seen,
    f"PATCH {_APP}": lambda s: s.draft({}),
    f"POST {_APP}/submit": Intake.draft,
    f"POST {_APP}/resubmit": lambda s: s.officer(None, "request-documents"),
    f"POST {_APP}/withdraw": Intake.withdrawal,
    f"POST {_APP}/request-documents": lambda s: s.officer(
        {"kinds": ["birth_certificate"], "reason": REASON}
    ),
    f"POST {_APP}/request-visit": lambda s: s.officer(VISIT_WANTED),
    f"POST {_APP}/record-visit": lambda s: s.officer(
        {"attended": True, "reason": REASON}, "request-visit"
    ),
    f"POST {_APP}/documents": Intake.paper,
    f"GET {_APP}/documents": Intake.papers,
    f"GET {_APP}/documents/{{document_id}}": lambda s: s.papers(one=True),
    "POST /v1/follow": Intake.followed,
    "POST /v1/households": Intake.forming,
    f"GET {_HOME}": lambda s: s.at_household("social_worker", None),
    f"PUT {_HOME}": lambda s: s.at_household(
        "social_worker",
        lambda home: {"head_id": home["head_id"], "members": [], "address": ADDRESS},
    ),
    f"POST {_HOME}/members": Intake.joining,
    f"POST {_HOME}/members/{{person_id}}/end": Intake.leaving,
    f"POST {_HOME}/transfer": lambda s: s.at_household(
        "intake_officer", {"office_code": "T-2", "reason": REASON, "address": None}
    ),
    "POST /v1/coverage": Intake.covering,
    f"GET {_COVER}": Intake.covered,
    f"POST {_COVER}/end": lambda s: s.covered(body=s.now()),
    f"POST {_COVER}/suspend-file": lambda s: s.covered(body=s.now()),
    f"POST {_COVER}/resume-file": lambda s: s.covered(body=s.now(), file_status="suspended"),
    "GET /v1/people/{person_id}": Intake.known_person,
    "POST /v1/people/lookup": Intake.lookup,
    "POST /v1/people/{person_id}/contradictions/{contradiction_id}/settle": Intake.contradiction,
    "POST /v1/life-events": Intake.life_event,
    "PUT /v1/services/{service}": lambda s: s.rewritten("/v1/services/shares"),
    "PUT /v1/services/{service}/statement": lambda s: s.rewritten("/v1/services/shares/statement"),
    "POST /v1/counters/contracts": Intake.contract,
    "PUT /v1/templates/{topic}": Intake.template,
    "POST /v1/templates/{topic}/preview": lambda s: s.template(preview=True),
    "GET /v1/inbox": lambda s: s.message(),
    "POST /v1/inbox/{item_id}/read": Intake.message,
    "GET /v1/notifications": Intake.notices,
    "POST /v1/worklist/{tracking_code}/claim": lambda s: s.claimed(by=None),
    "POST /v1/worklist/{tracking_code}/release": Intake.claimed,
    "POST /v1/worklist/{tracking_code}/reassign": Intake.claimed,
}
