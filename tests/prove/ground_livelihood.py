"""Where each operation of livelihood is possible: admissions, awards, rates and runs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from shared.values.calendar import jalali_text
from tests import make
from tests.journeys.test_widow import CONFIRM, VISIT
from tests.prove.ground import REASON, Ground, Step, shown
from tests.prove.sending import Ready, Reply

PLAN = {"visit_on": "2299-02-10", "time_window": "morning"}
REFUSE = {"reasons": ["درآمد خانوار بیش از حد دستورالعمل است"]}
VISITED: list[Step] = [
    ("social_worker", "review", {}),
    ("social_worker", "plan-visit", PLAN),
    ("social_worker", "record-visit", VISIT),
]
CONFIRMED = [*VISITED, ("approver", "confirm", CONFIRM)]
REFUSED_CASE = [*VISITED, ("approver", "refuse", REFUSE)]
OBJECTED = [*REFUSED_CASE, ("intake_officer", "object", {"text": REASON})]


PRICING = asyncio.Lock()


class Livelihood(Ground):
    """Cases, awards, rates and months."""

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

    # Awards

    async def supported(self) -> dict[str, Any]:
        """The award of a widow with a child."""
        widow = make.Person()
        child = make.child(widow)
        await self.agency.known(widow, child)
        filed = await self.ok("counter", "/v1/applications", make.livelihood(widow, child))
        code = filed["tracking_code"]
        path = f"/v1/livelihood/cases/{code}"
        await self.until("social_worker", path, bool)
        for role, action, body in CONFIRMED:
            await self.ok(role, f"{path}/{action}", body)
        case = await self.until("approver", path, lambda found: found["award_id"] is not None)
        found: dict[str, Any] = await self.read(
            "approver", f"/v1/livelihood/awards/{case['award_id']}"
        )
        return found

    async def award(self, role: str, body: Any, *steps: Step) -> Ready:
        """Somebody before an award after these steps; its history keeps a reason."""
        found = await self.supported()
        for one, action, said in steps:
            await self.ok(one, f"/v1/livelihood/awards/{found['award_id']}/{action}", said)
        if callable(body):
            body = body(found)

        async def kept(reply: Reply) -> Any:
            return {"reason": json.loads(reply.body)["history"][-1]["reason"]}

        return await self.as_role(role, {"award_id": found["award_id"]}, body, kept=kept)

    async def renewable(self) -> Ready:
        """An award whose term has run out."""
        ready = await self.award("approver", {"reasons": [REASON]})
        award_id = ready.path["award_id"]
        await self.agency.eye.execute(
            "UPDATE livelihood.award SET review_on = $2 WHERE id = $1", award_id, self.today
        )
        await self.agency.eye.execute(
            "INSERT INTO livelihood.timer (kind, subject_id, due_at)"
            " VALUES ('look_again', $1, now()) ON CONFLICT (kind, subject_id)"
            " DO UPDATE SET due_at = now(), leased_until = NULL",
            award_id,
        )
        path = f"/v1/livelihood/awards/{award_id}"
        await self.until("approver", path, lambda found: found["status"] == "renewal_review")
        return ready

    async def another_account(self) -> Ready:
        """A new account that is the payee's own."""
        person, code = await self.in_service()
        for role, action, said in CONFIRMED:
            await self.ok(role, f"/v1/livelihood/cases/{code}/{action}", said)
        path = f"/v1/livelihood/cases/{code}"
        case = await self.until("approver", path, lambda found: found["award_id"] is not None)
        fresh = make.sheba()
        await self.agency._put(f"/accounts/{fresh}", _account(person, "open"))
        ready = await self.as_role("counter", {"award_id": case["award_id"]}, {"sheba": fresh})
        ready.headers.append((b"if-match", b"*"))
        return ready

    # Rates, budgets and months, in years that nobody else speaks of

    def month(self, first_year: int) -> str:
        number = next(self._months)
        assert number < 12 * 40, "more months than there are years kept for them"
        return f"{first_year + number // 12}-{number % 12 + 1:02d}"

    async def rate(self) -> Ready:
        """Of a month before the years that have their rates: a rate without an end meets those."""
        await self.price()
        month = self.month(1500)
        return await self.as_role("operator", {}, _rate(3, month, month), kept=shown)

    async def price(self) -> None:
        async with PRICING:  # others wait until every size has its rate
            if not self._priced:
                await self.agency.eye.execute(  # what others left in these years
                    "DELETE FROM livelihood.rate WHERE from_period >= 150001"
                )
                await self.agency.eye.execute(
                    "UPDATE livelihood.rate SET to_period = 149912 WHERE to_period IS NULL"
                )
                for size in range(1, 6):
                    body = _rate(size, "1541-01", "1599-12")
                    await self.ok("operator", "/v1/livelihood/rates", body)
                self._priced = True

    async def unconfirmed(self) -> Ready:
        """A rate that was loaded without an approval."""
        made = await self.ok("operator", "/v1/livelihood/rates", (await self.rate()).body)
        await self.agency.eye.execute(
            "UPDATE livelihood.rate SET confirmed_by = NULL WHERE id = $1", made["rate_id"]
        )
        body = {"approval_ref": "مصوبهٔ ۱۲۳۴۵ هیئت وزیران"}
        return await self.as_role("operator", {"rate_id": made["rate_id"]}, body, kept=shown)

    async def budget(self) -> Ready:
        body = {"year": 1599, "amount_rial": 10**12, "approval_ref": "قانون بودجهٔ سال ۱۵۹۹"}
        return await self.as_role("operator", {}, body, kept=shown)

    async def quota(self) -> Ready:
        day = self.today + timedelta(days=next(self._days))
        body = {
            "year": int(jalali_text(day)[:4]),
            "provinces": [{"province": "Tehran", "awards": 60_000}],
            "approval_ref": "مصوبهٔ ۱۲۳۴۵ هیئت وزیران",
            "effective_on": day.isoformat(),
        }
        return await self.as_role("operator", {}, body)

    async def opening(self) -> Ready:
        """A month with a rate for every size."""
        await self.price()
        body = {"period": self.month(1545), "kind": "regular"}
        return await self.as_role("finance_preparer", {}, body, kept=shown)

    async def run(self, *, body: Any = None) -> Ready:
        """A month whose list is closed."""
        opened = await self.ok(
            "finance_preparer", "/v1/livelihood/runs", (await self.opening()).body
        )
        path = f"/v1/livelihood/runs/{opened['run_id']}"
        await self.until("finance_approver", path, lambda found: found["status"] == "snapshot")
        return await self.as_role(
            "finance_approver", {"run_id": opened["run_id"]}, body, kept=shown
        )


def _rate(size: int, from_period: str, to_period: str) -> dict[str, Any]:
    return {
        "covered_size": size,
        "amount_rial": 40_000_000,
        "from_period": from_period,
        "to_period": to_period,
        "approval_ref": "مصوبهٔ ۱۲۳۴۵ هیئت وزیران",
    }


def _account(person: make.Person, state: str) -> dict[str, Any]:
    return {"holder_national_code": person.national_code, "state": state}


Recipe = Callable[[Any], Awaitable[Ready]]
SUSPENDED: Step = ("social_worker", "suspend", {"ground": "unreachable", "reason": REASON})
STOPPED: Step = ("approver", "stop", {"reasons": [REASON]})
LOOKED: Step = ("social_worker", "open-exit-review", {"ground": "other", "reason": REASON})
_AWARD = "/v1/livelihood/awards/{award_id}"
_CASE = "/v1/livelihood/cases/{tracking_code}"
RECIPES: dict[str, Recipe] = {
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
    f"GET {_AWARD}": lambda s: s.award("approver", None),
    f"PUT {_AWARD}/account": Livelihood.another_account,
    f"POST {_AWARD}/suspend": lambda s: s.award("social_worker", SUSPENDED[2]),
    f"POST {_AWARD}/resume": lambda s: s.award("approver", {"reason": REASON}, SUSPENDED),
    f"POST {_AWARD}/stop": lambda s: s.award("approver", STOPPED[2]),
    f"POST {_AWARD}/open-exit-review": lambda s: s.award("social_worker", LOOKED[2]),
    f"POST {_AWARD}/decide-exit-review": lambda s: s.award(
        "approver", {"outcome": "stop", "reasons": [REASON], "income_rial": 300_000_000}, LOOKED
    ),
    f"POST {_AWARD}/renew": Livelihood.renewable,
    f"POST {_AWARD}/change-size": lambda s: s.award(
        "approver",
        lambda found: {
            "person_id": found["person_ids"][-1],
            "counts": False,
            "on": s.today.isoformat(),
            "reason": REASON,
        },
    ),
    f"POST {_AWARD}/object": lambda s: s.award("counter", {"text": REASON}, STOPPED),
    f"POST {_AWARD}/decide-objection": lambda s: s.award(
        "approver_2",
        {"outcome": "rejected", "reasons": [REASON]},
        STOPPED,
        ("counter", "object", {"text": REASON}),
    ),
    f"POST {_AWARD}/declare-conflict": lambda s: s.award("intake_officer", {"reason": REASON}),
    "POST /v1/livelihood/rates": Livelihood.rate,
    "POST /v1/livelihood/rates/{rate_id}/confirm": Livelihood.unconfirmed,
    "POST /v1/livelihood/budgets": Livelihood.budget,
    "POST /v1/livelihood/quotas": Livelihood.quota,
    "POST /v1/livelihood/runs": Livelihood.opening,
    "GET /v1/livelihood/runs/{run_id}": Livelihood.run,
    "GET /v1/livelihood/runs/{run_id}/items": Livelihood.run,
    "POST /v1/livelihood/runs/{run_id}/fund": lambda s: s.run(body={"approval_ref": "1405/08/120"}),
}
