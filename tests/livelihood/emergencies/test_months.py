"""A household gets one base stipend a month, whatever runs pay it, and no month is left out."""

import random

import asyncpg
import pytest

from services.livelihood.emergencies import queries, rules
from shared.values.calendar import period_bounds
from tests import make
from tests.livelihood.emergencies.quake import ELSEWHERE, PROVINCE, Quake
from tests.livelihood.runs.month import Month
from tests.livelihood.runs.paying import credits_in, text_of


async def confirmed(quake, filed):
    """The regular request comes to its end: confirmed, covered, active."""
    answer = await quake.approver().do(filed, "confirm", {})
    assert answer.status_code == 200, answer.text
    await quake.desk.cover(filed)
    await quake.desk.fire()
    assert await quake.desk.status(filed) == "active"


async def award(quake, filed):
    return await quake.desk.eye.fetchrow(
        "SELECT * FROM livelihood.award WHERE household_id = $1", filed.household_id
    )


# An emergency, then a regular award


@pytest.mark.req("H26")
async def test_a_regular_award_made_meanwhile_starts_the_month_after(paying):
    filed = await paying.asked("visited")
    case = await paying.opened(filed, until=paying.last_day(2))
    await paying.pay(0)
    await paying.pass_to(1)
    await confirmed(paying, filed)
    assert (await award(paying, filed))["start_period"] == paying.month(2)
    for month, kind in ((1, "regular"), (1, "emergency"), (2, "emergency"), (2, "regular")):
        await paying.pass_to(month, 20)
        await paying.pay(month, kind)
    await paying.pass_to(3)
    await paying.pay(3, "regular")
    half = paying.rate * 50 // 100
    assert await paying.paid(filed) == [
        (0, "emergency", "base", paying.rate),
        (1, "emergency", "base", paying.rate),
        (2, "emergency", "emergency", half),
        (2, "regular", "base", paying.rate),
        (3, "regular", "base", paying.rate),
    ]
    [told] = await paying.desk.eye.fetch(
        "SELECT payload->'facts'->>'coverage' AS coverage FROM livelihood.outbox"
        " WHERE topic = 'livelihood.emergency_ended' AND payload->>'tracking_code' = $1",
        case["tracking_code"],
    )
    assert told["coverage"] == "stays"


@pytest.mark.req("H26")
async def test_an_emergency_that_ended_while_the_request_was_pending_leaves_no_gap(paying):
    filed = await paying.asked("visited")
    await paying.opened(filed, until=paying.day(0, 20))
    await paying.pay(0)
    await paying.pass_to(3)
    await confirmed(paying, filed)
    made = await award(paying, filed)
    assert made["start_period"] == paying.month(1)
    # The months that are over are the arrears': from here on they may have been paid otherwise.
    assert made["recompute_from_period"] == paying.month(1)
    await paying.pay(3, "regular")
    assert await paying.paid(filed) == [
        (0, "emergency", "base", paying.rate),
        (3, "regular", "base", paying.rate),
    ]


@pytest.mark.req("H26")
async def test_who_asked_after_the_emergency_begins_with_the_month_of_the_decision(paying):
    first = await paying.helped(until=paying.day(0, 20))
    await paying.pay(0)
    await paying.pass_to(2)
    again = await paying.asked("visited", person=first.person, household_id=first.household_id)
    await paying.pass_to(3)
    await confirmed(paying, again)
    made = await award(paying, again)
    assert (made["start_period"], made["recompute_from_period"]) == (paying.month(3), None)


# A regular award, then an emergency


@pytest.mark.req("H27")
@pytest.mark.parametrize("order", [("regular", "emergency"), ("emergency", "regular")])
async def test_beside_a_regular_award_only_what_policy_adds(desk, order):
    quake = await Quake.begun(desk, pays=True)
    filed = await quake.asked("active")
    case = await quake.opened(filed)
    assert (case["origin"], case["status"]) == ("emergency", "emergency_active")
    assert case["account_state"] == "verified"
    assert await desk.status(filed) == "active"
    for kind in order:
        await quake.pay(0, kind)
    assert await quake.paid(filed) == [
        (0, "emergency", "emergency", quake.rate * 50 // 100),
        (0, "regular", "base", quake.rate),
    ]


@pytest.mark.req("H27")
async def test_a_kind_that_adds_nothing_pays_nothing_beside_an_award(desk):
    quake = await Quake.begun(desk, "special_economic_state", pays=True)
    regular, alone = await quake.asked("active"), await quake.helped()
    await quake.opened(regular)
    run = await quake.pay(0)
    assert await quake.paid(regular) == []
    assert await quake.paid(alone) == [(0, "emergency", "base", quake.rate)]
    assert run["totals_rial"]["approved"] == quake.rate
    assert run["rate_version"] != (await quake.pay(0, "regular"))["rate_version"]


@pytest.mark.req("H27")
async def test_an_emergency_takes_the_place_of_an_award_that_was_stopped(paying):
    filed = await paying.asked("active")
    await paying.opened(filed, until=paying.last_day(2))
    made = await award(paying, filed)
    body = {"reasons": ["خانوار به شهر دیگری رفت"]}
    answer = await paying.approver().post(f"/awards/{made['id']}/stop", body)
    assert answer.status_code == 200, answer.text
    for month in (0, 1):
        await paying.pass_to(month, 20)
        await paying.pay(month, "emergency")
        await paying.pay(month, "regular")
    assert await paying.paid(filed) == [
        (0, "emergency", "emergency", paying.rate * 50 // 100),
        (0, "regular", "base", paying.rate),
        (1, "emergency", "base", paying.rate),
    ]


@pytest.mark.req("H27")
async def test_a_month_that_an_emergency_paid_is_not_paid_again_by_an_award_given_back(paying):
    filed = await paying.asked("active")
    await paying.opened(filed)
    made = (await award(paying, filed))["id"]
    stopped = "UPDATE livelihood.award SET status = $2, last_period = $3 WHERE id = $1"
    await paying.desk.eye.execute(stopped, made, "stopped", paying.month(-1))
    await paying.pay(0)
    await paying.desk.eye.execute(stopped, made, "active", None)
    await paying.pay(0, "regular")
    assert await paying.paid(filed) == [(0, "emergency", "base", paying.rate)]
    item = await paying.desk.eye.fetchrow(
        "SELECT * FROM livelihood.item WHERE household_id = $1", filed.household_id
    )
    again = dict(item) | {"id": made, "kind": "regular"}
    with pytest.raises(asyncpg.UniqueViolationError, match="household"):  # the database says so
        await paying.desk.eye.execute(
            f"INSERT INTO livelihood.item ({', '.join(again)})"
            f" VALUES ({', '.join(f'${n}' for n in range(1, len(again) + 1))})",
            *again.values(),
        )


# The list


@pytest.mark.req("H28")
async def test_a_change_of_the_area_counts_future_months_anew_and_what_was_paid_stays(paying):
    near, far = await paying.helped(until=paying.last_day(2)), await paying.asked()
    both = [PROVINCE, ELSEWHERE]
    wide = (await paying.declare(provinces=both)).json()["emergency_id"]
    paying.emergency_id = wide
    await paying.grant(far, until=paying.last_day(2))
    other = await paying.helped(until=paying.last_day(2), province=ELSEWHERE)
    answer = await paying.change(provinces=[ELSEWHERE])
    assert answer.status_code == 201, answer.text
    await paying.pay(0)  # taken after the change, yet of a month that had begun
    before = await paying.paid(far)
    assert before == [(0, "emergency", "base", paying.rate)]
    await paying.desk.fire()
    assert await paying.desk.status(far) == "emergency_active"
    await paying.pass_to(1, 2)
    await paying.pay(1)
    assert await paying.paid(far) == before
    for filed in (near, other):
        assert [month for month, *_ in await paying.paid(filed)] == [0, 1]
    assert await paying.desk.status(far) == "emergency_ended"
    assert await paying.desk.status(other) == "emergency_active"
    [told] = await paying.desk.told(far, "livelihood.emergency_ended")
    assert told["facts"]["due_on"] == paying.last_day(0).isoformat()
    assert (await paying.change(provinces=both)).status_code == 201
    await paying.pass_to(2, 2)
    await paying.pay(2)
    assert await paying.paid(far) == before  # what has ended does not begin again by itself


@pytest.mark.req("H28", "LV-35")
async def test_a_declaration_that_is_shortened_ends_what_was_granted_for_longer(paying):
    filed = await paying.helped(until=paying.last_day(2))
    answer = await paying.change(to_on=paying.day(1, 10).isoformat())
    assert answer.status_code == 201, answer.text
    for month in range(3):
        await paying.pass_to(month, 28)
        assert await paying.desk.status(filed) == (
            "emergency_ended" if month == 2 else "emergency_active"
        )
        await paying.pay(month)
    assert [month for month, *_ in await paying.paid(filed)] == [0, 1]
    [told] = await paying.desk.told(filed, "livelihood.emergency_ended")
    assert told["facts"]["due_on"] == paying.last_day(1).isoformat()


async def test_the_dead_are_not_paid_for_nor_paid(paying):
    desk = paying.desk
    smaller, held = await paying.helped(), await paying.helped()
    for person in (smaller.child_id, held.person_id):
        await desk.eye.execute(
            "INSERT INTO livelihood.life_fact (event_id, person_id, kind, occurred_on, version,"
            " heard_on) VALUES (gen_random_uuid(), $1, 'death', $2, 1, $2)",
            person, paying.day(0, 2),
        )  # fmt: skip
    await paying.pay(0)
    rows = {
        row["household_id"]: (row["covered_size"], row["state"], row["reason"])
        for row in await desk.eye.fetch(
            "SELECT * FROM livelihood.item WHERE household_id = ANY ($1)",
            [smaller.household_id, held.household_id],
        )
    }
    assert rows == {
        smaller.household_id: (1, "planned", None),
        held.household_id: (1, "held", "payee_died"),
    }


@pytest.mark.req("LV-05", "LV-21")
async def test_a_run_of_emergencies_is_funded_as_any_other(paying):
    await paying.helped()
    run = await paying.pay(0)
    month = Month(paying.desk, int(paying.first[:4]))
    own = await month.fund(run["run_id"], paying.desk.caller("finance_preparer"))
    assert own.status_code == 403
    funded = await month.fund(run["run_id"])
    assert (funded.status_code, funded.json()["status"]) == (200, "funded")
    again = await month.preparer.post("/runs", {"period": paying.month(0), "kind": "emergency"})
    assert (again.status_code, again.json()["code"]) == (409, "run_exists")


async def test_no_month_is_opened_while_policy_lacks_a_kind(paying):
    filed = await paying.helped()
    unknown = "UPDATE livelihood.emergency SET kind = 'storm' WHERE id = $1"
    await paying.desk.eye.execute(unknown, (await paying.of(filed))["emergency_id"])
    month = Month(paying.desk, int(paying.first[:4]))
    answer = await month.preparer.post("/runs", {"period": paying.month(0), "kind": "emergency"})
    assert (answer.status_code, answer.json()["code"]) == (409, "emergency_worth_missing")
    assert answer.json()["kinds"] == ["storm"]


@pytest.mark.req("LV-22", "LV-34")
async def test_what_an_emergency_pays_goes_to_the_bank_and_what_was_held_follows(paying):
    desk = paying.desk
    good, held = await paying.helped(), await paying.asked(owns=False)
    await desk.account(held.person.sheba, make.national_code())
    await paying.grant(held)
    await desk.fire()
    assert await in_file(paying, 0) == {good.person.sheba}
    fresh = make.sheba()
    await desk.account(fresh, held.person.national_code)
    answer = await desk.citizen(held).do(held, "correct-account", {"sheba": fresh})
    assert answer.status_code == 200, answer.text
    await desk.hear()
    await desk.fire()
    await paying.pass_to(1)
    assert await in_file(paying, 1) == {good.person.sheba, fresh}
    states = await desk.eye.fetch(
        "SELECT state FROM livelihood.item WHERE household_id = $1 ORDER BY period",
        held.household_id,
    )
    assert [row["state"] for row in states] == ["requeued", "queued"]


async def in_file(quake, months):
    """The accounts in the payment files of a month of emergencies."""
    run, month = await quake.pay(months), Month(quake.desk, int(quake.first[:4]))
    assert (await month.fund(run["run_id"])).json()["status"] == "funded"
    answer = await month.build(run["run_id"])
    assert answer.status_code in {200, 202}, answer.text
    await quake.desk.fire()
    found = set()
    for file in await month.files(run["run_id"]):
        text = await text_of(month, run["run_id"], file["number"])
        found |= {account for _, _, account in credits_in(text)}
    return found


# Many households, drawn at random


@pytest.mark.req("H26", "H27", "H28", "LV-35")
@pytest.mark.parametrize("seed", [1405, 1406])
async def test_nobody_gets_two_base_stipends_a_month_and_no_month_is_left_out(desk, seed):
    """What the lists pay is what the rules say, for regular and emergency months as they fall."""
    quake, dice = await Quake.begun(desk, pays=True, months=5), random.Random(seed)
    lived = await scattered(quake, dice)
    runs = [(month, kind) for month in range(4) for kind in ("regular", "emergency")]
    dice.shuffle(runs)
    for month, kind in runs:
        await quake.pay(month, kind)
    await forgotten(quake, lived)
    async with desk.runtime.transaction() as tx:
        versions = await queries.versions(tx, quake.emergency_id)
    two, covered, in_place = 0, 0, 0
    for household, (first, last, granted) in lived.items():
        rows = await desk.eye.fetch(
            "SELECT period, kind, component FROM livelihood.item WHERE household_id = $1", household
        )
        for month in range(4):
            period = quake.month(month)
            got = {
                (row["kind"], row["component"])
                for row in rows
                if row["period"] == int(period.replace("-", ""))
            }
            regular = first <= period <= last
            helped = rules.is_paid_in(granted, versions, period)
            wanted = {("regular", "base")} if regular else set()
            if helped:
                wanted.add(("emergency", "emergency" if regular else "base"))
            assert got == wanted, (period, first, last, granted)
            two += sum(component == "base" for _, component in got) > 1
            covered, in_place = covered + regular, in_place + (helped and not regular)
    assert two == 0
    assert covered > 20  # both did happen
    assert in_place > 20


async def scattered(quake, dice):
    """Many households with a regular award, an emergency, both one after the other, or at once."""
    changed = await quake.change(provinces=[ELSEWHERE], to_on=quake.last_day(4).isoformat())
    assert changed.status_code == 201, changed.text
    month = Month(quake.desk, int(quake.first[:4]), int(quake.first[5:]))
    lived = {}
    for made in await month.households(120, sizes=5):
        first, last = sorted(dice.choices(range(-2, 6), k=2))
        start, end = sorted(dice.choices(range(5), k=2))
        place = dice.choice([PROVINCE, ELSEWHERE, "Fars"])
        months = [quake.month(n) for n in (first, last, start, end)]
        await quake.desk.eye.execute(
            "UPDATE livelihood.award SET start_period = $2, last_period = $3, status = 'stopped',"
            " ends_on = NULL WHERE id = $1",
            made["id"], months[0], months[1],
        )  # fmt: skip
        await quake.desk.eye.execute(
            "INSERT INTO livelihood.emergency_award (id, case_id, emergency_id, household_id,"
            " payee_id, payee_account_id, person_ids, province, starts_on, ends_on, start_period,"
            " last_period, visit_due_on, granted_at)"
            " SELECT uuidv7(), case_id, $2, household_id, payee_id, payee_account_id, person_ids,"
            " $3, $4, $5, $6, $7, $5, $8 FROM livelihood.award WHERE id = $1",
            made["id"], quake.emergency_id, place,
            period_bounds(months[2])[0], period_bounds(months[3])[1],
            *(int(one.replace("-", "")) for one in months[2:]), quake.desk.runtime.clock.now(),
        )  # fmt: skip
        granted = rules.Granted(place, None, months[2], months[3])
        lived[made["household_id"]] = (months[0], months[1], granted)
    return lived


async def forgotten(quake, lived):
    """What was due to them is kept; other tests cut their lists without so many awards."""
    await quake.desk.eye.execute(
        "DELETE FROM livelihood.reckoned k USING livelihood.award a"
        " WHERE a.id = k.award_id AND a.household_id = ANY ($1)",
        list(lived),
    )
    for table in ("emergency_award", "award"):
        await quake.desk.eye.execute(
            f"DELETE FROM livelihood.{table} WHERE household_id = ANY ($1)", list(lived)
        )
