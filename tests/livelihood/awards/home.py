"""A household with an award: life events are told of it as intake would tell them."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any, Self
from uuid import UUID

from services.livelihood.awards import queries, rules
from shared.values.calendar import period_bounds, period_of
from shared.values.identifiers import uuid7
from tests.livelihood.desk import Desk, Filed


@dataclass
class Home:
    """The desk's view of one household; every event has the next version of its subject."""

    desk: Desk
    filed: Filed
    daughter: UUID
    award_id: UUID
    _versions: Any = field(default_factory=lambda: count(100))

    @classmethod
    async def settled(cls, desk: Desk, *, also: int = 1, **more: Any) -> Self:
        """An active award of an applicant, a child of 14 and so many more."""
        filed = await desk.opened("confirmed", **more)
        others = [uuid7() for _ in range(also)]
        people = [filed.person_id, filed.child_id, *others]
        await desk.cover(filed, person_ids=[str(one) for one in people])
        await desk.fire()
        assert await desk.status(filed) == "active"
        award_id = (await desk.row(filed))["award_id"]
        return cls(desk, filed, others[0] if others else filed.child_id, award_id)

    @property
    def today(self) -> date:
        return self.desk.runtime.clock.today()

    @property
    def month(self) -> str:
        return period_of(self.today)

    def day_of(self, months: int, day: int = 10) -> date:
        """A day of the month so many months from now."""
        first = period_bounds(rules.next_period(self.month, months))[0]
        return first + timedelta(days=day - 1)

    async def after_months(self, months: int, day: int = 10) -> None:
        """Business time goes on to a day of a later month."""
        self.desk.move_clock(self.day_of(months, day))
        await self.desk.fire()

    async def happens(
        self, kind: str, person: UUID, on: date, *, version: int | None = None, **more: Any
    ) -> None:
        """Intake tells of a life event; what follows from it follows."""
        await self.hear(kind, person, on, version=version, **more)
        await self.desk.fire()

    async def hear(
        self, kind: str, person: UUID, on: date, *, version: int | None = None, **more: Any
    ) -> None:
        version = next(self._versions) if version is None else version
        payload = {
            "person_id": str(person),
            "person_ids": [str(person)],
            "household_id": str(self.filed.household_id),
            "kind": kind,
            "occurred_on": on.isoformat(),
            "version": version,
            "on": self.today.isoformat(),
            "facts": {},
        } | more
        await self.desk.tell(f"person.{kind}", payload, subject=person, version=version)
        await self.desk.hear()

    async def loan(self, topic: str, *people: UUID) -> None:
        """The loans service tells of a loan of these people."""
        payload = {"tracking_code": "SH-LOAN", "person_ids": [str(one) for one in people]}
        await self.desk.tell(f"loans.{topic}", payload, subject=uuid7(), version=7)
        await self.desk.hear()
        await self.desk.fire()

    async def head(self, person: UUID) -> None:
        """Intake has written another head into the household."""
        payload = {"household_id": str(self.filed.household_id), "head_id": str(person)}
        await self.desk.tell(
            "household.changed", payload, subject=self.filed.household_id,
            version=next(self._versions),
        )  # fmt: skip
        await self.desk.hear()
        await self.desk.fire()

    async def covered(self, topic: str, *people: UUID, **more: Any) -> None:
        await self.desk.cover(
            self.filed, topic, version=next(self._versions),
            person_ids=[str(one) for one in people], on=self.today.isoformat(), **more,
        )  # fmt: skip
        await self.desk.fire()

    async def do(self, role: str, action: str, body: Any = None, **claims: Any) -> Any:
        """One step by somebody of this role; the caller judges the answer."""
        who = self.desk.caller(role, **claims)
        answer = await who.post(f"/awards/{self.award_id}/{action}", body)
        await self.desk.hear()
        await self.desk.fire()
        return answer

    async def done(self, role: str, action: str, body: Any = None, **claims: Any) -> Any:
        answer = await self.do(role, action, body, **claims)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def award(self) -> Any:
        return await self.desk.eye.fetchrow(
            "SELECT * FROM livelihood.award WHERE id = $1", self.award_id
        )

    async def status(self) -> str:
        return (await self.award())["status"]

    async def steps(self) -> list[str]:
        rows = await self.desk.eye.fetch(
            "SELECT step FROM livelihood.history WHERE subject_id = $1 ORDER BY version",
            self.award_id,
        )
        return [row["step"] for row in rows]

    async def versions(self) -> list[tuple[str, int]]:
        rows = await self.desk.eye.fetch(
            "SELECT effective_from_period, covered_size FROM livelihood.award_version"
            " WHERE award_id = $1 ORDER BY version",
            self.award_id,
        )
        return [tuple(row) for row in rows]

    async def sizes(self, *months: int) -> list[int]:
        """How many are paid for, month by month from now; 0 where nothing is owed."""
        found = []
        for month in months:
            owed = await self.owed(month)
            found.append(owed["covered_size"] if owed else 0)
        return found

    async def owed(self, months: int = 0) -> Any:
        """What a month's payment would find of this award."""
        period = rules.next_period(self.month, months)
        async with self.desk.runtime.transaction() as tx:
            rows = await queries.payable(tx, period)
        return next((row for row in rows if row["award_id"] == self.award_id), None)
