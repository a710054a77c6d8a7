"""People, callers and applications: the ground on which requests can be accepted."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from tests import make
from tests.agency import Agency, Caller
from tests.prove.sending import Ready, Reply

REASON = "متقاضی منصرف شده است"
ADDRESS = {
    "province": "تهران",
    "county": "تهران",
    "postal_code": "1311675319",
    "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
}
Step = tuple[str, str, Any]  # role, action, body


class Ground:
    """An agency with people in it, and ways to bring a case where something may happen."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.today = agency.runtime("intake").clock.today()
        self._numbers = itertools.count(1)
        self._months = itertools.count()
        self._held: dict[str, Ready] = {}
        self._days = itertools.count(1)
        self._papers: str | None = None
        self._priced = False

    def by(self, caller: Caller, path: dict[str, str] | None = None, body: Any = None, **more: Any
           ) -> Ready:  # fmt: skip
        """A request by somebody."""
        headers = [(b"authorization", f"Bearer {caller.token}".encode())]
        return Ready(headers, path or {}, body=body, **more)

    async def as_role(
        self, role: str, path: dict[str, str], body: Any = None, **more: Any
    ) -> Ready:
        return self.by(await self.agency.caller(role), path, body, **more)

    def now(self) -> dict[str, str]:
        return {"reason": REASON, "on": self.today.isoformat()}

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

    async def content(self, code: str) -> Any:
        """What intake keeps of an application, opened."""
        row = await self.agency.eye.fetchrow(
            "SELECT id, content FROM intake.application WHERE tracking_code = $1", code
        )
        crypto = self.agency.runtime("intake").crypto
        return crypto.open_json(
            row["content"], table="intake.application", column="content", row=row["id"]
        )

    async def in_service(self) -> tuple[make.Person, str]:
        person, code = await self.filed()
        await self.until("social_worker", f"/v1/livelihood/cases/{code}", bool)
        path = f"/v1/applications/{code}"
        await self.until("intake_officer", path, lambda found: found["status"] == "in_service")
        return person, code


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
