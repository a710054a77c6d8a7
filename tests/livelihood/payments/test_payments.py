"""A citizen sees their own payments, with the promised day; others only those they may."""

from uuid import UUID, uuid4

import pytest

from shared.values.calendar import jalali_text
from tests import make
from tests.livelihood.runs.sent import ONE, funded, sent


async def owner(run, at=0):
    """The citizen whose award is at this place, and the award."""
    eye, code = run.desk.eye, make.national_code()
    award_id = await eye.fetchval(
        "SELECT award_id FROM livelihood.item WHERE run_id = $1 ORDER BY id OFFSET $2 LIMIT 1",
        UUID(run.run_id),
        at,
    )
    await eye.execute(
        'UPDATE livelihood."case" SET holders = ARRAY[$2::bytea], province = $3'
        " WHERE award_id = $1",
        award_id,
        run.desk.runtime.crypto.index(code),
        "Tehran",
    )
    return run.desk.caller("citizen", national_code=code), award_id


async def seen(caller, **filters):
    answer = await caller.get("/payments", **filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.req("LV-22", "H21")
async def test_a_citizen_sees_their_own_payment_and_the_day_it_is_promised_for(desk):
    run = await sent(desk, 3)
    citizen, award_id = await owner(run)
    eye, run_id = desk.eye, UUID(run.run_id)
    thursday = "2026-11-26T12:45:00+03:30"
    await eye.execute(
        "UPDATE livelihood.bank_file SET cycle_at = $2::text::timestamptz WHERE run_id = $1",
        run_id,
        thursday,
    )
    [one] = await seen(citizen)
    assert one["award_id"] == str(award_id)
    assert (one["period"], one["kind"], one["component"]) == (run.month.period, "regular", "base")
    assert (one["amount_rial"], one["status"], one["paid_at"]) == (ONE, "sent", None)
    assert one["promised_on"] == "2026-11-28"  # not on Friday
    assert one["promised_on_jalali"] == "1405-09-07"
    await run.settle("paid", "paid", "paid")
    [one] = await seen(citizen)
    assert one["status"] == "paid"
    paid_at = await eye.fetchval(
        "SELECT settled_at FROM livelihood.instruction WHERE id = $1", run.ids()[0]
    )
    assert one["paid_at_jalali"] == jalali_text(paid_at)


@pytest.mark.req("H17")
async def test_what_came_back_has_no_promised_day_and_says_why(desk):
    run = await sent(desk, 1)
    citizen, _ = await owner(run)
    await run.settle("returned")
    await desk.eye.execute("UPDATE livelihood.item SET reason = 'AC04' WHERE run_id = $1",
                           UUID(run.run_id))  # fmt: skip
    [one] = await seen(citizen)
    assert (one["status"], one["reason"]) == ("returned", "AC04")
    assert one["status_label"] == "برگشتی بانک"
    assert one["promised_on"] is one["paid_at"] is None


async def test_before_the_files_are_built_nothing_is_promised(desk):
    run = await funded(desk, 1)
    citizen, _ = await owner(run)
    [one] = await seen(citizen)
    assert (one["status"], one["promised_on"]) == ("planned", None)


async def test_months_come_page_by_page_the_latest_first(desk):
    runs = [await funded(desk, 1) for _ in range(3)]
    citizen, award_id = await owner(runs[0])
    [household] = await desk.eye.fetch(
        "SELECT household_id FROM livelihood.award WHERE id = $1", award_id
    )
    for run in runs[1:]:
        await desk.eye.execute(
            "UPDATE livelihood.item SET award_id = $2, household_id = $3 WHERE run_id = $1",
            UUID(run.run_id),
            award_id,
            household["household_id"],
        )
    found, cursor = [], None
    for _ in range(3):
        more = {"cursor": cursor} if cursor else {}
        answer = (await citizen.get("/payments", limit=1, **more)).json()
        found += [one["period"] for one in answer["items"]]
        cursor = answer["next_cursor"]
    assert found == sorted((run.month.period for run in runs), reverse=True)
    assert cursor is None


async def test_nobody_sees_what_is_not_theirs(desk):
    run = await sent(desk, 2)
    mine, award_id = await owner(run, 0)
    other, _ = await owner(run, 1)
    assert len(await seen(mine)) == len(await seen(other)) == 1
    assert await seen(other, award_id=str(award_id)) == []
    assert await seen(desk.caller("citizen", national_code=make.national_code())) == []
    assert len(await seen(desk.caller("approver"), award_id=str(award_id))) == 1
    assert await seen(desk.caller("approver", province="Fars"), award_id=str(award_id)) == []
    assert await seen(desk.caller("bank", organisation="017", province=None),
                      award_id=str(award_id)) == []  # fmt: skip
    assert len(await seen(desk.caller("auditor"), award_id=str(award_id))) == 1


async def test_who_is_no_citizen_names_whose_payments(desk):
    answer = await desk.caller("auditor").get("/payments")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
    assert await seen(desk.caller("auditor"), award_id=str(uuid4())) == []
    refused = await desk.caller("citizen").get("/payments", cursor="canary")
    assert refused.status_code == 400
