"""A month with households of its own: no other test's awards are in its run.

Every test takes a year before the agency's own history. Awards begin and end with their month.
"""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from shared.values.calendar import period_bounds
from tests import make
from tests.livelihood.desk import Caller, Desk

RATES = (1_000_000, 1_500_000, 2_000_000, 2_600_000, 3_100_000)
_YEARS = count(1345)  # the rates have tests of their own in earlier years

# Alike to the tables of the rates, as far as a run reads them.
TABLES = """
CREATE TABLE IF NOT EXISTS livelihood.rate (
    id uuid PRIMARY KEY, covered_size smallint NOT NULL, amount_rial bigint NOT NULL,
    from_period integer NOT NULL, to_period integer, approval_ref text NOT NULL,
    source_ref text NOT NULL, confidence text NOT NULL, confirmed_by text, announced_on date,
    written_by text NOT NULL, written_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS livelihood.budget (
    year smallint, version smallint, amount_rial bigint NOT NULL, approval_ref text NOT NULL,
    source_ref text NOT NULL, confidence text NOT NULL, confirmed_by text,
    written_by text NOT NULL, written_at timestamptz NOT NULL, PRIMARY KEY (year, version));
GRANT SELECT ON livelihood.rate, livelihood.budget TO soha_livelihood
"""
_AWARDS = """
WITH made AS MATERIALIZED (
    SELECT g, uuidv7() AS id, uuidv7() AS case_id, uuidv7() AS account_id,
           gen_random_uuid() AS household_id, gen_random_uuid() AS person_id
    FROM generate_series(1, $1::int) g
), cases AS (
    INSERT INTO livelihood."case" (id, tracking_code, status, version, person_ids, holders, kin,
        opened_at, changed_at, application_id, origin, applicant_id, subject_id, applicant_index,
        submitted_on, reason, priority, address, household, members, sheba, account_state, award_id)
    SELECT case_id, 'T-' || case_id, 'active', 1, ARRAY[person_id], '{}', '{}', $4, $4, case_id,
        'request', person_id, person_id, '\\x00', $6, 'no_head', 1, '\\x00', '\\x00', 1, '\\x00',
        'verified', id
    FROM made
), accounts AS (
    INSERT INTO livelihood.payee_account (id, person_id, sheba, verified_at, created_at)
    SELECT account_id, person_id, '\\x00', $4, $4 FROM made
), awards AS (
    INSERT INTO livelihood.award (id, case_id, tracking_code, household_id, payee_id,
        payee_account_id, person_ids, status, version, reason, covered_size, start_period,
        started_on, ends_on, created_at)
    SELECT id, case_id, 'T-' || case_id, household_id, person_id, account_id, ARRAY[person_id],
        'active', 1, 'no_head', 1 + (g - 1) % $2::int, $3, $6, $5, $4
    FROM made
)
SELECT id, household_id, (1 + (g - 1) % $2::int)::int AS covered_size FROM made ORDER BY g
"""


@dataclass
class Month:
    """A Jalali month of a year that is this test's own."""

    desk: Desk
    year: int
    number: int = 5

    @property
    def period(self) -> str:
        return f"{self.year}-{self.number:02d}"

    @property
    def as_number(self) -> int:
        return self.year * 100 + self.number

    def next(self) -> "Month":
        return Month(self.desk, self.year, self.number + 1)

    @property
    def preparer(self) -> Caller:
        return self.desk.caller("finance_preparer")

    @property
    def funder(self) -> Caller:
        return self.desk.caller("finance_approver")

    @property
    def sender(self) -> Caller:
        return self.desk.caller("finance_sender")

    # What there is before a run

    async def rate(self, size: int, amount: int, first: int, last: int | None) -> None:
        await self.desk.eye.execute(
            "INSERT INTO livelihood.rate (id, covered_size, amount_rial, from_period, to_period,"
            " approval_ref, source_ref, confidence, written_by, written_at)"
            " VALUES ($1, $2, $3, $4, $5, 'A-1', 'A-1', 'H', 'operator', now())",
            uuid4(), size, amount, first, last,
        )  # fmt: skip

    async def rates(self, amounts: tuple[int, ...] = RATES) -> None:
        """Rates of the whole year."""
        for size, amount in enumerate(amounts, start=1):
            await self.rate(size, amount, self.year * 100 + 1, self.year * 100 + 12)

    async def budget(self, amount: int, *, version: int = 1) -> None:
        await self.desk.eye.execute(
            "INSERT INTO livelihood.budget (year, version, amount_rial, approval_ref, source_ref,"
            " confidence, written_by, written_at) VALUES ($1, $2, $3, 'B-1', 'B-1', 'H',"
            " 'operator', now())",
            self.year, version, amount,
        )  # fmt: skip

    async def households(self, number: int = 1, *, sizes: int = 1) -> list[asyncpg.Record]:
        """So many awards of this month, their sizes going round from one to `sizes`."""
        first, last = period_bounds(self.period)
        return await self.desk.eye.fetch(
            _AWARDS, number, sizes, self.period, self.desk.runtime.clock.now(), last, first
        )

    async def household(self, **changed: Any) -> asyncpg.Record:
        """One award, with columns of it changed by whoever may."""
        [award] = await self.households()
        for column, value in changed.items():
            await self.desk.eye.execute(
                f"UPDATE livelihood.award SET {column} = $2 WHERE id = $1", award["id"], value
            )
        return award

    async def account(self, award_id: UUID, sheba: str, *, owner: UUID | None = None) -> UUID:
        """A verified account for an award, its payee's own unless told otherwise."""
        account_id = uuid4()
        sealed = self.desk.runtime.crypto.seal_json(
            sheba, table="livelihood.payee_account", column="sheba", row=account_id
        )
        await self.desk.eye.execute(
            "WITH made AS (INSERT INTO livelihood.payee_account (id, person_id, sheba, verified_at,"
            " created_at) SELECT $2, coalesce($4, payee_id), $3, now(), now()"
            " FROM livelihood.award WHERE id = $1)"
            " UPDATE livelihood.award SET payee_account_id = $2 WHERE id = $1",
            *(award_id, account_id, sealed, owner),
        )
        return account_id

    async def paid_households(
        self, number: int = 1, *, sizes: int = 1, banks: tuple[str, ...] = ("017",)
    ) -> dict[UUID, str]:
        """So many awards with accounts at these banks in turn: each award's Sheba."""
        found = {}
        for at, award in enumerate(await self.households(number, sizes=sizes)):
            found[award["id"]] = make.sheba(banks[at % len(banks)])
            await self.account(award["id"], found[award["id"]])
        return found

    # The run

    async def open(self, caller: Caller | None = None, *, key: str | None = None) -> httpx.Response:
        body = {"period": self.period, "kind": "regular"}
        return await (caller or self.preparer).post("/runs", body, key=key)

    async def opened(self) -> UUID:
        answer = await self.open()
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["run_id"])

    async def frozen(self) -> dict[str, Any]:
        """The run with its snapshot taken by its own timer."""
        run_id = await self.opened()
        await self.desk.fire()
        run = await self.shown(run_id)
        assert run["status"] == "snapshot"
        return run

    async def shown(self, run_id: object) -> dict[str, Any]:
        answer = await self.preparer.get(f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    async def fund(self, run_id: object, caller: Caller | None = None) -> httpx.Response:
        body = {"approval_ref": "1405/120"}
        return await (caller or self.funder).post(f"/runs/{run_id}/fund", body)

    async def funded(self) -> str:
        """A frozen run with its funds secured."""
        run = await self.frozen()
        answer = await self.fund(run["run_id"])
        assert answer.json()["status"] == "funded", answer.text
        return str(run["run_id"])

    async def build(self, run_id: object, caller: Caller | None = None) -> httpx.Response:
        return await (caller or self.sender).post(f"/runs/{run_id}/build-file")

    async def built(self) -> str:
        """A funded run with its payment files."""
        run_id = await self.funded()
        await self.wholly_built(run_id)
        return run_id

    async def wholly_built(self, run_id: object) -> None:
        """Ask until every file is there: on a busy machine one request may not be enough."""
        for _ in range(60):
            answer = await self.build(run_id)
            if answer.status_code != 202:
                break
        assert (await self.shown(run_id))["status"] == "file_built", answer.text

    async def send(self, run_id: object, caller: Caller | None = None) -> httpx.Response:
        return await (caller or self.sender).post(f"/runs/{run_id}/send")

    async def sent(self) -> str:
        """A run whose files are with their banks."""
        run_id = await self.built()
        answer = await self.send(run_id)
        assert (answer.status_code, answer.json()["status"]) == (200, "sent"), answer.text
        await self.desk.fire()
        return run_id

    async def files(self, run_id: object) -> list[dict[str, Any]]:
        answer = await self.preparer.get(f"/runs/{run_id}/files", limit=200)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def instructions(self, run_id: object) -> list[asyncpg.Record]:
        """Every instruction in the files of a run."""
        return await self.desk.eye.fetch(
            "SELECT i.* FROM livelihood.instruction i JOIN livelihood.bank_file f"
            " ON f.id = i.file_id WHERE f.run_id = $1 ORDER BY i.period, i.id",
            UUID(str(run_id)),
        )

    async def items(self, run_id: object, **filters: Any) -> list[dict[str, Any]]:
        """Every item, page by page."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await self.preparer.get(f"/runs/{run_id}/items", **filters, **more)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def kept(self) -> list[asyncpg.Record]:
        """The items of this month as they stand in the database, whoever's run they are of."""
        return await self.desk.eye.fetch(
            "SELECT * FROM livelihood.item WHERE period = $1 ORDER BY id", self.as_number
        )


def a_month(desk: Desk) -> Month:
    """A month that no other test has."""
    return Month(desk, next(_YEARS))
