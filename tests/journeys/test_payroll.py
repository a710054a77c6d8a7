"""A month's stipends: from the award to the bank and back, through the door, to the Rial."""

import random
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

import pytest

from services.livelihood.ledger.queries import balances
from tests.journeys.test_widow import CONFIRM, Story
from tests.livelihood.runs.month import Month
from tests.livelihood.runs.statements import pain, tx

PERIOD = "1439-12"
RUNS = "/v1/livelihood/runs"
HOUSEHOLDS = 1_000


class Payroll:
    """A month as its people see it at the gateway."""

    def __init__(self, agency):
        self.agency = agency
        self.path = ""

    async def do(self, role, action, body=None, **claims):
        caller = await self.agency.caller(role, **claims)
        answer = await caller.post(f"{self.path}/{action}", body or {})
        assert answer.status_code == 200, (action, answer.text)
        return answer.json()

    async def shown(self):
        caller = await self.agency.caller("finance_preparer")
        return (await caller.get(self.path)).json()

    async def until(self, status):
        async def stands():
            return (await self.shown())["status"] == status

        await self.agency.until(stands, within_s=30)

    async def pages(self, what, **filters):
        caller, found, cursor = await self.agency.caller("finance_sender"), [], None
        while True:
            more = {"limit": 200} | filters | ({"cursor": cursor} if cursor else {})
            page = (await caller.get(f"{self.path}/{what}", params=more)).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def books(self):
        async with self.agency.runtime("livelihood").transaction() as reading:
            return await balances(reading, run_id=UUID(self.path.rsplit("/", 1)[1]))

    # The banks

    async def settle(self, file, **shares):
        """The bank decides about a file; what it says of it is not yet told."""
        body = {"file_id": file["file_id"], "tell": False} | shares
        answer = await self.agency.sandbox.post("/bank/settle", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    async def tell(self, file, results):
        bank = await self.agency.caller("bank", organisation=file["bank_code"])
        return await bank.post(f"{self.path}/bank-results", {"results": results})

    async def report(self, file, results):
        """The same as a pain.002."""
        bank = await self.agency.caller("bank", organisation=file["bank_code"])
        rows = [
            tx(one["reference"], one["status"], reason=one["reason"], bank_ref=one["bank_ref"])
            for one in results
        ]
        return await bank.request(
            "POST",
            f"{self.path}/bank-results",
            content=pain(*rows),
            headers={"content-type": "application/xml"},
        )

    async def transfers(self, file):
        answer = await self.agency.sandbox.get(
            "/bank/transfers", params={"file_id": file["file_id"]}
        )
        return answer.json()["items"]


async def supported(agency):
    """A widow whose award goes on into the month of this journey."""
    story = Story(agency)
    await story.to_visited()
    await story.step("approver", "confirm", CONFIRM)
    citizen = await agency.citizen(story.widow)
    case = (await citizen.get(f"/v1/livelihood/cases/{story.code}")).json()
    assert case["status"] == "active", case
    await agency.eye.execute(
        "UPDATE livelihood.award SET ends_on = NULL, ends_period = NULL WHERE id = $1",
        UUID(case["award_id"]),
    )
    return citizen, case["award_id"]


async def neighbours(agency):
    """Many households with accounts at two banks, for this month only."""
    desk = SimpleNamespace(eye=agency.eye, runtime=agency.runtime("livelihood"))
    month = Month(desk, 1439, 12)
    return await month.paid_households(HOUSEHOLDS, sizes=5, banks=("017", "013"))


@pytest.mark.req("LV-02", "LV-20", "LV-21", "LV-22", "H18", "H19")
async def test_a_month_is_paid_to_the_rial_and_closed(agency):
    citizen, award_id = await supported(agency)
    await neighbours(agency)
    operator = await agency.caller("operator")
    budget = {"year": 1439, "amount_rial": 10**15, "approval_ref": "1439/1"}
    await operator.post("/v1/livelihood/budgets", budget)

    run = Payroll(agency)
    preparer = await agency.caller("finance_preparer")
    opening = {"period": PERIOD, "kind": "regular"}
    opened = await preparer.post(RUNS, opening)
    assert opened.status_code == 202, opened.text
    run.path = f"{RUNS}/{opened.json()['run_id']}"
    second = await preparer.post(RUNS, opening)
    assert (second.status_code, second.json()["code"]) == (409, "run_exists")
    await run.until("snapshot")
    await run.do("finance_approver", "fund", {"approval_ref": "1439/12/1"})
    await run.do("finance_sender", "build-file")
    await run.do("finance_sender", "send")

    async def accepted():
        return {file["status"] for file in await run.pages("files")} == {"accepted"}

    await agency.until(accepted, within_s=30)
    files, items = await run.pages("files"), await run.pages("items", status="sent")
    approved = (await run.shown())["totals_rial"]["approved"]
    assert len(items) == sum(file["rows"] for file in files) > HOUSEHOLDS
    assert sum(item["amount_rial"] for item in items) == sum(f["amount_rial"] for f in files)
    [mine] = (await citizen.get("/v1/livelihood/payments")).json()["items"]
    assert (mine["award_id"], mine["period"], mine["status"]) == (award_id, PERIOD, "sent")
    assert mine["promised_on"] is not None

    chance = random.Random(1405)

    for file in files:
        results = await run.settle(file, returned=0.02, unknown=0.01)
        chance.shuffle(results)
        half = len(results) // 2
        first = await run.tell(file, results[:half])
        again = await run.tell(file, results[: half // 2])
        rest = await run.report(file, results[half // 2 :])
        assert first.json() == {"accepted": half, "repeated": 0, "errors": []}
        assert again.json() == {"accepted": 0, "repeated": half // 2, "errors": []}
        assert rest.json() == {
            "accepted": len(results) - half,
            "repeated": half - half // 2,
            "errors": [],
        }
    await run.until("reconciled")
    await run.do("finance_approver", "close")
    await agency.settled()

    closed = await run.shown()
    assert closed["status"] == "closed"
    counts, totals = closed["counts"], closed["totals_rial"]
    assert counts["items"] == counts["held"] + sum(
        counts[name] for name in ("paid", "returned", "unknown")
    )
    assert approved == totals["held"] + sum(
        totals[name] for name in ("paid", "returned", "unknown")
    )
    assert min(counts["returned"], counts["unknown"]) > 0
    journal, rial = Counter(), Counter()
    for file in files:
        for transfer in await run.transfers(file):
            journal[transfer["status"]] += 1
            rial[transfer["status"]] += transfer["amount_rial"]
    assert journal == {name: counts[name] for name in ("paid", "returned", "unknown")}
    assert rial == {name: totals[name] for name in ("paid", "returned", "unknown")}
    books = await run.books()
    assert books["support"] == books["funding"] == approved
    assert books["funding"] - books["funds"] == rial["paid"]
    assert (books["returned"], books["clearing.unknown"]) == (rial["returned"], rial["unknown"])
    assert books["payable"] == totals["held"]
    assert {code: books[code] for code in books if code in ("clearing.017", "clearing.013")} == {
        "clearing.017": 0,
        "clearing.013": 0,
    }
