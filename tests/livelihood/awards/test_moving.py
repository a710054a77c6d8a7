"""A household moves to another province: its case and award are served there, paid once as ever."""

import pytest

from services.livelihood.awards import rules
from tests.livelihood.awards.home import Home
from tests.livelihood.desk import Desk, Filed


async def moved(desk: Desk, filed: Filed, office: str = "F-1", *, version: int = 900) -> None:
    """Intake tells that the household was transferred."""
    payload = {
        "household_id": str(filed.household_id),
        "head_id": str(filed.person_id),
        "province": {"F-1": "Fars", "T-1": "Tehran"}[office],
        "county": "Fars/Shiraz" if office == "F-1" else "Tehran/Tehran",
        "office_code": office,
        "change": "transferred",
        "facts": {"office": "ادارهٔ فارس"},
    }
    await desk.tell("household.changed", payload, subject=filed.household_id, version=version)
    await desk.hear()
    await desk.fire()


async def places(desk, filed):
    row = await desk.row(filed)
    return row["province"], row["county"], row["office_code"]


async def test_an_open_case_goes_on_in_the_other_office_and_nowhere_else(desk):
    filed = await desk.opened("under_review")
    here, there = desk.caller("social_worker"), desk.caller("social_worker", province="Fars")
    await moved(desk, filed)
    assert await places(desk, filed) == ("Fars", "Fars/Shiraz", "F-1")
    assert (await desk.steps(filed))[-1] == "transfer"
    assert await desk.status(filed) == "under_review"
    visit = {"visit_on": desk.day(3)}
    assert (await here.do(filed, "plan-visit", visit)).status_code == 404
    assert (await there.do(filed, "plan-visit", visit)).status_code == 200
    [told] = await desk.told(filed, "livelihood.transferred")
    assert (told["province"], told["facts"]["office"]) == ("Fars", "ادارهٔ فارس")


async def test_a_case_that_has_ended_stays_where_it_was_decided(desk):
    filed = await desk.opened("visited")
    answer = await desk.caller("approver").do(filed, "refuse", {"reasons": ["شرایط احراز نشد"]})
    assert answer.status_code == 200
    await moved(desk, filed)
    assert (await places(desk, filed))[0] == "Tehran"
    assert (await desk.steps(filed))[-1] == "refuse"


async def test_an_award_is_served_in_the_other_office_and_its_people_lose_nothing(home):
    desk = home.desk
    before = await home.award()
    await moved(desk, home.filed)
    after = await home.award()
    unchanged = ("id", "status", "payee_account_id", "covered_size", "start_period")
    assert [after[name] for name in unchanged] == [before[name] for name in unchanged]
    assert await places(desk, home.filed) == ("Fars", "Fars/Shiraz", "F-1")
    assert (await home.steps())[-1] == "transfer"
    why = {"reason": "در نشانی و با تلفن در دسترس نبود"}
    assert (await home.do("social_worker", "suspend", why)).status_code == 404
    shown = await home.done("social_worker", "suspend", why, province="Fars")
    assert [past["step"] for past in shown["history"]][-2:] == ["transfer", "suspend"]
    citizen = await desk.citizen(home.filed).get(f"/awards/{home.award_id}")
    assert citizen.status_code == 200
    assert len(await desk.told(home.filed, "livelihood.transferred")) == 1


async def test_a_household_that_moved_is_in_no_month_twice(home):
    """Paid for every month once: the award is the one it was."""
    owed = await home.sizes(0, 1, 2)
    await moved(home.desk, home.filed, version=900)
    await moved(home.desk, home.filed, "T-1", version=901)
    assert await home.sizes(0, 1, 2) == owed == [3, 3, 3]
    async with home.desk.runtime.transaction() as tx:
        awards = await tx.fetch(
            "SELECT id FROM livelihood.award WHERE household_id = $1", home.filed.household_id
        )
    assert [row["id"] for row in awards] == [home.award_id]
    assert (await home.award())["recompute_from_period"] is None
    assert await home.owed(-1) is None
    assert rules.next_period(home.month) > home.month


@pytest.mark.parametrize("which", ["case", "award"])
async def test_an_older_move_that_is_told_late_moves_nothing_back(desk, which):
    if which == "award":
        home = await Home.settled(desk)
        filed, steps = home.filed, home.steps
    else:
        filed = await desk.opened("under_review")

        async def steps():
            return await desk.steps(filed)

    await moved(desk, filed, "F-1", version=905)
    await moved(desk, filed, "T-1", version=904)
    await moved(desk, filed, "F-1", version=905)
    assert (await places(desk, filed))[0] == "Fars"
    assert (await steps()).count("transfer") == 1
