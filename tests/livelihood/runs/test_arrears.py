"""What is owed for closed months is written down once and paid apart; no item is ever edited."""

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
