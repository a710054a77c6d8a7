"""A household moves to another province between two months, and while a month's list is taken."""

import pytest

from services.livelihood.runs.actions import snapshot
from shared.values.calendar import period_bounds
from tests.livelihood.runs.month import Month


async def moves(desk, household_id, *, version):
    payload = {
        "household_id": str(household_id),
        "head_id": str(household_id),
        "province": "Fars",
        "county": "Fars/Shiraz",
        "office_code": f"F-{version}",
        "change": "transferred",
        "facts": {"office": "ادارهٔ فارس"},
    }
    await desk.tell("household.changed", payload, subject=household_id, version=version)
    await desk.hear()


@pytest.mark.req("LV-02")
async def test_a_household_that_moves_is_paid_once_in_every_month(desk):
    month = Month(desk, 1480)
    following = month.next()
    rate = await desk.eye.fetchval(
        "SELECT amount_rial FROM livelihood.rate WHERE covered_size = 1 AND from_period <= $1"
        " AND coalesce(to_period, $1) >= $1",
        month.as_number,
    )
    award = await month.household(ends_on=period_bounds(following.period)[1])
    await moves(desk, award["household_id"], version=3)
    run = await month.opened()
    await moves(desk, award["household_id"], version=4)
    while not await snapshot.take(desk.runtime, run):
        pass
    await moves(desk, award["household_id"], version=5)
    second = await following.frozen()
    assert (second["counts"]["planned"], second["totals_rial"]["planned"]) == (1, rate)
    kept = [*await month.kept(), *await following.kept()]
    items = [item for item in kept if item["household_id"] == award["household_id"]]
    assert [(item["period"], item["award_id"], item["state"]) for item in items] == [
        (month.as_number, award["id"], "planned"),
        (following.as_number, award["id"], "planned"),
    ]
    assert (await month.open()).status_code == 409
    place = await desk.eye.fetchrow(
        'SELECT c.province, c.office_code FROM livelihood."case" c'
        " JOIN livelihood.award a ON a.case_id = c.id WHERE a.id = $1",
        award["id"],
    )
    assert tuple(place) == ("Fars", "F-5")
