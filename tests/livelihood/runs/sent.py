"""A run whose files the banks have, without a bank: what they say of it a test says."""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.livelihood.ledger.queries import balances
from services.livelihood.runs import queries
from shared.values.identifiers import uuid7
from shared.web.auth import Actor, Role
from shared.workflow import advance
from tests.livelihood.desk import Caller, Desk
from tests.livelihood.runs.month import Month
from tests.livelihood.runs.statements import pain, tx

ROOT = Path(__file__).parents[3]
BANK = "017"
_NUMBERS = count()
_with_budget: set[int] = set()
ONE = int(
    json.loads((ROOT / "services/livelihood/data/rates.json").read_text("utf-8"))
    ["demonstration"]["rates"][0]["amounts_rial"]["1"]
)  # fmt: skip
"""What one covered person is worth: these years have the last rates that are known."""

_QUEUE = """
INSERT INTO livelihood.instruction (period, id, item_id, part, attempt, run_id, file_id,
    payee_account_id, bank_code, amount_rial, state)
SELECT i.period, gen_random_uuid(), i.id, p.part, $4, i.run_id, $2, i.payee_account_id, $3,
    CASE WHEN $5 = 1 THEN i.amount_rial WHEN p.part = 1 THEN i.amount_rial / 3
         ELSE i.amount_rial - i.amount_rial / 3 END, 'sent'
FROM livelihood.item i, generate_series(1, $5::int) AS p (part)
WHERE i.period = $6 AND i.id = ANY ($1)
"""


@dataclass
class Sent:
    """A month that was sent; its instructions in the order of their items and parts."""

    month: Month
    run_id: str
    instructions: list[asyncpg.Record] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return self.month.desk

    def bank(self, code: str = BANK, **more: Any) -> Caller:
        return self.desk.caller("bank", organisation=code, province=None, office_code=None, **more)

    def ids(self) -> list[UUID]:
        return [row["id"] for row in self.instructions]

    # What is done

    async def put_in_file(
        self, items: list[UUID], *, bank: str = BANK, parts: int = 1, attempt: int = 1,
        run_id: str | None = None, period: int | None = None,
    ) -> UUID:  # fmt: skip
        """A file of these items, as the bank accepted it."""
        file_id, eye = uuid7(), self.desk.eye
        run_id, period = run_id or self.run_id, period or self.month.as_number
        await eye.execute(
            "INSERT INTO livelihood.bank_file (id, run_id, number, bank_code, cycle_at, rows,"
            " amount_rial, sha256, place, state, attempt, built_at, sent_at)"
            " SELECT $1, $2, 1 + count(*), $3, now(), 1, 1, 'x', 'x', 'accepted', 1, now(), now()"
            " FROM livelihood.bank_file WHERE run_id = $2",
            file_id, UUID(run_id), bank,
        )  # fmt: skip
        await eye.execute(_QUEUE, items, file_id, bank, attempt, parts, period)
        await eye.execute(
            "UPDATE livelihood.bank_file f SET rows = s.rows, amount_rial = s.amount FROM (SELECT"
            " count(*) AS rows, sum(amount_rial) AS amount FROM livelihood.instruction"
            " WHERE file_id = $1) AS s WHERE f.id = $1",
            file_id,
        )
        await eye.execute(
            "UPDATE livelihood.item SET state = 'sent' WHERE period = $2 AND id = ANY ($1)",
            items, period,
        )  # fmt: skip
        await self.look()
        return file_id

    async def look(self) -> None:
        self.instructions = await self.desk.eye.fetch(
            "SELECT n.* FROM livelihood.instruction n WHERE n.run_id = $1"
            " ORDER BY n.item_id, n.part, n.attempt",
            UUID(self.run_id),
        )

    async def step(self, *names: str) -> None:
        async with self.desk.runtime.transaction(lone=False) as change:
            for name in names:
                run = await queries.find_run(change, UUID(self.run_id))
                assert run is not None
                await advance(change, run, name, SENDER)

    async def say(self, *rows: str, bank: Caller | None = None, **more: Any) -> httpx.Response:
        """A pain.002 of these rows."""
        return await self.say_xml(pain(*rows), bank=bank, **more)

    async def say_xml(
        self, text: str | bytes, *, bank: Caller | None = None, key: str | None = None,
        media: str = "application/xml", run_id: object = None,
    ) -> httpx.Response:  # fmt: skip
        caller = bank or self.bank()
        return await caller._http.post(
            f"/v1/livelihood/runs/{run_id or self.run_id}/bank-results",
            content=text,
            headers=caller._token | {"idempotency-key": key or str(uuid4()), "content-type": media},
        )

    async def say_plain(self, body: Any, *, bank: Caller | None = None) -> httpx.Response:
        return await (bank or self.bank()).post(f"/runs/{self.run_id}/bank-results", body)

    async def settle(self, *statuses: str, **more: Any) -> dict[str, Any]:
        """The bank says so of the instructions in their order; returns its answer."""
        rows = [
            tx(one, status) for one, status in zip(self.ids(), statuses, strict=False) if status
        ]
        answer = await self.say(*rows, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    # What there is

    async def states(self) -> list[str]:
        await self.look()
        return [row["state"] for row in self.instructions]

    async def items(self) -> Counter[str]:
        rows = await self.desk.eye.fetch(
            "SELECT state FROM livelihood.item WHERE run_id = $1", UUID(self.run_id)
        )
        return Counter(row["state"] for row in rows)

    async def books(self) -> dict[str, int]:
        """What stands in the books of the run, without what stands at nothing."""
        async with self.desk.runtime.transaction() as reading:
            found = await balances(reading, run_id=UUID(self.run_id))
        return {code: amount for code, amount in found.items() if amount}

    async def status(self) -> str:
        status: str = (await self.month.shown(self.run_id))["status"]
        return status


SENDER = Actor(sub="sender-of-tests", roles=frozenset({Role.FINANCE_SENDER}))


async def own_month(desk: Desk) -> Month:
    """A month, with a budget, of the years that are kept for these tests."""
    number = next(_NUMBERS)
    month = Month(desk, 1430 + number // 12, 1 + number % 12)
    assert month.year < 1440, "more months than there are years kept for them"
    await desk.eye.execute(  # what others left for good is in no later month
        "UPDATE livelihood.award SET ends_period = '1419-12'"
        " WHERE ends_period IS NULL AND ends_on IS NULL"
    )
    if month.year not in _with_budget:
        _with_budget.add(month.year)
        await month.budget(10**15)
    return month


async def funded(desk: Desk, households: int, *, sizes: int = 1, held: int = 0) -> Sent:
    """A month of so many households whose funds are secured."""
    month = await own_month(desk)
    await month.households(households, sizes=sizes)
    for _ in range(held):
        await month.household(status="suspended")
    run = await month.frozen()
    assert (await month.fund(run["run_id"])).json()["status"] == "funded"
    return Sent(month, run["run_id"])


async def sent(desk: Desk, households: int = 3, *, parts: int = 1, **more: Any) -> Sent:
    """A month of so many households whose one file the bank has."""
    run = await funded(desk, households, **more)
    items = await run.desk.eye.fetch(
        "SELECT id FROM livelihood.item WHERE run_id = $1 AND state = 'planned' ORDER BY id",
        UUID(run.run_id),
    )
    if items:
        await run.put_in_file([row["id"] for row in items], parts=parts)
    await run.step("build_file", "send")
    return run
