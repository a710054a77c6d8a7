"""Some months that are one test's own: months are closed, and then more becomes known of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.livelihood.awards.actions.life import look_again
from services.livelihood.ledger.queries import balances
from services.livelihood.runs.actions import snapshot
from shared.values.calendar import TEHRAN, period_bounds
from shared.values.identifiers import uuid7
from tests.livelihood.desk import Desk
from tests.livelihood.runs.month import _AWARDS

RATES = (10_000_000, 15_000_000, 20_000_000, 26_000_000, 31_000_000)
FIRST, LAST = 1450 * 12, 1460 * 12


class Then:
    """A clock that says what the test says: months of 1450 pass without anybody's reminders."""

    def __init__(self) -> None:
        self.at = datetime(2071, 3, 21, tzinfo=TEHRAN)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)  # no two things happen at once
        return self.at

    def today(self) -> date:
        return self.at.astimezone(TEHRAN).date()


@dataclass
class Season:
    """Months are counted from one; what is written goes by the clock of the test."""

    desk: Desk
    clock: Then
    months: int = 4
    first: int = 0
    _next: ClassVar[int] = FIRST

    def __post_init__(self) -> None:
        self.first = Season._next
        Season._next += self.months
        assert Season._next <= LAST, "more months than there are years kept for them"

    def number(self, month: int) -> int:
        year, number = divmod(self.first + month - 1, 12)
        return year * 100 + number + 1

    def month(self, number: int) -> int:
        return number // 100 * 12 + number % 100 - self.first

    def period(self, month: int) -> str:
        return f"{self.number(month) // 100}-{self.number(month) % 100:02d}"

    def day(self, month: int, day: int = 10) -> date:
        return period_bounds(self.period(month))[0] + timedelta(days=day - 1)

    def on(self, month: int, day: int = 26) -> None:
        """It is that day now."""
        self.clock.at = datetime.combine(self.day(month, day), time(9), tzinfo=TEHRAN)

    async def own_years(self) -> None:
        """Whatever rate reaches into the years of these tests leaves them out."""
        await self.desk.eye.execute(
            """
            WITH cut AS (
                UPDATE livelihood.rate now SET to_period = 144912
                FROM livelihood.rate before
                WHERE now.id = before.id AND now.from_period < 145001
                  AND (now.to_period IS NULL OR now.to_period > 144912)
                RETURNING now.*, before.to_period AS until
            )
            INSERT INTO livelihood.rate (id, covered_size, amount_rial, from_period, to_period,
                approval_ref, source_ref, confidence, written_by, written_at)
            SELECT gen_random_uuid(), covered_size, amount_rial, 146001, until, approval_ref,
                source_ref, confidence, written_by, written_at
            FROM cut WHERE until IS NULL OR until >= 146001
            """
        )

    # What there is, and what comes to be known

    async def rates(self, amounts: Sequence[int] = RATES, *, since: int = 1) -> None:
        """These amounts from a month of the season on; those before end with the month before."""
        first, last = self.number(since), self.number(self.months)
        await self.desk.eye.execute(
            "DELETE FROM livelihood.rate WHERE from_period BETWEEN $1 AND $2", first, last
        )
        await self.desk.eye.execute(
            "UPDATE livelihood.rate SET to_period = $3"
            " WHERE from_period >= $1 AND from_period < $2 AND to_period >= $2",
            self.number(1), first, self.number(since - 1),
        )  # fmt: skip
        await self.desk.eye.executemany(
            "INSERT INTO livelihood.rate (id, covered_size, amount_rial, from_period, to_period,"
            " approval_ref, source_ref, confidence, written_by, written_at)"
            " VALUES ($1, $2, $3, $4, $5, 'A-1', 'A-1', 'H', 'operator', $6)",
            [(uuid4(), size, amount, first, last, self.clock.now())
             for size, amount in enumerate(amounts, start=1)],
        )  # fmt: skip

    async def household(self, size: int = 3, *, since: int = 1, day: int = 1) -> UUID:
        """An award of so many people, from a month on; made on a day of it."""
        self.on(since, day)
        [made] = await self.desk.eye.fetch(
            _AWARDS,
            1,
            1,
            self.period(since),
            self.clock.now(),
            self.day(since, 29),
            self.day(since, 1),
        )
        await self.desk.eye.execute(
            "UPDATE livelihood.award SET covered_size = $2, ends_on = NULL,"
            " person_ids = person_ids || $3::uuid[] WHERE id = $1",
            made["id"], size, [uuid7() for _ in range(size - 1)],
        )  # fmt: skip
        await self.desk.eye.execute(
            "UPDATE livelihood.\"case\" SET province = 'Tehran', office_code = 'T-1'"
            " WHERE award_id = $1",
            made["id"],
        )
        await self.desk.eye.execute(
            "INSERT INTO livelihood.award_version (award_id, version, effective_from_period,"
            " covered_size, reason, recorded_at) VALUES ($1, 1, $2, $3, 'admission', $4)",
            made["id"], self.period(since), size, self.clock.now(),
        )  # fmt: skip
        return made["id"]

    async def happened(self, kind: str, award: UUID, person: UUID, on: date, version: int) -> None:
        """It is told of a life now; what follows for the award follows."""
        await self.desk.eye.execute(
            "INSERT INTO livelihood.life_fact (event_id, person_id, kind, occurred_on, version,"
            " heard_on) VALUES ($1, $2, $3, $4, $5, $6)",
            uuid4(), person, kind, on, version, self.clock.today(),
        )  # fmt: skip
        await self.look(award)

    async def look(self, award: UUID) -> None:
        async with self.desk.runtime.transaction(lone=False) as tx:
            await look_again(tx, award)

    async def does(self, role: str, award: UUID, action: str, body: Any, **claims: Any) -> Any:
        """One step of the award by somebody of this role; it has to be accepted."""
        who = self.desk.caller(role, **claims)
        answer = await who.post(f"/awards/{award}/{action}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # Runs

    async def closed(self, month: int, kind: str = "regular") -> dict[str, Any]:
        """The list of a month, opened and closed on its 26th day, or now if that is later."""
        if self.clock.today() < self.day(month, 26):
            self.on(month)
        preparer = self.desk.caller("finance_preparer")
        answer = await preparer.post("/runs", {"period": self.period(month), "kind": kind})
        assert answer.status_code == 202, answer.text
        run_id = answer.json()["run_id"]
        assert await snapshot.take(self.desk.runtime, UUID(run_id), for_s=60)
        return json.loads((await preparer.get(f"/runs/{run_id}")).text)

    async def items(self, award: UUID, *, kind: str = "regular") -> dict[int, asyncpg.Record]:
        """The award's items of a kind, by month of the season."""
        rows = await self.desk.eye.fetch(
            "SELECT * FROM livelihood.item WHERE award_id = $1 AND kind = $2 ORDER BY period",
            award,
            kind,
        )
        return {self.month(row["period"]): row for row in rows}

    async def paid(self, award: UUID, *, kind: str = "regular") -> dict[int, int]:
        return {
            month: row["amount_rial"] for month, row in (await self.items(award, kind=kind)).items()
        }

    async def adjusted(self, award: UUID, kind: str = "difference") -> list[tuple[int, int, str]]:
        """Month, Rials and cause of what was adjusted, in the order in which it was."""
        rows = await self.desk.eye.fetch(
            "SELECT * FROM livelihood.adjustment WHERE award_id = $1 AND kind = $2 ORDER BY number",
            award,
            kind,
        )
        return [(self.month(row["period"]), row["delta_rial"], row["cause"]) for row in rows]

    async def open(self, award: UUID) -> int:
        """What is still to be paid of closed months, below zero what is to be recovered."""
        return await self.desk.eye.fetchval(
            "SELECT coalesce(sum(delta_rial), 0)::bigint FROM livelihood.adjustment"
            " WHERE award_id = $1",
            award,
        )

    async def booked(self, run: dict[str, Any]) -> dict[str, int]:
        async with self.desk.runtime.transaction() as tx:
            return await balances(tx, run_id=UUID(run["run_id"]))


async def begun(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, months: int) -> Season:
    """So many months with rates; the service's clock is the test's from now on."""
    clock = Then()
    monkeypatch.setattr(desk.runtime, "clock", clock)
    made = Season(desk, clock, months)
    await made.own_years()
    await made.rates()
    return made
