"""What is owed for closed months is written down once and paid apart; no item is ever edited."""

import asyncio

import pytest

from tests.livelihood.runs.season import RATES

RISEN = tuple(amount * 12 // 10 for amount in RATES)


@pytest.mark.req("H13")
async def test_a_rise_that_is_announced_late_is_paid_apart_for_the_months_since(season):
    award = await season.household(3)
    for month in (1, 2, 3):
        await season.closed(month)
    before = await season.items(award)
    await season.rates(RISEN, since=2)
    run = await season.closed(3, "arrears")
    rise = RISEN[2] - RATES[2]
    assert await season.adjusted(award) == [(2, rise, "rate"), (3, rise, "rate")]
    [item] = (await season.items(award, kind="arrears")).values()
    assert (item["amount_rial"], item["component"]) == (2 * rise, "arrears")
    assert await season.adjusted(award, "arrears") == [(2, -rise, "arrears"), (3, -rise, "arrears")]
    assert await season.items(award) == before
    await season.closed(4)
    assert await season.paid(award) == {1: RATES[2], 2: RATES[2], 3: RATES[2], 4: RISEN[2]}
    books = await season.booked(run)
    assert books["support"] == books["payable"] == run["totals_rial"]["approved"] >= 2 * rise


@pytest.mark.req("H13")
async def test_reckoned_again_nothing_new_is_found(season):
    award = await season.household(2)
    await season.closed(1)
    await season.rates(RISEN, since=1)
    await season.closed(1, "arrears")
    found = await season.adjusted(award)
    assert found == [(1, RISEN[1] - RATES[1], "rate")]
    await season.closed(2, "arrears")
    await season.closed(2)
    await season.closed(3, "arrears")
    assert await season.adjusted(award) == found
    assert list(await season.paid(award, kind="arrears")) == [1]
    assert await season.open(award) == 0


@pytest.mark.req("H24")
async def test_an_exit_that_an_objection_reverses_is_made_good_from_the_wrongful_month(season):
    award = await season.household(4)
    await season.closed(1)
    season.on(1, 28)
    await season.does("approver", award, "stop", {"reasons": ["کسب و کار پایدار است"]})
    await season.does("intake_officer", award, "object", {"text": "کسب و کاری ندارم"})
    for month in (2, 3):
        await season.closed(month)
    assert list(await season.paid(award)) == [1]
    assert await season.adjusted(award) == []
    body = {"outcome": "accepted", "reasons": ["قطع پرداخت درست نبود"]}
    await season.does("approver", award, "decide-objection", body)
    await season.closed(3, "arrears")
    await season.closed(4)
    given = [(2, RATES[3], "given_back"), (3, RATES[3], "given_back")]
    assert await season.adjusted(award) == given
    assert await season.paid(award, kind="arrears") == {3: 2 * RATES[3]}
    assert await season.paid(award) == {1: RATES[3], 4: RATES[3]}


@pytest.mark.req("H24")
async def test_what_a_suspension_held_is_an_item_of_its_own_and_not_owed_twice(season):
    award = await season.household(2)
    season.on(1, 5)
    await season.does("social_worker", award, "suspend", {"reason": "در دسترس نبود"})
    await season.closed(1)
    await season.closed(2)
    await season.does("approver", award, "resume", {"reason": "مدرک رسید"})
    await season.closed(2, "arrears")
    await season.closed(3)
    items = await season.items(award)
    assert [(item["state"], item["reversed"]) for item in items.values()] == [
        ("held", False),
        ("held", False),
        ("planned", False),
    ]
    assert await season.adjusted(award) == []
    assert await season.paid(award, kind="arrears") == {}


async def test_what_was_held_and_is_not_due_any_more_is_neither_paid_nor_recovered(season):
    award = await season.household(2)
    season.on(2, 5)
    await season.closed(1)
    season.on(2, 5)
    await season.does("social_worker", award, "suspend", {"reason": "در دسترس نبود"})
    held_in = await season.closed(2)
    await season.does("approver", award, "stop", {"reasons": ["خانوار نشانی ندارد"]})
    run = await season.closed(3)
    items = await season.items(award)
    assert {month: item["reversed"] for month, item in items.items()} == {1: False, 2: True}
    assert await season.adjusted(award) == [(2, -RATES[1], "stopped")]
    assert await season.adjusted(award, "withdrawn") == [(2, RATES[1], "held")]
    assert await season.open(award) == 0
    books, before = await season.booked(run), await season.booked(held_in)
    assert books.get("recovery", 0) + before.get("recovery", 0) == 0
    assert books.get("payable", 0) == run["totals_rial"]["approved"]
    assert before.get("payable", 0) - held_in["totals_rial"]["approved"] == -RATES[1]


async def test_an_award_that_began_after_its_months_list_is_owed_that_month(season):
    await season.closed(1)
    award = await season.household(1, day=28)
    await season.closed(2)
    assert await season.adjusted(award) == [(1, RATES[0], "admission")]
    await season.closed(2, "arrears")
    assert await season.paid(award, kind="arrears") == {2: RATES[0]}


async def test_arrears_are_held_as_a_month_would_be(season):
    award = await season.household(2)
    await season.closed(1)
    await season.rates(RISEN, since=1)
    await season.does("social_worker", award, "suspend", {"reason": "در دسترس نبود"})
    await season.closed(2, "arrears")
    [item] = (await season.items(award, kind="arrears")).values()
    assert (item["state"], item["reason"]) == ("held", "suspended")


async def test_an_earlier_awards_arrears_come_with_the_items_of_the_present_one(season):
    before, award = await season.household(2), await season.household(3, since=2)
    await season.desk.eye.execute(
        "UPDATE livelihood.award n SET household_id = o.household_id, previous_award_id = o.id"
        " FROM livelihood.award o WHERE o.id = $1 AND n.id = $2",
        *(await _stopped(season, before), award),
    )
    await season.closed(2)
    await season.rates(RISEN, since=1)
    await season.closed(2, "arrears")
    rises = RISEN[1] - RATES[1], RISEN[2] - RATES[2]
    assert await season.adjusted(before) == [(1, rises[0], "rate")]
    assert await season.paid(award, kind="arrears") == {2: sum(rises)}
    assert await season.paid(before, kind="arrears") == {}
    assert (await season.open(before), await season.open(award)) == (0, 0)


async def _stopped(season, award):
    """The award after its first month, for another may only begin when it has ended."""
    await season.closed(1)
    season.on(1, 28)
    await season.does("approver", award, "stop", {"reasons": ["خانوار از خدمت بیرون رفت"]})
    return award


async def test_two_lists_at_once_pay_what_is_owed_once(season):
    award = await season.household(2)
    await season.closed(1)
    await season.rates(RISEN, since=1)
    season.on(3)
    await asyncio.gather(*(season.closed(month, "arrears") for month in (1, 2, 3)))
    assert await season.adjusted(award) == [(1, RISEN[1] - RATES[1], "rate")]
    assert list((await season.paid(award, kind="arrears")).values()) == [RISEN[1] - RATES[1]]


@pytest.mark.req("H27")
async def test_a_month_that_an_emergency_has_paid_is_not_owed_again(season):
    await season.closed(1)
    award = await season.household(2, day=28)
    await season.desk.eye.execute(
        "INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,"
        " covered_size, amount_rial, state) SELECT $2, uuidv7(), uuidv7(), 'emergency', 'base',"
        " uuidv7(), household_id, 2, 1000, 'paid' FROM livelihood.award WHERE id = $1",
        award,
        season.number(1),
    )
    await season.closed(2, "arrears")
    assert await season.adjusted(award) == []
