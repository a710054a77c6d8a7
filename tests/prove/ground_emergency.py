"""Where each operation of emergencies is possible: declared here and now, asked for, granted."""

from datetime import timedelta
from typing import Any

from tests.prove.ground import REASON, shown
from tests.prove.ground_livelihood import VISIT, Livelihood, Recipe, Step
from tests.prove.sending import Ready

DECREE = "مصوبهٔ ۱۲۳ ستاد مدیریت بحران"


class Emergencies(Livelihood):
    """Declarations, and households that are helped under one."""

    def soon(self, days: int) -> str:
        return (self.today + timedelta(days=days)).isoformat()

    def declaration(self) -> dict[str, Any]:
        return {
            "kind": "earthquake",
            "provinces": ["Tehran"],
            "counties": ["Kermanshah/center"],
            "from_on": self.today.isoformat(),
            "to_on": self.soon(90),
            "decree_ref": DECREE,
        }

    async def declared(self) -> str:
        made = await self.ok("operator", "/v1/livelihood/emergencies", self.declaration())
        return str(made["emergency_id"])

    async def declaring(self) -> Ready:
        return await self.as_role("operator", {}, self.declaration(), kept=shown)

    async def changing(self) -> Ready:
        body = self.declaration()
        del body["kind"], body["from_on"]
        path = {"emergency_id": await self.declared()}
        return await self.as_role("operator", path, body, kept=shown)

    async def reading(self) -> Ready:
        return await self.as_role("social_worker", {"emergency_id": await self.declared()})

    async def granting(self) -> dict[str, Any]:
        return {
            "emergency_id": await self.declared(),
            "ends_on": self.soon(30),
            "reason": REASON,
        }

    async def beside(self) -> Ready:
        """Support beside a request that is under way."""
        body = await self.granting()
        path = {"emergency_id": body.pop("emergency_id")}
        body["tracking_code"] = await self.case()
        return await self.as_role("approver", path, body)

    async def helped(self, role: str, body: Any, *steps: Step) -> Ready:
        """Somebody before a household that is helped."""
        granted = ("approver", "grant-emergency", await self.granting())
        return await self.before(role, body, granted, *steps)


_CASE = "/v1/livelihood/cases/{tracking_code}"
_ALL = "/v1/livelihood/emergencies"
VISITED: Step = ("social_worker", "record-emergency-visit", VISIT)


async def _grant(ground: Any) -> Ready:
    ready: Ready = await ground.before("approver", await ground.granting())
    return ready


async def _review(ground: Any) -> Ready:
    body = {"outcome": "extend", "ends_on": ground.soon(60), "reason": REASON}
    ready: Ready = await ground.helped("approver_2", body, VISITED)
    return ready


RECIPES: dict[str, Recipe] = {
    f"POST {_ALL}": Emergencies.declaring,
    f"GET {_ALL}/{{emergency_id}}": Emergencies.reading,
    f"POST {_ALL}/{{emergency_id}}/versions": Emergencies.changing,
    f"GET {_ALL}/{{emergency_id}}/awards": Emergencies.reading,
    f"POST {_ALL}/{{emergency_id}}/awards": Emergencies.beside,
    f"POST {_CASE}/grant-emergency": _grant,
    f"POST {_CASE}/record-emergency-visit": lambda s: s.helped(
        "social_worker",
        {
            **VISIT,
            "happened_at": "2026-10-22T08:30:00Z",
            "latitude": 35.6612,
            "longitude": 51.4415,
            "note": REASON,
        },
    ),
    f"POST {_CASE}/review-emergency": _review,
}
