"""What came back or was held is paid once, with a later month, when there is an account for it."""

from uuid import UUID, uuid4

import pytest

from services.livelihood.runs import queries
from services.livelihood.runs.actions.reconciling import sums
from services.livelihood.runs.statements.sums import off
from tests import make
from tests.livelihood.runs.sent import ONE, Sent, own_month
from tests.livelihood.runs.statements import plain


class Paid(Sent):
    """A run that was really built and sent; its banks say what a test tells them to."""

    async def look(self):
        self.instructions = await self.month.instructions(self.run_id)

    async def banks_say(self, status, *, but=None, **more):
        """Every bank says so of its instructions in this run's files, but of some otherwise."""
        await self.look()
        for bank in {row["bank_code"] for row in self.instructions}:
            mine = [row for row in self.instructions if row["bank_code"] == bank]
            rows = [(row["id"].hex, (but or {}).get(row["item_id"], status)) for row in mine]
            answer = await self.say_plain(plain(rows, **more), bank=self.bank(bank))
            assert answer.json()["errors"] == [], answer.text

    async def ended(self):
        await self.desk.fire()
        closed = await self.month.funder.post(f"/runs/{self.run_id}/close", {})
        assert (closed.status_code, closed.json()["status"]) == (200, "closed"), closed.text
        return closed.json()

    async def adds_up(self):
        async with self.desk.runtime.transaction() as reading:
            run = await queries.find_run(reading, UUID(self.run_id))
            return off(await sums(reading, run)) == {}


async def paid_month(desk):
    """The next month of these tests, sent; its run."""
    month = await own_month(desk)
    await month.paid_households(1)
    return Paid(month, await month.sent())


async def items_of(run):
    rows = await run.month.kept()
    return {row["award_id"]: row for row in rows}


@pytest.mark.req("H17", "H22", "LV-22")
async def test_what_came_back_and_what_was_held_is_paid_once_with_a_later_month(desk):
    month = await own_month(desk)
    returned, paid, held = await month.paid_households(3)
    await month.account(held, make.sheba(), owner=uuid4())  # it belongs to another person
    first = Paid(month, await month.sent())
    items = await items_of(first)
    assert (items[held]["state"], items[held]["reason"]) == ("held", "account_missing")
    await first.banks_say("paid", but={items[returned]["id"]: "returned"}, reason="AC04")
    closed = await first.ended()
    assert {name: n for name, n in closed["counts"].items() if n} == {
        "items": 3, "held": 1, "paid": 1, "returned": 1,
    }  # fmt: skip
    assert closed["totals_rial"]["paid"] == ONE  # what came back is owed, and is not paid
    assert await first.books() == {
        "support": 3 * ONE, "payable": ONE, "funding": 3 * ONE, "funds": 2 * ONE, "returned": ONE,
    }  # fmt: skip

    # Nothing has changed about their accounts: the next month does not take them along.
    second = await paid_month(desk)
    assert {row["run_id"] for row in await month.instructions(second.run_id)} == {
        UUID(second.run_id)
    }
    await second.banks_say("paid")
    await second.ended()

    # Now both have one of their own, at other banks.
    await month.account(returned, make.sheba("012"))
    await month.account(held, make.sheba("013"))
    third = await paid_month(desk)
    taken = [
        row for row in await month.instructions(third.run_id) if row["run_id"] == UUID(first.run_id)
    ]
    assert {(row["item_id"], row["attempt"]) for row in taken} == {
        (items[returned]["id"], 2),
        (items[held]["id"], 1),
    }
    assert {award: row["state"] for award, row in (await items_of(first)).items()} == {
        returned: "sent", paid: "paid", held: "sent",
    }  # fmt: skip
    await third.banks_say("paid")
    # A later month pays it; it stays in the books of its own.
    assert await first.books() == {"support": 3 * ONE, "funding": 3 * ONE}
    assert await third.books() == {"support": ONE, "funding": ONE}
    assert await first.status() == "closed"
    assert await first.adds_up()
    assert await third.adds_up()
    await third.ended()
    fourth = await paid_month(desk)
    rows = await month.instructions(fourth.run_id)
    assert {row["run_id"] for row in rows} == {UUID(fourth.run_id)}


@pytest.mark.req("H17", "H18")
async def test_a_second_return_is_tried_again_only_with_yet_another_account(desk):
    month = await own_month(desk)
    [award] = await month.paid_households(1)
    first = Paid(month, await month.sent())
    await first.banks_say("returned", reason="AC04")
    await month.account(award, make.sheba())
    second = await paid_month(desk)
    item = (await items_of(first))[award]["id"]
    await second.banks_say("paid", but={item: "returned"}, reason="AC06", bank_ref="B-2")
    # What the bank says again of the first attempt changes nothing about the second.
    await first.banks_say("returned", reason="AC04")
    assert await first.books() == {
        "support": ONE, "funding": ONE, "funds": ONE, "returned": ONE,
    }  # fmt: skip
    third = await paid_month(desk)
    assert len(await month.instructions(third.run_id)) == 1
    await month.account(award, make.sheba())
    fourth = await paid_month(desk)
    attempts = {row["item_id"]: row["attempt"] for row in await month.instructions(fourth.run_id)}
    assert attempts[item] == 3
    await fourth.banks_say("paid")
    assert await first.books() == {"support": ONE, "funding": ONE}
    assert await first.adds_up()


@pytest.mark.req("H19")
async def test_what_is_unknown_is_never_taken_along(desk):
    month = await own_month(desk)
    [award] = await month.paid_households(1)
    first = Paid(month, await month.sent())
    await first.banks_say("unknown")
    await month.account(award, make.sheba())
    second = await paid_month(desk)
    rows = await month.instructions(second.run_id)
    assert {row["run_id"] for row in rows} == {UUID(second.run_id)}
    assert (await items_of(first))[award]["state"] == "unknown"


@pytest.mark.req("H19")
async def test_what_a_bank_only_says_when_asked_ends_nothing(desk):
    month = await own_month(desk)
    awards = await month.paid_households(2)
    run = Paid(month, await month.sent())
    await desk.eye.execute(
        "UPDATE livelihood.bank_file SET sent_at = sent_at - interval '73 hours' WHERE run_id = $1",
        UUID(run.run_id),
    )
    [file] = await month.files(run.run_id)
    decided = await desk.sandbox.post(
        "/bank/settle", json={"file_id": file["file_id"], "tell": False}
    )
    assert decided.json()["paid"] == len(awards)
    await due_now(run)
    assert {(row["state"], row["reason"]) for row in await month.instructions(run.run_id)} == {
        ("unknown", "paid")
    }
    assert await run.books() == {
        "support": 2 * ONE, "funding": 2 * ONE, "funds": 2 * ONE, "clearing.unknown": 2 * ONE,
    }  # fmt: skip
    assert await run.status() == "reconciled"
    answer = await run.say_plain({"results": decided.json()["results"]})
    assert answer.json() == {"accepted": 2, "repeated": 0, "errors": []}
    assert await run.books() == {"support": 2 * ONE, "funding": 2 * ONE}
    assert (await run.ended())["counts"]["paid"] == 2


async def due_now(run):
    """The time that banks have for their answers is over."""
    await run.desk.eye.execute(
        "UPDATE livelihood.timer SET due_at = now() - interval '1 day', leased_until = NULL"
        " WHERE kind = 'reconcile_run' AND subject_id = $1",
        UUID(run.run_id),
    )
    await run.desk.fire()
