"""An emergency in months of its own: it is declared, households are helped, months are paid."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any, Self
from uuid import UUID

import httpx

from services.livelihood.awards.rules import next_period
from shared.storage import policy
from shared.values.calendar import period_bounds
from tests.livelihood.desk import Desk, Filed
from tests.livelihood.runs.month import RATES, Month

_HALVES = count(1)  # of the years from 1440 on; the first is for those who pay nothing
PROVINCE, ELSEWHERE = "Kermanshah", "Ilam"
DECREE = "مصوبهٔ ۱۲۳ ستاد مدیریت بحران"
REASON = "خانهٔ خانوار در زلزله فرو ریخته است"
QUOTA = {"Kermanshah": 20_000, "Ilam": 20_000, "Tehran": 20_000}
SIZE = 2  # a desk's household has an applicant and a child


@dataclass
class Quake:
    """The desk in the first month of a half-year, from which the months are counted."""

    desk: Desk
    first: str
    emergency_id: str = ""
    rate: int = 0  # of a household as the desk's are

    @classmethod
    async def begun(
        cls, desk: Desk, kind: str = "earthquake", *, months: int = 3, pays: bool = False
    ) -> Self:
        """Declared for the province for so many months; who pays has half a year alone."""
        half = next(_HALVES) if pays else 0
        assert half < 20, "the years from 1440 to 1449 are used up"
        year = 1440 + half // 2
        found = cls(desk, f"{year}-{'07' if half % 2 else '01'}")
        await found.prepare(year)
        found.go(0)
        found.emergency_id = (await found.declared(kind, months=months))["emergency_id"]
        return found

    async def prepare(self, year: int) -> None:
        """Rates, a budget and a quota of the year, where there are none yet."""
        rate = (
            "SELECT amount_rial FROM livelihood.rate WHERE covered_size = $1 AND during @> $2::int"
        )
        month, number = Month(self.desk, year), int(self.first.replace("-", ""))
        for size, amount in enumerate(RATES, start=1):
            if await self.desk.eye.fetchval(rate, size, number) is None:
                await month.rate(size, amount, year * 100 + 1, year * 100 + 12)
        self.rate = await self.desk.eye.fetchval(rate, SIZE, number)
        there = "SELECT 1 FROM livelihood.budget WHERE year = $1"
        if await self.desk.eye.fetchval(there, year):
            return
        await month.budget(10**15)
        async with self.desk.runtime.transaction(lone=False) as tx:
            await policy.put(
                tx, "livelihood.quota", {"year": year, "awards": QUOTA},
                effective_from=period_bounds(f"{year}-01")[0], source_ref="Q-1", confidence="H",
            )  # fmt: skip

    # Days and months, counted from the first

    def month(self, months: int) -> str:
        return next_period(self.first, months)

    def day(self, months: int, day: int = 5) -> date:
        return period_bounds(self.month(months))[0] + timedelta(days=day - 1)

    def last_day(self, months: int) -> date:
        return period_bounds(self.month(months))[1]

    def go(self, months: int, day: int = 5) -> None:
        """Business time goes to a day of a month."""
        self.desk.move_clock(self.day(months, day))

    async def pass_to(self, months: int, day: int = 5) -> None:
        """The same, and whatever falls due meanwhile happens."""
        self.go(months, day)
        await self.desk.fire()

    # The declaration

    async def declare(self, kind: str = "earthquake", **more: Any) -> httpx.Response:
        body = {
            "kind": kind,
            "provinces": [PROVINCE],
            "from_on": self.day(0, 1).isoformat(),
            "to_on": self.last_day(2).isoformat(),
            "decree_ref": DECREE,
        } | more
        return await self.desk.caller("operator").post("/emergencies", body)

    async def declared(self, kind: str, *, months: int) -> dict[str, Any]:
        answer = await self.declare(kind, to_on=self.last_day(months - 1).isoformat())
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def change(self, **more: Any) -> httpx.Response:
        body = {
            "provinces": [PROVINCE],
            "to_on": self.last_day(2).isoformat(),
            "decree_ref": DECREE,
        } | more
        path = f"/emergencies/{self.emergency_id}/versions"
        return await self.desk.caller("operator").post(path, body)

    # Households

    async def asked(self, to: str = "routed", **more: Any) -> Filed:
        """A household of the province that asks for help."""
        more = {"province": PROVINCE, "submitted_on": self.desk.runtime.clock.today()} | more
        return await self.desk.opened(to, **more)

    def approver(self, **more: Any) -> Any:
        return self.desk.caller("approver", **{"province": PROVINCE} | more)

    async def grant(
        self, filed: Filed, *, until: date | None = None, by: Any = None, **more: Any
    ) -> httpx.Response:
        """The fast track: the request becomes emergency support."""
        ends_on = until or self.last_day(1)
        body = {"emergency_id": self.emergency_id, "ends_on": ends_on.isoformat(), "reason": REASON}
        caller = by or self.approver(province=filed.province)
        return await caller.do(filed, "grant-emergency", body | more)

    async def helped(self, *, until: date | None = None, **more: Any) -> Filed:
        """A household with emergency support and a verified account."""
        filed = await self.asked(**more)
        answer = await self.grant(filed, until=until)
        assert answer.status_code == 200, answer.text
        await self.desk.fire()
        return filed

    async def open(
        self, filed: Filed, *, until: date | None = None, by: Any = None
    ) -> httpx.Response:
        """Emergency support beside what a household has."""
        ends_on = (until or self.last_day(1)).isoformat()
        body = {"tracking_code": filed.code, "ends_on": ends_on, "reason": REASON}
        caller = by or self.approver(province=filed.province)
        return await caller.post(f"/emergencies/{self.emergency_id}/awards", body)

    async def opened(self, filed: Filed, *, until: date | None = None) -> dict[str, Any]:
        answer = await self.open(filed, until=until)
        assert answer.status_code == 201, answer.text
        await self.desk.fire()
        return dict(answer.json())

    async def award(self, case_id: object) -> Any:
        return await self.desk.eye.fetchrow(
            "SELECT * FROM livelihood.emergency_award WHERE case_id = $1", UUID(str(case_id))
        )

    async def of(self, filed: Filed) -> Any:
        return await self.award((await self.desk.row(filed))["id"])

    # Months

    async def pay(self, months: int, kind: str = "emergency") -> dict[str, Any]:
        """The list of a month, frozen."""
        month = Month(self.desk, int(self.first[:4]))
        body = {"period": self.month(months), "kind": kind}
        answer = await month.preparer.post("/runs", body)
        assert answer.status_code == 202, answer.text
        await self.desk.fire()
        run = await month.shown(answer.json()["run_id"])
        assert run["status"] == "snapshot"
        return run

    async def paid(self, filed: Filed) -> list[tuple[int, str, str, int]]:
        """What a household is due: month from the first, kind, component, Rials."""
        rows = await self.desk.eye.fetch(
            "SELECT period, kind, component, amount_rial FROM livelihood.item"
            " WHERE household_id = $1 ORDER BY period, kind",
            filed.household_id,
        )
        numbers = {int(self.month(n).replace("-", "")): n for n in range(-6, 24)}
        return [
            (numbers[row["period"]], row["kind"], row["component"], row["amount_rial"])
            for row in rows
        ]
