"""Credit is secured before paying, by another person, and never beyond the year's budget."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from services.livelihood.ledger.queries import balances
from services.livelihood.runs import queries
from services.livelihood.runs.workflow import FUNDED, RUN, Status
from shared.web.auth import Role
from shared.web.errors import StepNotAllowed
from tests.livelihood.runs.month import RATES, a_month

TWO = "finance_preparer", "finance_approver"


@pytest.fixture
async def poor(desk):
    """A month with rates and three households, in a year without a budget."""
    made = a_month(desk)
    await made.rates()
    await made.households(3)
    return made


async def booked(month, run_id):
    async with month.desk.runtime.transaction() as tx:
        return await balances(tx, run_id=UUID(run_id))


# Duties


@pytest.mark.req("LV-21")
async def test_who_prepared_a_month_does_not_fund_it(month):
    await month.households(1)
    both = month.desk.caller(*TWO, sub="both-1")
    run_id = (await month.open(both)).json()["run_id"]
    await month.desk.fire()
    answer = await month.fund(run_id, both)
    assert (answer.status_code, answer.json()["code"]) == (403, "separation_of_duties")
    assert (await month.shown(run_id))["status"] == "snapshot"
    seen = (await both.get(f"/runs/{run_id}")).json()
    assert "fund" not in seen["actions"]
    assert (await month.fund(run_id)).json()["status"] == "funded"


@pytest.mark.req("LV-21")
@pytest.mark.parametrize("role", ["finance_preparer", "finance_sender", "approver", "operator"])
async def test_only_a_finance_approver_funds(month, role):
    run = await month.frozen()
    answer = await month.fund(run["run_id"], month.desk.caller(role))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


@pytest.mark.req("LV-21")
async def test_a_list_that_is_not_frozen_is_not_funded(month):
    run_id = await month.opened()
    answer = await month.fund(run_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "step_not_allowed")
    assert answer.json()["current_status"] == "open"


@pytest.mark.req("LV-21")
@pytest.mark.parametrize("step", ["build_file", "send", "start_settling", "reconcile", "close"])
def test_nothing_is_paid_before_it_is_funded(step):
    before = set(Status) - set(FUNDED)
    assert len(before) == 4
    for status in before:
        assert RUN.refusal(step, status, RUN.steps[step].by) is StepNotAllowed


@pytest.mark.req("LV-21")
def test_preparing_funding_and_sending_are_three_persons():
    by = {name: RUN.steps[name] for name in ("open", "fund", "build_file", "send")}
    assert [set(step.by) for step in by.values()] == [
        {Role.FINANCE_PREPARER},
        {Role.FINANCE_APPROVER},
        {Role.FINANCE_SENDER},
        {Role.FINANCE_SENDER},
    ]
    assert set(by["fund"].not_by) == {"open"}
    assert set(by["build_file"].not_by) == set(by["send"].not_by) == {"open", "fund"}


# Funds


@pytest.mark.req("LV-05", "LV-21")
async def test_funds_are_bound_and_booked_with_the_approval(month):
    await month.households(4)
    await month.household(status="suspended")
    run = await month.frozen()
    total = 5 * RATES[0]
    assert await booked(month, run["run_id"]) == {"support": total, "payable": total}
    key = "fund-once"
    caller = month.desk.caller("finance_approver", sub="funder-1")
    first = await caller.post(f"/runs/{run['run_id']}/fund", {"approval_ref": "مصوبهٔ ۱۲"}, key=key)
    assert first.status_code == 200, first.text
    assert (first.json()["status"], first.json()["approval_ref"]) == ("funded", "مصوبهٔ ۱۲")
    assert [p["step"] for p in first.json()["history"]][2:] == ["fund", "secure_funds"]
    books = {"support": total, "payable": total, "funds": total, "funding": total}
    assert await booked(month, run["run_id"]) == books
    again = await caller.post(f"/runs/{run['run_id']}/fund", {"approval_ref": "مصوبهٔ ۱۲"}, key=key)
    assert (again.status_code, again.content) == (200, first.content)
    another = await month.fund(run["run_id"])
    assert (another.status_code, another.json()["code"]) == (409, "step_not_allowed")
    assert await booked(month, run["run_id"]) == books


async def test_a_run_that_has_changed_since_it_was_read_is_not_funded(month):
    run = await month.frozen()
    path, body = f"/runs/{run['run_id']}/fund", {"approval_ref": "1405/120"}
    stale = await month.funder.post(path, body, **{"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    fresh = await month.funder.post(path, body, **{"if-match": f'"{run["version"]}"'})
    assert (fresh.status_code, fresh.json()["status"]) == (200, "funded")
    assert fresh.headers["etag"] == f'"{run["version"] + 2}"'


@pytest.mark.req("LV-05", "H15")
async def test_a_month_beyond_the_budget_waits_as_a_whole(poor):
    await poor.budget(3 * RATES[0] - 1)
    run = await poor.frozen()
    items = await poor.kept()
    blocked = await poor.fund(run["run_id"])
    assert (blocked.status_code, blocked.json()["status"]) == (200, "blocked_no_funds")
    assert blocked.json()["history"][-1]["facts"] == {"year": str(poor.year)}
    assert await booked(poor, run["run_id"]) == dict.fromkeys(("support", "payable"), 3 * RATES[0])
    assert await poor.kept() == items
    still = await poor.fund(run["run_id"])
    assert still.json()["status"] == "blocked_no_funds"
    await poor.budget(3 * RATES[0], version=2)
    funded = await poor.fund(run["run_id"])
    assert funded.json()["status"] == "funded", funded.text
    assert await poor.kept() == items


@pytest.mark.req("LV-05")
async def test_a_year_without_a_budget_has_none_to_give(poor):
    run = await poor.frozen()
    assert (await poor.fund(run["run_id"])).json()["status"] == "blocked_no_funds"


@pytest.mark.req("LV-05")
async def test_the_months_of_a_year_share_its_budget_and_a_waiting_one_binds_nothing(poor):
    await poor.budget(5 * RATES[0])
    second, third = poor.next(), poor.next().next()
    await second.households(3)
    await third.households(2)
    stands = [
        (await one.fund((await one.frozen())["run_id"])).json()["status"]
        for one in (poor, second, third)
    ]
    assert stands == ["funded", "blocked_no_funds", "funded"]


@pytest.mark.req("LV-05")
async def test_two_months_at_once_do_not_bind_the_same_money(poor, monkeypatch):
    bound_in = queries.bound_in

    async def and_then_a_while(*asked):
        found = await bound_in(*asked)
        await asyncio.sleep(0.2)  # long enough for all of them to have looked, if they may
        return found

    monkeypatch.setattr(queries, "bound_in", and_then_a_while)
    await poor.budget(3 * RATES[0])
    months = [poor, poor.next(), poor.next().next()]
    for other in months[1:]:
        await other.households(3)
    runs = [(await one.frozen())["run_id"] for one in months]
    answers = await asyncio.gather(*(poor.fund(run_id) for run_id in runs))
    assert {a.status_code for a in answers} == {200}
    stands = Counter(a.json()["status"] for a in answers)
    assert stands == {"funded": 1, "blocked_no_funds": 2}


@pytest.mark.req("LV-21")
async def test_two_funders_at_once_fund_once(month):
    await month.households(2)
    run = await month.frozen()
    answers = await asyncio.gather(*(month.fund(run["run_id"]) for _ in range(6)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 5}
    assert (await booked(month, run["run_id"]))["funds"] == 2 * RATES[0]
