"""A run ends when its items, their parts, its files and the books say the same, to the Rial."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.livelihood.runs.actions import reconciling
from services.livelihood.runs.statements.sums import Sums, off
from tests.livelihood.runs.sent import BANK, ONE, sent
from tests.livelihood.runs.statements import tx


async def close(run, caller=None):
    who = caller or run.desk.caller("finance_approver")
    return await who.post(f"/runs/{run.run_id}/close", {})


async def fate(run):
    await run.desk.fire()
    return await run.status()


# Reconciled and closed


@pytest.mark.req("H17", "LV-22")
async def test_answered_whole_it_is_reconciled_and_closed(desk):
    run = await sent(desk, 5, held=2)
    early = await close(run)
    assert (early.status_code, early.json()["code"]) == (409, "step_not_allowed")
    await run.settle("paid", "paid", "returned", "unknown")
    assert await fate(run) == "settling"
    await run.settle(*[None] * 4, "paid")
    assert await fate(run) == "reconciled"
    closed = await close(run)
    assert closed.status_code == 200, closed.text
    shown = closed.json()
    assert shown["status"] == "closed"
    assert shown["counts"] == {
        "items": 7, "planned": 0, "held": 2, "queued": 0, "paid": 3, "returned": 1, "unknown": 1,
        "withdrawn": 0,
    }  # fmt: skip
    assert shown["totals_rial"] == {
        "approved": 7 * ONE, "planned": 0, "held": 2 * ONE, "queued": 0, "paid": 3 * ONE,
        "returned": ONE, "unknown": ONE, "withdrawn": 0,
    }  # fmt: skip
    assert [past["step"] for past in shown["history"]][-4:] == [
        "send", "start_settling", "reconcile", "close",
    ]  # fmt: skip
    assert await run.month.shown(run.run_id) == shown | {"actions": []}
    again = await close(run)
    assert (again.status_code, again.json()["code"]) == (409, "step_not_allowed")


@pytest.mark.parametrize(
    ("status", "count"),
    [("planned", 0), ("held", 1), ("sent", 1), ("paid", 2), ("returned", 1), ("unknown", 1)],
)
async def test_the_items_of_every_state_are_found(desk, status, count):
    run = await sent(desk, 5, held=1)
    await run.settle("paid", "paid", "returned", "unknown")
    items = await run.month.items(run.run_id, status=status, limit=1)
    assert len(items) == count
    assert {item["status"] for item in items} <= {status}
    assert all(item["status_label"] for item in items)


@pytest.mark.req("H17", "H18")
async def test_a_return_after_the_end_is_booked_and_the_end_stays(desk):
    run = await sent(desk, 2)
    await run.settle("paid", "paid")
    await fate(run)
    assert (await close(run)).status_code == 200
    assert await run.settle("returned") == {"accepted": 1, "repeated": 0, "errors": []}
    assert await fate(run) == "closed"
    shown = await run.month.shown(run.run_id)
    assert (shown["counts"]["paid"], shown["counts"]["returned"]) == (1, 1)
    assert await run.books() == {
        "support": 2 * ONE, "funding": 2 * ONE, "funds": ONE, "returned": ONE,
    }  # fmt: skip
    async with desk.runtime.transaction() as reading:
        found = await reconciling.queries.find_run(reading, UUID(run.run_id))
        assert off(await reconciling.sums(reading, found)) == {}


@pytest.mark.req("H16")
async def test_parts_that_went_different_ways_add_up_too(desk):
    run = await sent(desk, 3, parts=2)
    await run.settle("paid", "returned", "paid", "paid", "unknown", "paid")
    assert await fate(run) == "reconciled"
    third = ONE // 3
    assert await run.books() == {
        "support": 3 * ONE, "funding": 3 * ONE, "funds": ONE - third + third,
        "returned": ONE - third, "clearing.unknown": third,
    }  # fmt: skip
    assert (await close(run)).status_code == 200


async def test_a_run_of_which_everything_is_held_ends_without_a_file(desk):
    run = await sent(desk, 0, held=2)
    async with desk.runtime.transaction(lone=False) as change:
        await reconciling.watch(change, UUID(run.run_id))
    await desk.fire()  # no file, so nothing is waited for
    assert await run.status() == "reconciled"
    assert (await close(run)).json()["counts"]["held"] == 2


@pytest.mark.parametrize("role", ["bank", "citizen", "operator", "auditor", "approver"])
async def test_only_finance_closes_a_run(desk, role):
    run = await sent(desk, 1)
    await run.settle("paid")
    await fate(run)
    answer = await close(run, desk.caller(role, organisation=BANK))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


# What does not add up

DEFECTS = {
    "an item lost": (
        """DELETE FROM livelihood.item WHERE run_id = $1 AND id = (SELECT item_id FROM
        livelihood.instruction WHERE run_id = $1 ORDER BY item_id LIMIT 1)""",
        {"items", "items_rial"},
    ),
    "an item that is worth more": (
        "UPDATE livelihood.item SET amount_rial = amount_rial + 1 WHERE run_id = $1",
        {"items_rial", "held_rial", "settled_rial"},
    ),
    "an item forgotten": (
        "UPDATE livelihood.item SET state = 'planned' WHERE run_id = $1",
        {"items_not_settled", "held_rial", "settled_rial"},
    ),
    "a payment that was none": (
        "UPDATE livelihood.instruction SET state = 'returned' WHERE run_id = $1 AND state = 'paid'",
        {"paid_rial", "returned_rial"},
    ),
    "an instruction too much": (
        """INSERT INTO livelihood.instruction (period, id, item_id, part, attempt, run_id,
        file_id, payee_account_id, bank_code, amount_rial, state)
        SELECT period, gen_random_uuid(), item_id, 9, 1, run_id, file_id, payee_account_id,
        bank_code, 7, 'paid' FROM livelihood.instruction WHERE run_id = $1 LIMIT 1""",
        {"paid_rial", "settled_rial", "files", "files_rial"},
    ),
    "a file that says less": (
        "UPDATE livelihood.bank_file SET amount_rial = amount_rial - 1 WHERE run_id = $1",
        {"files_rial"},
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
async def test_a_run_that_does_not_add_up_is_not_closed_and_says_why(desk, defect):
    change, named = DEFECTS[defect]
    run = await sent(desk, 3, held=1)
    await run.settle("paid", "paid", "returned")
    assert await fate(run) == "reconciled"
    await desk.eye.execute(change, UUID(run.run_id))
    refused = await close(run)
    assert (refused.status_code, refused.json()["code"]) == (409, "run_does_not_balance")
    assert set(refused.json()["off"]) == named
    assert all(one["is"] != one["should_be"] for one in refused.json()["off"].values())
    assert await run.status() == "reconciled"


async def test_sums_that_differ_keep_a_run_from_being_reconciled(desk):
    run = await sent(desk, 1)
    await run.settle("paid")
    await desk.eye.execute(
        "UPDATE livelihood.bank_file SET rows = rows + 1 WHERE run_id = $1", UUID(run.run_id)
    )
    with pytest.raises(RuntimeError, match="files"):
        await reconciling.go_on(desk.runtime, UUID(run.run_id))
    assert await run.status() == "settling"
    await desk.eye.execute(
        "UPDATE livelihood.bank_file SET rows = rows - 1 WHERE run_id = $1", UUID(run.run_id)
    )
    assert await reconciling.go_on(desk.runtime, UUID(run.run_id)) is None
    assert await run.status() == "reconciled"


def test_each_sum_stands_for_itself():
    good = Sums(
        approved=(4, 40),
        items={"held": (1, 10), "paid": (1, 10), "returned": (1, 10), "unknown": (1, 10)},
        parts={"held": 10, "paid": 10, "returned": 10, "unknown": 10},
        files=(3, 30, 3, 30),
        books={
            "support": 40, "payable": 10, "funding": 40, "funds": 30, "returned": 10,
            "clearing.unknown": 10,
        },
        on_the_way=0,
    )  # fmt: skip
    assert off(good) == {}
    moved = good.books | {"payable": 9, "clearing.017": 1}
    other = Sums(good.approved, good.items, good.parts, good.files, moved, 1)
    assert off(other) == {
        "held_rial": {"is": 10, "should_be": 9},
        "on_the_way_rial": {"is": 1, "should_be": 0},
    }


# No answer


async def overdue(run, hours=73):
    """Time goes on without an answer."""
    await run.desk.eye.execute(
        "UPDATE livelihood.bank_file SET sent_at = sent_at - $2::interval WHERE run_id = $1",
        UUID(run.run_id),
        timedelta(hours=hours),
    )
    again = await reconciling.go_on(run.desk.runtime, UUID(run.run_id))
    for _ in range(5):
        if again is None or again > run.desk.runtime.clock.now():
            break
        again = await reconciling.go_on(run.desk.runtime, UUID(run.run_id))
    return again


@pytest.mark.req("H19")
async def test_before_its_time_a_missing_answer_is_waited_for(desk):
    run = await sent(desk, 2)
    await run.settle("paid")
    again = await overdue(run, hours=71)
    left = again - desk.runtime.clock.now()
    assert timedelta(minutes=59) < left < timedelta(minutes=61)
    assert await run.states() == ["paid", "sent"]


@pytest.mark.req("H19")
async def test_without_an_answer_a_payment_is_unknown_and_never_sent_again(desk):
    run = await sent(desk, 3)
    await run.settle("paid")
    assert await overdue(run) is None
    assert await run.states() == ["paid", "unknown", "unknown"]
    assert {row["reason"] for row in run.instructions} == {None, "not_found"}
    assert await run.items() == {"paid": 1, "unknown": 2}
    assert await run.books() == {
        "support": 3 * ONE, "funding": 3 * ONE, "funds": 2 * ONE, "clearing.unknown": 2 * ONE,
    }  # fmt: skip
    assert await run.status() == "reconciled"
    assert (await close(run)).json()["counts"]["unknown"] == 2
    files = await desk.eye.fetchval(
        "SELECT sum(attempt) FROM livelihood.bank_file WHERE run_id = $1", UUID(run.run_id)
    )
    assert files == 1
    # Final is only what the bank reports, then or later.
    await run.settle(None, "paid", "returned")
    assert await run.states() == ["paid", "paid", "returned"]
    assert await run.books() == {
        "support": 3 * ONE, "funding": 3 * ONE, "funds": ONE, "returned": ONE,
    }  # fmt: skip


@pytest.mark.req("H19")
@pytest.mark.parametrize("mode", ["error", "timeout"])
async def test_a_bank_that_does_not_answer_the_question_leaves_it_unknown(desk, mode):
    run = await sent(desk, 12)
    await desk.fault("bank", mode)
    try:
        assert await overdue(run) is None
    finally:
        await desk.fault("bank", "ok")
    assert await run.states() == ["unknown"] * 12
    assert {row["reason"] for row in run.instructions} == {"no_answer"}


@pytest.mark.req("H19")
async def test_an_answer_that_comes_while_the_bank_is_asked_is_kept(desk, monkeypatch):
    run = await sent(desk, 2)

    async def and_meanwhile(_, reference):
        if reference == run.ids()[0]:
            await run.say(tx(reference))
        return "accepted"

    monkeypatch.setattr(reconciling, "payment_of", and_meanwhile)
    assert await overdue(run) is None
    assert await run.states() == ["paid", "unknown"]
    assert run.instructions[1]["reason"] == "accepted"


@pytest.mark.req("H19")
async def test_a_file_of_which_nobody_knows_is_not_settled_by_waiting(desk):
    run = await sent(desk, 1)
    await desk.eye.execute(
        "UPDATE livelihood.bank_file SET state = 'unknown' WHERE run_id = $1", UUID(run.run_id)
    )
    assert await overdue(run, hours=900) > desk.runtime.clock.now()
    assert await run.states() == ["sent"]
    assert await run.status() == "sent"


# Refused files


async def test_what_a_refused_file_held_has_never_left(desk):
    run = await sent(desk, 2)
    eye, run_id = desk.eye, UUID(run.run_id)
    await run.settle("paid")
    item = run.instructions[1]["item_id"]
    await eye.execute(
        "UPDATE livelihood.instruction SET state = 'returned', reason = 'file_rejected',"
        " file_id = $3 WHERE run_id = $1 AND item_id = $2",
        run_id, item, uuid4(),
    )  # fmt: skip
    await eye.execute(
        "UPDATE livelihood.item SET state = 'held', reason = 'file_rejected' WHERE id = $1", item
    )
    async with desk.runtime.transaction() as reading:
        found = await reconciling.queries.find_run(reading, run_id)
        sums = await reconciling.sums(reading, found)
    assert sums.parts == {"paid": ONE, "held": ONE}
