"""What was paid too much is recovered in small parts, by a plan, and never to nothing."""

from uuid import uuid4

import asyncpg
import pytest

from tests.livelihood.runs.season import RATES

TOO_MUCH = RATES[2] - RATES[1]


async def dies(season, award, month, day=10):
    """A child of the household died that day; it is told now."""
    row = await season.desk.eye.fetchrow("SELECT * FROM livelihood.award WHERE id = $1", award)
    child = next(one for one in row["person_ids"] if one != row["payee_id"])
    await season.happened("death", award, child, season.day(month, day), 1)
    return child


async def shown(season, award):
    answer = await season.desk.caller("approver").get(f"/awards/{award}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def overpaid(season, months=2):
    """A household of three that was paid as such for so many months after a death in the first."""
    award = await season.household(3)
    for month in range(1, months + 1):
        await season.closed(month)
    await dies(season, award, 1)
    return award


@pytest.mark.req("H01", "LV-12")
@pytest.mark.parametrize("months", [1, 3])
async def test_a_death_that_is_told_late_is_recovered_in_small_parts(season, months):
    award = await overpaid(season, months)
    before = await season.paid(award)
    run = await season.closed(months + 1)
    found = [(month, -TOO_MUCH, "death") for month in range(1, months + 1)]
    assert await season.adjusted(award) == found
    part = RATES[1] // 10
    item = (await season.items(award))[months + 1]
    assert (item["amount_rial"], item["recovered_rial"]) == (RATES[1] - part, part)
    assert await season.adjusted(award, "offset") == [(1, part, "recovery")]
    assert await season.open(award) == part - months * TOO_MUCH
    assert await season.paid(award) == before | {months + 1: RATES[1] - part}
    assert (await shown(season, award))["money"]["debt_rial"] == months * TOO_MUCH - part
    books = await season.booked(run)
    assert books["recovery"] >= months * TOO_MUCH - part
    assert books["payable"] == run["totals_rial"]["approved"]
    assert books["support"] == books["payable"] - books["recovery"]


@pytest.mark.req("H01")
async def test_a_death_after_the_snapshot_changes_nothing_that_was_paid(season):
    award = await season.household(3)
    await season.closed(1)
    season.on(1, 28)
    await dies(season, award, 1, day=27)
    await season.closed(2)
    assert await season.adjusted(award) == []
    assert await season.paid(award) == {1: RATES[2], 2: RATES[1]}


@pytest.mark.req("H04")
async def test_a_marriage_that_is_told_late_is_recovered_from_the_month_after_it(season):
    award = await season.household(3)
    for month in (1, 2, 3):
        await season.closed(month)
    row = await season.desk.eye.fetchrow("SELECT * FROM livelihood.award WHERE id = $1", award)
    daughter = next(one for one in row["person_ids"] if one != row["payee_id"])
    await season.happened("marriage", award, daughter, season.day(2), 1)
    await season.closed(4)
    assert await season.adjusted(award) == [(3, -TOO_MUCH, "marriage")]
    assert (await season.items(award))[4]["recovered_rial"] == RATES[1] // 10


@pytest.mark.req("H01")
async def test_by_a_plan_so_much_is_kept_back_until_nothing_is_left_of_it(long_season):
    award = await overpaid(long_season)
    await long_season.closed(3)
    first, cap = RATES[1] // 10, RATES[1] * 25 // 100
    body = {"month_rial": cap, "reason": "با خانوار گفته شد"}
    above = await _plan(long_season, award, body | {"month_rial": cap + 1})
    assert (above.status_code, above.json()["code"]) == (409, "above_recovery_cap")
    assert above.json()["cap_rial"] == cap
    planned = await long_season.does("approver", award, "set-recovery-plan", body)
    assert planned["money"] == {
        "owed_rial": 0,
        "debt_rial": 2 * TOO_MUCH - first,
        "month_rial": cap,
        "paused_until": None,
    }
    for month in (4, 5, 6):
        await long_season.closed(month)
    kept = {
        month: item["recovered_rial"] for month, item in (await long_season.items(award)).items()
    }
    rest = 2 * TOO_MUCH - first - 2 * cap
    assert kept == {1: 0, 2: 0, 3: first, 4: cap, 5: cap, 6: rest}
    assert 0 < rest < cap
    assert await long_season.open(award) == 0
    none = await _plan(long_season, award, body)
    assert (none.status_code, none.json()["code"]) == (409, "nothing_to_recover")


async def _plan(season, award, body, role="approver"):
    who = season.desk.caller(role)
    return await who.post(f"/awards/{award}/set-recovery-plan", body)


@pytest.mark.req("H01")
async def test_in_hardship_nothing_is_kept_back_until_the_pause_is_over(long_season):
    award = await overpaid(long_season)
    await long_season.closed(3)
    body = {"month_rial": 1_000_000, "reason": "هزینهٔ درمان"}
    for month, code in ((2, 422), (4, 200)):
        answer = await _plan(long_season, award, body | {"paused_until": long_season.period(month)})
        assert answer.status_code == code, answer.text
    year, rest = long_season.period(3).split("-")
    far = await _plan(long_season, award, body | {"paused_until": f"{int(year) + 1}-{rest}"})
    assert far.json()["errors"][0]["code"] == "pause_out_of_range"
    await long_season.closed(4)
    await long_season.closed(5)
    items = await long_season.items(award)
    assert [items[month]["recovered_rial"] for month in (4, 5)] == [0, 1_000_000]
    told = await long_season.desk.eye.fetch(
        "SELECT payload FROM livelihood.outbox WHERE topic = 'livelihood.recovery_planned'"
        " AND payload->>'award_id' = $1",
        str(award),
    )
    assert len(told) == 1
    assert "1000000" not in told[0]["payload"]


@pytest.mark.parametrize("role", ["social_worker", "finance_approver", "citizen", "operator"])
async def test_only_an_approver_sets_a_plan(desk, role):
    body = {"month_rial": 1, "reason": "با خانوار گفته شد"}
    answer = await desk.caller(role).post(f"/awards/{uuid4()}/set-recovery-plan", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_what_policy_says_is_left_to_a_household_is_left(season):
    await season.rates((5_500_000,) * 5, since=1)
    award = await season.household(3)
    await season.closed(1)
    await season.rates((5_200_000,) * 5, since=1)
    await season.closed(2)
    item = (await season.items(award))[2]
    assert await season.adjusted(award) == [(1, -300_000, "rate")]
    assert (item["amount_rial"], item["recovered_rial"]) == (5_000_000, 200_000)


@pytest.mark.req("LV-48")
async def test_what_was_paid_after_the_last_month_stays_a_debt_that_is_seen(season):
    award = await season.household(2)
    await season.closed(1)
    row = await season.desk.eye.fetchrow("SELECT * FROM livelihood.award WHERE id = $1", award)
    for version, person in enumerate(row["person_ids"], start=1):
        await season.happened("death", award, person, season.day(1, 3), version)
    await season.closed(2)
    seen = await shown(season, award)
    assert (seen["status"], seen["last_period"]) == ("stopped", _before(season))
    assert seen["money"]["debt_rial"] == RATES[1]
    assert [one["kind"] for one in seen["adjustments"]] == ["difference"]
    assert list(await season.paid(award)) == [1]


def _before(season):
    year, month = divmod(season.number(1) - 1, 100)
    return f"{year - 1}-12" if month == 0 else f"{year}-{month:02d}"


@pytest.mark.req("H03")
async def test_a_death_that_was_an_error_cancels_the_debt_and_pays_back_what_was_kept(season):
    award = await season.household(3)
    await season.closed(1)
    child = await dies(season, award, 1)
    await season.closed(2)
    kept = RATES[1] // 10
    await season.happened("death_reversed", award, child, season.day(1), 2)
    run = await season.closed(3, "arrears")
    assert await season.adjusted(award) == [
        (1, -TOO_MUCH, "death"),
        (1, TOO_MUCH, "death_reversed"),
        (2, TOO_MUCH, "death_reversed"),
    ]
    assert await season.paid(award, kind="arrears") == {3: kept + TOO_MUCH}
    assert await season.open(award) == 0
    assert (await shown(season, award))["money"]["debt_rial"] == 0
    books = await season.booked(run)
    assert books["payable"] == run["totals_rial"]["approved"]


@pytest.mark.parametrize("login", ["app", "batch"])
@pytest.mark.parametrize("table", ["adjustment", "recovery_plan"])
async def test_what_was_adjusted_and_planned_is_only_added_to(desk, login, table):
    connection = await asyncpg.connect(desk.settings.dsn("livelihood", role=login))
    try:
        for change in (
            f"UPDATE {table} SET award_id = award_id",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER only_added_to",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()
