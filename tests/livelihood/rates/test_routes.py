"""Rates, budgets and quotas over HTTP: each with its approval, never two for one month."""

import asyncio
import random
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.livelihood.rates.errors import BudgetMissing, RateMissing
from services.livelihood.rates.queries import budget_of, rate_on
from shared.storage.coverage import covered
from tests.livelihood.desk import Filed

OPERATOR = "operator"


def code_of(answer):
    return answer.status_code, answer.json().get("code")


def rate(size, first, last=None, amount=10_000_000, **more):
    return {
        "covered_size": size,
        "amount_rial": amount,
        "from_period": first,
        "to_period": last,
        "approval_ref": "مصوبهٔ ۷۷",
    } | more


async def row_of(desk, rate_id):
    return await desk.eye.fetchrow("SELECT * FROM livelihood.rate WHERE id = $1", UUID(rate_id))


# Rates


@pytest.mark.req("LV-04")
async def test_a_rate_without_its_approval_is_refused(desk, year):
    operator = desk.caller(OPERATOR)
    given = rate(2, f"{year}-01", f"{year}-12")
    for ref in ("", "   ", None, 7):
        answer = await operator.post("/rates", given | {"approval_ref": ref})
        assert code_of(answer) == (422, "invalid_input")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/approval_ref"]
    del given["approval_ref"]
    assert code_of(await operator.post("/rates", given)) == (422, "invalid_input")
    columns = (
        "covered_size, amount_rial, from_period, source_ref, confidence, written_by, written_at"
    )
    for ref in (None, "  "):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await desk.eye.execute(
                f"INSERT INTO livelihood.rate (id, approval_ref, {columns})"
                " VALUES ($1, $2, 2, 1, $3, 's', 'H', 'x', now())",
                uuid4(),
                ref,
                year * 100 + 1,
            )
    kept = (await operator.get("/rates", period=f"{year}-01")).json()["items"]
    assert kept == []


@pytest.mark.req("LV-04")
async def test_a_rate_is_kept_with_approval_and_months_and_shown_to_finance(desk, year):
    operator = desk.caller(OPERATOR)
    made = await operator.post("/rates", rate(2, f"{year}-03", f"{year}-12", amount=12_345_678))
    assert made.status_code == 201
    body = made.json()
    assert body == {
        "rate_id": body["rate_id"],
        "covered_size": 2,
        "amount_rial": 12_345_678,
        "from_period": f"{year}-03",
        "to_period": f"{year}-12",
        "approval_ref": "مصوبهٔ ۷۷",
        "source_ref": "مصوبهٔ ۷۷",
        "confidence": "H",
        "confirmed": True,
        "announced_on": desk.day(0),
        "announced_late": True,
        "late_by_months": body["late_by_months"],
        "closed": None,
    }
    for role in ("finance_preparer", "finance_approver", "finance_sender", "approver", "auditor"):
        seen = await desk.caller(role).get("/rates", period=f"{year}-07", covered_size=2)
        assert seen.json()["items"] == [{k: v for k, v in body.items() if k != "closed"}]
    assert (await operator.get("/rates", period=f"{year}-02")).json()["items"] == []
    entry = await desk.eye.fetchval(
        "SELECT convert_from(entry, 'UTF8') FROM livelihood.audit"
        " WHERE convert_from(entry, 'UTF8')::json->>'reference' = $1",
        body["rate_id"],
    )
    assert '"action":"livelihood.rate_set"' in entry


async def test_who_may_not_write_or_read_is_refused(desk, year):
    given = rate(1, f"{year}-01", f"{year}-12")
    budget = {"year": year, "amount_rial": 1, "approval_ref": "ق"}
    for role in ("citizen", "finance_approver", "approver", "social_worker", "auditor", "bank"):
        caller = desk.caller(role)
        for path, body in (("/rates", given), ("/budgets", budget), ("/quotas", {})):
            assert code_of(await caller.post(path, body)) == (403, "role_not_allowed")
    for role in ("citizen", "counter", "social_worker", "ministry", "bank"):
        for path in ("/rates", "/budgets", "/quotas"):
            assert code_of(await desk.caller(role).get(path)) == (403, "role_not_allowed")
        assert code_of(await desk.caller(role).post("/simulations", {})) == (
            403,
            "role_not_allowed",
        )


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"covered_size": 0}, "/covered_size"),
        ({"covered_size": 6}, "/covered_size"),
        ({"covered_size": True}, "/covered_size"),
        ({"amount_rial": 0}, "/amount_rial"),
        ({"amount_rial": 1.5}, "/amount_rial"),
        ({"amount_rial": "10000000"}, "/amount_rial"),
        ({"amount_rial": 10**15 + 1}, "/amount_rial"),
        ({"from_period": "1390-13"}, "/from_period"),
        ({"from_period": 139001}, "/from_period"),
        ({"to_period": "1300-01"}, "/to_period"),
        ({"amount_toman": 5}, "/amount_toman"),
    ],
)
async def test_what_is_no_rate_is_refused_whole(desk, wrong, pointer):
    answer = await desk.caller(OPERATOR).post("/rates", rate(1, "1305-01", "1305-12") | wrong)
    assert code_of(answer) == (422, "invalid_input")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    held = await desk.eye.fetchval("SELECT count(*) FROM livelihood.rate WHERE during @> 130505")
    assert held == 0


async def test_money_needs_a_key_and_a_retry_gets_the_same_rate(desk, year):
    operator = desk.caller(OPERATOR)
    given = rate(3, f"{year}-01", f"{year}-12")
    token = operator._token
    for path in ("/rates", f"/rates/{uuid4()}/confirm", "/budgets", "/quotas"):
        bare = await desk.http.post(f"/v1/livelihood{path}", json=given, headers=token)
        assert code_of(bare) == (400, "idempotency_key_required")
    first = await operator.post("/rates", given, key="rate-1")
    again = await operator.post("/rates", given, key="rate-1")
    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await operator.post("/rates", given | {"amount_rial": 5}, key="rate-1")
    assert code_of(other) == (422, "idempotency_key_reused")


async def test_a_new_rate_ends_the_open_one_before_it(desk):
    operator = desk.caller(OPERATOR)
    first = (await operator.post("/rates", rate(4, "1510-01", amount=1_000))).json()
    second = (await operator.post("/rates", rate(4, "1511-01", amount=2_000))).json()
    assert second["closed"] == {"rate_id": first["rate_id"], "to_period": "1510-12"}
    third = (await operator.post("/rates", rate(4, "1511-06", "1511-08", amount=3_000))).json()
    assert third["closed"] == {"rate_id": second["rate_id"], "to_period": "1511-05"}
    assert (await row_of(desk, second["rate_id"]))["to_period"] == 151105
    # The third was bounded from the beginning: nothing closes it, and a later one closes nothing.
    fourth = (await operator.post("/rates", rate(4, "1511-09", amount=4_000))).json()
    assert fourth["closed"] is None
    async with desk.runtime.transaction() as tx:
        paid = [
            (await rate_on(tx, 4, month)).amount_rial
            for month in (151001, 151012, 151101, 151105, 151106, 151108, 151109, 152003)
        ]
    assert paid == [1_000, 1_000, 2_000, 2_000, 3_000, 3_000, 4_000, 4_000]


@pytest.mark.req("H14")
async def test_two_rates_of_one_size_never_share_a_month(desk, year):
    operator = desk.caller(OPERATOR)
    assert (await operator.post("/rates", rate(1, f"{year}-03", f"{year}-09"))).status_code == 201
    for first, last in (
        (f"{year}-03", f"{year}-09"),
        (f"{year}-01", f"{year}-03"),
        (f"{year}-09", f"{year}-12"),
        (f"{year}-05", f"{year}-06"),
        (f"{year}-01", f"{year}-12"),
        (f"{year}-04", None),
    ):
        answer = await operator.post("/rates", rate(1, first, last))
        assert code_of(answer) == (409, "rate_overlaps")
    for size, first, last in ((1, "01", "02"), (1, "10", "12"), (2, "03", "09")):
        given = rate(size, f"{year}-{first}", f"{year}-{last}")
        assert (await operator.post("/rates", given)).status_code == 201
    # A refusal leaves the open range as it was.
    open_before = (await operator.post("/rates", rate(5, "1540-01"))).json()
    assert (await operator.post("/rates", rate(5, "1550-01", "1550-12"))).status_code == 201
    late = (await operator.post("/rates", rate(5, "1560-01"))).json()
    overlapping = await operator.post("/rates", rate(5, "1550-06", "1560-06"))
    assert code_of(overlapping) == (409, "rate_overlaps")
    assert (await row_of(desk, late["rate_id"]))["to_period"] is None
    assert (await row_of(desk, open_before["rate_id"]))["to_period"] == 154912


@pytest.mark.req("H14")
async def test_of_twenty_who_set_the_same_months_at_once_one_succeeds(desk, year):
    dice = random.Random(year)
    spans = [sorted((dice.randint(1, 6), dice.randint(6, 12))) for _ in range(20)]  # all hold 06
    answers = await asyncio.gather(
        *(
            desk.caller(OPERATOR).post("/rates", rate(2, f"{year}-{a:02}", f"{year}-{b:02}"))
            for a, b in spans
        )
    )
    assert sorted(code_of(answer) for answer in answers) == [
        (201, None),
        *[(409, "rate_overlaps")] * 19,
    ]
    kept = await desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.rate WHERE covered_size = 2 AND during @> $1::int",
        year * 100 + 6,
    )
    assert kept == 1


@pytest.mark.req("H14")
async def test_the_database_itself_refuses_the_later_of_two_writers(settings, year):
    insert = (
        "INSERT INTO livelihood.rate (id, covered_size, amount_rial, from_period, to_period,"
        " approval_ref, source_ref, confidence, written_by, written_at)"
        " VALUES ($1, 3, 5, $2, $3, 'a', 's', 'H', 'x', now())"
    )
    month = year * 100
    one, two = [await asyncpg.connect(settings.dsn("livelihood")) for _ in range(2)]
    try:
        held = one.transaction()
        await held.start()
        await one.execute(insert, uuid4(), month + 1, month + 6)
        waiting = asyncio.create_task(two.execute(insert, uuid4(), month + 6, month + 9))
        await asyncio.sleep(0.2)
        assert not waiting.done()  # it cannot know yet
        await held.commit()
        with pytest.raises(asyncpg.ExclusionViolationError) as refused:
            await waiting
        assert refused.value.constraint_name == "rate_one_at_a_time"
        for change in ("amount_rial = 9", "from_period = 130001", "covered_size = 1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await one.execute(f"UPDATE livelihood.rate SET {change}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one.execute("DELETE FROM livelihood.rate")
    finally:
        await one.close()
        await two.close()


async def test_a_raise_from_a_month_that_is_over_is_taken_and_said_to_be_late(desk):
    """As in 1401 and 1402: what was paid stays, the months since are arrears (H13, its rate)."""
    operator = desk.caller(OPERATOR)
    old = (await operator.post("/rates", rate(1, "1520-01", amount=7_000))).json()
    assert (old["announced_late"], old["late_by_months"]) == (False, 0)
    desk.move_clock(date(2141, 8, 10))  # Mordad 1520
    before = await row_of(desk, old["rate_id"])
    new = (await operator.post("/rates", rate(1, "1520-03", amount=9_000))).json()
    assert (new["announced_late"], new["late_by_months"]) == (True, 2)
    assert new["closed"] == {"rate_id": old["rate_id"], "to_period": "1520-02"}
    after = await row_of(desk, old["rate_id"])
    assert {name for name, value in after.items() if value != before[name]} == {
        "to_period",
        "during",
    }
    this_month = (await operator.post("/rates", rate(1, "1520-05", amount=9_500))).json()
    assert (this_month["announced_late"], this_month["late_by_months"]) == (False, 0)
    async with desk.runtime.transaction() as tx:
        paid = [(await rate_on(tx, 1, month)).amount_rial for month in range(152001, 152007)]
    assert paid == [7_000, 7_000, 9_000, 9_000, 9_500, 9_500]


@pytest.mark.req("LV-12")
async def test_five_in_the_house_and_three_covered_get_the_rate_of_three(desk):
    others = [str(uuid4()) for _ in range(4)]
    filed = Filed()
    head = {"person_id": str(filed.person_id), "relation": "head", "birth_on": "1981-03-02"}
    child = {"relation": "child", "birth_on": "2012-11-07"}
    filed.told = {"members": [head, *(child | {"person_id": other} for other in others)]}
    await desk.account(filed.person.sheba, filed.person.national_code)
    await desk.route(filed)
    await desk.walk(filed, "confirmed")
    await desk.cover(filed, person_ids=[str(filed.person_id), *others[:2]])
    await desk.fire()
    row = await desk.row(filed)
    assert (row["status"], row["members"]) == ("active", 5)
    award = (await desk.citizen(filed).get(f"/awards/{row['award_id']}")).json()
    async with desk.runtime.transaction() as tx:
        size = len(await covered(tx, household_id=filed.household_id))
        assert award["covered_size"] == size == 3
        month = int(award["start_period"].replace("-", ""))
        found = await rate_on(tx, award["covered_size"], month)
        assert (found.covered_size, found.amount_rial) == (3, 36_000_000)
        assert (await rate_on(tx, 6, month)) == (await rate_on(tx, 5, month))


async def test_a_loaded_row_is_confirmed_once_with_its_approval(desk, production, year):
    operator, rate_id = desk.caller(OPERATOR), uuid4()
    await desk.eye.execute(
        "INSERT INTO livelihood.rate (id, covered_size, amount_rial, from_period, to_period,"
        " approval_ref, source_ref, confidence, written_by, written_at)"
        " VALUES ($1, 2, 5000, $2, $3, 'not found', 'a newspaper', 'L', 'system', now())",
        rate_id,
        year * 100 + 1,
        year * 100 + 12,
    )
    shown = (await operator.get("/rates", period=f"{year}-04")).json()["items"][0]
    assert (shown["confirmed"], shown["announced_on"]) == (False, None)
    async with production.transaction() as tx:
        with pytest.raises(RateMissing):
            await rate_on(tx, 2, year * 100 + 4)
    path, body = f"/rates/{rate_id}/confirm", {"approval_ref": "مصوبهٔ ۹"}
    assert code_of(await desk.caller("auditor").post(path, body)) == (403, "role_not_allowed")
    answer = (await operator.post(path, body)).json()
    assert (answer["confirmed"], answer["approval_ref"]) == (True, "مصوبهٔ ۹")
    assert answer["source_ref"] == "a newspaper"
    async with production.transaction() as tx:
        assert (await rate_on(tx, 2, year * 100 + 4)).amount_rial == 5_000
    assert code_of(await operator.post(path, body)) == (409, "rate_confirmed")
    assert code_of(await operator.post(f"/rates/{uuid4()}/confirm", body)) == (404, "not_found")


async def test_rates_come_in_pages_that_leave_nothing_out(desk):
    auditor, seen, cursor = desk.caller("auditor"), [], {}
    while True:
        page = (await auditor.get("/rates", limit=4, **cursor)).json()
        seen += [row["rate_id"] for row in page["items"]]
        assert len(page["items"]) <= 4
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    rows = await desk.eye.fetch(
        "SELECT id FROM livelihood.rate ORDER BY from_period DESC, covered_size"
    )
    assert seen == [str(row["id"]) for row in rows]
    assert code_of(await auditor.get("/rates", cursor="WzEsMl0x")) == (400, "invalid_cursor")
    assert code_of(await auditor.get("/rates", province="Qom")) == (400, "invalid_query")


# Budgets


async def test_a_budget_is_versioned_and_the_newest_is_in_force(desk, production, year):
    operator = desk.caller(OPERATOR)
    given = {"year": year, "amount_rial": 700, "approval_ref": "قانون بودجه"}
    assert code_of(await operator.post("/budgets", {**given, "approval_ref": " "})) == (
        422,
        "invalid_input",
    )
    async with production.transaction() as tx:
        with pytest.raises(BudgetMissing):
            await budget_of(tx, year)
    first = await operator.post("/budgets", given)
    assert (first.status_code, first.json()["version"], first.json()["in_force"]) == (201, 1, True)
    more = [operator.post("/budgets", given | {"amount_rial": 800 + n}) for n in range(8)]
    answers = [answer.json() for answer in await asyncio.gather(*more)]
    assert sorted(answer["version"] for answer in answers) == list(range(2, 10))
    newest = max(answers, key=lambda answer: answer["version"])
    async with production.transaction() as tx:
        assert await budget_of(tx, year, lock=True) == newest["amount_rial"]
    listed = (await desk.caller("finance_approver").get("/budgets", year=year, limit=3)).json()
    assert [(row["version"], row["in_force"]) for row in listed["items"]] == [
        (9, True),
        (8, False),
        (7, False),
    ]
    rest = await operator.get("/budgets", year=year, cursor=listed["next_cursor"])
    assert [row["version"] for row in rest.json()["items"]] == [6, 5, 4, 3, 2, 1]
    assert rest.json()["items"][-1]["amount_rial"] == 700


async def test_a_budget_that_was_passed_is_not_changed(settings):
    connection = await asyncpg.connect(settings.dsn("livelihood"))
    try:
        for statement in (
            "UPDATE livelihood.budget SET amount_rial = 1",
            "DELETE FROM livelihood.budget",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_whoever_counts_on_a_budget_keeps_the_next_version_waiting(desk, year):
    operator = desk.caller(OPERATOR)
    given = {"year": year, "amount_rial": 700, "approval_ref": "قانون بودجه"}
    await operator.post("/budgets", given)
    async with desk.runtime.transaction() as tx:
        assert await budget_of(tx, year, lock=True) == 700
        waiting = asyncio.create_task(operator.post("/budgets", given | {"amount_rial": 1}))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        assert await budget_of(tx, year) == 700
    assert (await waiting).status_code == 201


# Quotas


@pytest.mark.req("LV-32")
async def test_a_quota_is_set_by_approval_and_whoever_is_beyond_it_waits(desk):
    operator = desk.caller(OPERATOR)
    first = desk.runtime.clock.today() + timedelta(days=2)
    given = {
        "year": 1405,
        "provinces": [{"province": "Ilam", "awards": 1}],
        "approval_ref": "مصوبهٔ ۳۲",
        "effective_on": first.isoformat(),
    }
    assert code_of(await operator.post("/quotas", given | {"approval_ref": ""}))[0] == 422
    desk.move_clock(first)
    before = {row["province"]: row for row in (await quotas(operator))}
    answer = await operator.post("/quotas", given)
    assert answer.status_code == 201
    now = {row["province"]: row for row in await quotas(operator)}
    assert {name for name in now if now[name]["awards"] != before[name]["awards"]} == {"Ilam"}
    assert now["Ilam"] == {
        "year": 1405, "province": "Ilam", "awards": 1, "used": 0, "left": 1,
        "source_ref": "مصوبهٔ ۳۲", "confirmed": True,
    }  # fmt: skip
    assert code_of(await operator.post("/quotas", given)) == (409, "quota_set_that_day")
    await desk.opened("active", province="Ilam")
    beyond = await desk.opened("waiting_list", province="Ilam")
    assert await desk.told(beyond, "livelihood.waiting_listed")
    ilam = next(row for row in await quotas(operator) if row["province"] == "Ilam")
    assert (ilam["used"], ilam["left"]) == (1, 0)


async def quotas(caller):
    rows, cursor = [], {}
    while cursor is not None:
        page = (await caller.get("/quotas", year=1405, limit=20, **cursor)).json()
        rows += page["items"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert [row["province"] for row in rows] == sorted({row["province"] for row in rows})
    return rows


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"provinces": [{"province": "Atlantis", "awards": 1}]}, "/provinces/0/province"),
        ({"provinces": []}, "/provinces"),
        ({"provinces": [{"province": "Qom", "awards": -1}]}, "/provinces/0/awards"),
        ({"effective_on": "2026-03-22"}, "/effective_on"),
        ({"effective_on": "2028-03-22"}, "/effective_on"),
        ({"year": 1404}, "/effective_on"),
    ],
)
async def test_a_quota_that_cannot_be_is_refused(desk, wrong, pointer):
    given = {
        "year": 1405,
        "provinces": [{"province": "Qom", "awards": 5}],
        "approval_ref": "مصوبهٔ ۳۲",
    }
    answer = await desk.caller(OPERATOR).post("/quotas", given | wrong)
    assert code_of(answer) == (422, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == pointer
