"""What banks say of payments is taken in once, in any order, and booked to the Rial."""

import asyncio
import itertools
import random
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.livelihood.runs.actions import settling
from tests.livelihood.runs.sent import BANK, ONE, own_month, sent
from tests.livelihood.runs.statements import BAD_ROWS, UNREADABLE, camt, entry, plain, tx


def way(amount, **more):
    """What stands in the books of a run that was funded, with so much of it on its way."""
    return {"support": amount, "funding": amount, "funds": amount} | more


# Taken in


@pytest.mark.req("H16", "LV-22")
async def test_the_first_answer_starts_the_settling_and_everything_is_booked(desk):
    run = await sent(desk, 4)
    first = await run.settle("paid")
    assert first == {"accepted": 1, "repeated": 0, "errors": []}
    assert await run.status() == "settling"
    rest = 3 * ONE
    assert await run.books() == way(4 * ONE, funds=rest, **{f"clearing.{BANK}": rest})
    assert await run.settle(None, "returned", "unknown") == {
        "accepted": 2, "repeated": 0, "errors": [],
    }  # fmt: skip
    assert await run.states() == ["paid", "returned", "unknown", "sent"]
    assert await run.items() == {"paid": 1, "returned": 1, "unknown": 1, "sent": 1}
    assert await run.books() == way(
        4 * ONE, funds=rest, returned=ONE, **{"clearing.unknown": ONE, f"clearing.{BANK}": ONE}
    )


async def test_a_statement_and_plain_results_do_the_same(desk):
    run = await sent(desk, 3)
    one, two, three = run.ids()
    answer = await run.say_xml(
        camt(entry(one, amount=ONE), entry(two, "returned", reason="AC04", amount=ONE))
    )
    assert answer.json() == {"accepted": 2, "repeated": 0, "errors": []}
    at = {"at": "2026-11-22T08:30:00Z", "bank_ref": "B-7"}
    answer = await run.say_plain(plain([(three, "paid")], **at))
    assert answer.json() == {"accepted": 1, "repeated": 0, "errors": []}
    kept = await run.desk.eye.fetch(
        "SELECT status, bank_ref, reason, source FROM livelihood.bank_result"
        " WHERE instruction_id = ANY ($1) ORDER BY received_at, status",
        run.ids(),
    )
    assert [tuple(row) for row in kept] == [
        ("paid", "B-1", None, "camt.053"),
        ("returned", "B-1", "AC04", "camt.053"),
        ("paid", "B-7", None, "json"),
    ]
    await run.look()
    assert [row["reason"] for row in run.instructions] == [None, "AC04", None]
    assert run.instructions[2]["settled_at"].isoformat() == "2026-11-22T08:30:00+00:00"


async def test_a_bank_names_its_own_payments_and_no_others(desk):
    run, other = await sent(desk, 2), await sent(desk, 1)
    mine, theirs = run.ids()[0], other.ids()[0]
    stranger = run.bank("012")
    answer = await run.say(tx(mine), bank=stranger)
    assert answer.json() == {
        "accepted": 0, "repeated": 0, "errors": [{"line": 3, "code": "unknown_reference"}],
    }  # fmt: skip
    answer = await run.say(tx(theirs), tx(uuid4()), tx(mine))
    assert answer.json() == {
        "accepted": 1,
        "repeated": 0,
        "errors": [
            {"line": 3, "code": "unknown_reference"},
            {"line": 4, "code": "unknown_reference"},
        ],
    }
    assert await other.states() == ["sent"]
    assert await run.states() == ["paid", "sent"]
    nobody = await run.say(tx(mine), bank=desk.caller("bank"))
    assert nobody.json()["errors"] == [{"line": 3, "code": "unknown_reference"}]


async def test_another_amount_than_ours_is_not_taken_in(desk):
    run = await sent(desk, 2)
    one, two = run.ids()
    answer = await run.say(tx(one, amount=ONE - 1), tx(two, amount=ONE))
    assert answer.json() == {
        "accepted": 1, "repeated": 0, "errors": [{"line": 3, "code": "amount_differs"}],
    }  # fmt: skip
    assert await run.states() == ["sent", "paid"]


@pytest.mark.parametrize("role", ["finance_sender", "operator", "citizen", "auditor"])
async def test_only_a_bank_says_what_became_of_payments(desk, role):
    run = await sent(desk, 1)
    answer = await run.say(tx(run.ids()[0]), bank=desk.caller(role, organisation=BANK))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")
    assert await run.states() == ["sent"]


async def test_nothing_is_known_of_a_run_that_no_bank_has(desk):
    run = await sent(desk, 1)
    absent = await run.say_xml("<x/>", run_id=uuid4())
    assert absent.status_code == 400  # it is read first
    absent = await run.say(tx(run.ids()[0]), run_id=uuid4())
    assert absent.status_code == 404
    opened = await (await own_month(desk)).opened()
    early = await run.say(tx(run.ids()[0]), run_id=opened)
    assert (early.status_code, early.json()["code"]) == (409, "step_not_allowed")


async def test_an_answer_needs_a_key_and_is_given_again_under_it(desk):
    run = await sent(desk, 1)
    bank, row = run.bank(sub="bank-1"), tx(run.ids()[0])
    first = await run.say(row, bank=bank, key="results-1")
    again = await run.say(row, bank=bank, key="results-1")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await run.say(row, row, bank=bank, key="results-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    caller = run.bank()
    missing = await caller._http.post(
        f"/v1/livelihood/runs/{run.run_id}/bank-results",
        content=f"<x>{row}</x>",
        headers=caller._token | {"content-type": "application/xml"},
    )
    assert missing.status_code == 400


# Again, and in any order


@pytest.mark.req("H18")
async def test_the_same_answer_again_is_repeated_and_changes_nothing(desk):
    run = await sent(desk, 2)
    one, two = run.ids()
    rows = tx(one, bank_ref="B-1"), tx(two, "returned", reason="AC04"), tx(one, bank_ref="B-1")
    first = await run.say(*rows)
    assert first.json() == {"accepted": 2, "repeated": 1, "errors": []}
    books, entries = await run.books(), await entries_of(run)
    again = await run.say(*reversed(rows))
    assert again.json() == {"accepted": 0, "repeated": 3, "errors": []}
    assert (await run.books(), await entries_of(run)) == (books, entries)


async def entries_of(run):
    return await run.desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.journal_entry WHERE run_id = $1", UUID(run.run_id)
    )


ORDERS = list(itertools.permutations(("unknown", "paid", "returned")))


@pytest.mark.req("H18", "H17", "H19")
async def test_in_whatever_order_it_comes_it_ends_the_same(desk):
    run = await sent(desk, len(ORDERS))
    for turn in range(3):
        await run.settle(*(order[turn] for order in ORDERS))
    assert await run.states() == ["returned"] * len(ORDERS)
    total = len(ORDERS) * ONE
    assert await run.books() == way(total, returned=total)
    kept = await run.desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.bank_result WHERE instruction_id = ANY ($1)", run.ids()
    )
    assert kept == 3 * len(ORDERS)


@pytest.mark.req("H18")
async def test_shuffled_and_repeated_replies_of_many_end_as_they_should(desk):
    run = await sent(desk, 60)
    chance = random.Random(1405)
    ends = chance.choices(["paid", "returned", "unknown"], k=60)
    before = {"paid": ["unknown"], "returned": ["paid", "unknown"], "unknown": []}
    rows = [
        tx(one, said) for one, end in zip(run.ids(), ends, strict=True)
        for said in (end, end, *before[end])
    ]  # fmt: skip
    chance.shuffle(rows)
    for at in range(0, len(rows), 17):
        assert (await run.say(*rows[at : at + 17])).status_code == 200
    assert await run.states() == ends
    sums = {one: ends.count(one) * ONE for one in ("paid", "returned", "unknown")}
    assert await run.books() == way(
        60 * ONE,
        funds=60 * ONE - sums["paid"],
        returned=sums["returned"],
        **{"clearing.unknown": sums["unknown"]},
    )


@pytest.mark.req("H17")
async def test_a_return_after_the_payment_is_kept_beside_it(desk):
    run = await sent(desk, 1)
    await run.settle("paid")
    assert await run.books() == {"support": ONE, "funding": ONE}
    await run.settle("returned")
    assert await run.states() == ["returned"]
    assert await run.items() == {"returned": 1}
    lines = await run.desk.eye.fetch(
        "SELECT e.kind, p.account, p.side FROM livelihood.journal_entry e"
        " JOIN livelihood.posting p ON p.entry_id = e.id WHERE e.run_id = $1"
        " ORDER BY e.id, p.line OFFSET 4",
        UUID(run.run_id),
    )
    assert [tuple(row) for row in lines] == [
        ("file_accepted", "payable", "debit"),
        ("file_accepted", f"clearing.{BANK}", "credit"),
        ("bank_paid", f"clearing.{BANK}", "debit"),
        ("bank_paid", "funds", "credit"),
        ("paid_returned", "funds", "debit"),
        ("paid_returned", "returned", "credit"),
    ]
    assert await run.books() == way(ONE, returned=ONE)


# Parts


@pytest.mark.req("H16")
async def test_an_item_is_paid_only_when_all_its_parts_are(desk):
    run = await sent(desk, 3, parts=2)
    one_a, one_b, two_a, two_b, three_a, three_b = run.ids()
    await run.say(tx(one_a), tx(two_a, "returned", reason="AC04"), tx(three_b))
    assert await run.items() == {"sent": 3}
    await run.say(tx(one_b), tx(two_b), tx(three_a, "unknown"))
    assert await run.items() == {"paid": 1, "returned": 1, "unknown": 1}
    by_item = {row["item_id"]: row for row in run.instructions}
    assert len(by_item) == 3
    await run.say(tx(three_a))
    assert await run.items() == {"paid": 2, "returned": 1}
    a_third = ONE // 3
    assert await run.books() == way(3 * ONE, funds=a_third, returned=a_third)


# What is malformed


async def untouched(run):
    return await run.states(), await run.items(), await run.books(), await run.status()


async def test_sixty_malformed_shapes_are_refused_or_named_and_nothing_is_half_applied(desk):
    run = await sent(desk, 1)
    before = await untouched(run)
    for shape, content in UNREADABLE.items():
        answer = await run.say_xml(content)
        assert 400 <= answer.status_code < 500, (shape, answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json", shape
        assert b"canary" not in answer.content.lower(), shape
    for shape, (row, code) in BAD_ROWS.items():
        answer = await run.say(row)
        assert answer.status_code == 200, (shape, answer.text)
        assert answer.json() == {
            "accepted": 0, "repeated": 0, "errors": [{"line": 3, "code": code}],
        }, shape  # fmt: skip
    assert await untouched(run) == before


async def test_a_good_row_between_bad_ones_is_taken_in(desk):
    run = await sent(desk, 1)
    bad = [row for row, _ in BAD_ROWS.values()]
    answer = await run.say(*bad[:20], tx(run.ids()[0]), *bad[20:])
    assert answer.json()["accepted"] == 1
    assert [one["code"] for one in answer.json()["errors"]] == [
        code for _, code in BAD_ROWS.values()
    ]
    assert await run.states() == ["paid"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/results"),
        ({"results": []}, "/results"),
        ({"results": [{"status": "paid"}]}, "/results/0/reference"),
        ({"results": [{"reference": "x", "status": "gone"}]}, "/results/0/status"),
        ({"results": [{"reference": "x", "status": "paid", "at": "gone"}]}, "/results/0/at"),
        ({"results": [{"reference": 7, "status": "paid"}]}, "/results/0/reference"),
        ({"results": [{"reference": "x", "status": "paid", "more": 1}]}, "/results/0/more"),
    ],
)
async def test_plain_results_of_another_shape_are_refused_whole(desk, body, pointer):
    run = await sent(desk, 1)
    answer = await run.say_plain(body)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_another_medium_is_refused(desk):
    run = await sent(desk, 1)
    for media in ("text/plain", "application/octet-stream", "multipart/form-data"):
        answer = await run.say_xml(b"x", media=media)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media"), media


async def test_what_a_bank_said_is_never_changed(desk):
    run = await sent(desk, 1)
    await run.settle("paid")
    connection = await asyncpg.connect(desk.settings.dsn("livelihood"))
    try:
        await connection.execute("SET search_path = livelihood")
        for change in (
            "UPDATE bank_result SET status = 'returned'",
            "DELETE FROM bank_result",
            "TRUNCATE bank_result",
            "UPDATE instruction SET amount_rial = 1",
            "DELETE FROM instruction",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()


@pytest.mark.req("H18")
async def test_the_same_answer_many_times_at_once_counts_once(desk):
    run = await sent(desk, 40)
    one, two = run.ids()[:20], run.ids()[20:]
    turns = [
        [*(tx(i) for i in one), *(tx(i, "returned") for i in two)],
        [*(tx(i, "returned") for i in reversed(two)), *(tx(i) for i in reversed(one))],
    ]
    answers = await asyncio.gather(*(run.say(*turns[turn % 2]) for turn in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409, 503}  # who waits too long
    taken = [answer.json() for answer in answers if answer.status_code == 200]
    assert sum(answer["accepted"] for answer in taken) == 40
    assert all(answer["accepted"] + answer["repeated"] == 40 for answer in taken)
    assert await run.states() == ["paid"] * 20 + ["returned"] * 20
    assert await run.books() == way(40 * ONE, funds=20 * ONE, returned=20 * ONE)
    await desk.fire()
    assert await run.status() == "reconciled"


async def test_an_answer_that_breaks_off_leaves_nothing(desk, monkeypatch):
    run = await sent(desk, 3)
    before = await untouched(run)

    async def breaks(*_):
        raise ConnectionError

    monkeypatch.setattr(settling, "book", breaks)
    answer = await run.say(*(tx(one) for one in run.ids()))
    assert answer.status_code == 503
    kept = "SELECT count(*) FROM livelihood.bank_result WHERE instruction_id = ANY ($1)"
    assert await desk.eye.fetchval(kept, run.ids()) == 0
    assert await untouched(run) == before
    monkeypatch.undo()
    assert await run.settle("paid", "paid", "paid") == {
        "accepted": 3, "repeated": 0, "errors": [],
    }  # fmt: skip
