"""What a citizen carries away: their own payments of a year, and that they are covered."""

from itertools import count
from uuid import uuid4

import pytest

from shared.values.money import in_words
from tests.livelihood.runs.month import RATES

YEARS = count(1470)

PDF = {"accept": "application/pdf"}


async def got(caller, path, **headers):
    return await caller._http.get(f"/v1/livelihood{path}", headers=caller._token | headers)


@pytest.fixture
async def paid(desk):
    """A covered widow with an award, in three months of one year; two of them are paid."""
    filed = await desk.opened("active")
    year = next(YEARS)
    award = await desk.eye.fetchrow(
        "SELECT * FROM livelihood.award WHERE tracking_code = $1", filed.code
    )
    size = award["covered_size"]
    for number in (3, 4, 5):
        period = year * 100 + number
        await desk.eye.execute("SELECT livelihood.make_item_partition($1)", period)
        await desk.eye.execute(
            "INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id,"
            " household_id, covered_size, amount_rial, payee_account_id, state)"
            " VALUES ($1, $2, $2, 'regular', 'base', $3, $4, $5, $6, $7, $8)",
            period, uuid4(), award["id"], award["household_id"], size,
            RATES[size - 1], award["payee_account_id"], "sent" if number == 5 else "paid",
        )  # fmt: skip
    return filed, year, award


async def test_a_citizen_sees_what_was_paid_to_them_in_a_year(desk, paid):
    filed, year, award = paid
    answer = await got(desk.citizen(filed), f"/statements/{year}")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    amount = RATES[award["covered_size"] - 1]
    assert [one["period"] for one in shown["payments"]] == [f"{year}-03", f"{year}-04"]
    assert {one["amount_rial"] for one in shown["payments"]} == {amount}
    assert {one["tracking_code"] for one in shown["payments"]} == {filed.code}
    assert (shown["total_rial"], shown["months"]) == (2 * amount, 2)
    assert shown["total_words"] == in_words(2 * amount)
    assert shown["national_code"] == filed.person.national_code
    other = await got(desk.citizen(filed), f"/statements/{year - 1}")
    assert (other.status_code, other.json()["payments"]) == (200, [])


async def test_a_statement_is_nobody_elses(desk, paid):
    _, year, _ = paid
    stranger = await desk.opened("active")
    shown = await got(desk.citizen(stranger), f"/statements/{year}")
    assert (shown.status_code, shown.json()["payments"]) == (200, [])
    for role in ("social_worker", "finance_preparer", "operator", "counter"):
        answer = await got(desk.caller(role), f"/statements/{year}")
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_what_was_paid_to_another_account_is_the_others(desk, paid):
    """The payee has changed since: the months before are those of whoever had them."""
    filed, year, award = paid
    account = uuid4()
    await desk.eye.execute(
        "INSERT INTO livelihood.payee_account VALUES ($1, $2, '', now(), now())", account, uuid4()
    )
    await desk.eye.execute(
        "UPDATE livelihood.item SET payee_account_id = $1 WHERE award_id = $2 AND period = $3",
        account, award["id"], year * 100 + 4,
    )  # fmt: skip
    shown = (await got(desk.citizen(filed), f"/statements/{year}")).json()
    assert [one["period"] for one in shown["payments"]] == [f"{year}-03"]


@pytest.mark.parametrize("year", ["1299", "1600", "x", "14٠5", "+1405", "1405.0"])
async def test_a_year_is_a_year(desk, paid, year):
    answer = await got(desk.citizen(paid[0]), f"/statements/{year}")
    assert answer.status_code == 422


async def test_a_covered_citizen_carries_the_proof_of_it(desk, paid):
    filed, _, award = paid
    answer = await got(desk.citizen(filed), "/coverage-proof")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["covered_since"] == "2026-11-22"
    assert shown["covered_since_jalali"] == "1405-09-01"
    assert (shown["covered_people"], shown["file_current"]) == (2, True)
    assert (shown["tracking_code"], shown["support_status"]) == (filed.code, "active")
    assert shown["support_from_period"] == award["start_period"]
    assert not {"reason", "amount_rial"} & shown.keys()
    ended = {"ended_on": "2026-11-22", "version": 2}
    await desk.cover(filed, "coverage.ended", **ended)
    gone = await got(desk.citizen(filed), "/coverage-proof")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_covered")


@pytest.mark.parametrize("path", ["/statements/{}", "/coverage-proof"])
async def test_both_are_papers_too(desk, paid, path):
    filed, year, _ = paid
    answer = await got(desk.citizen(filed), path.format(year), **PDF)
    assert answer.headers["content-type"] == "application/pdf", answer.text
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.req("LV-24")
async def test_the_decile_and_income_seen_at_a_visit_are_kept_for_the_reports(desk):
    findings = {"disability": False, "no_head": True, "illness": False, "housing": "rented"}
    findings |= {"persons_seen": 2, "income_rial": 40_000_000, "decile": 2}
    filed = await desk.opened("routed")
    await desk.walk(filed, "visited", findings=findings)
    kept = "SELECT decile, income_rial, source_ref FROM livelihood.decile WHERE household_id = $1"
    row = await desk.eye.fetchrow(kept, filed.household_id)
    assert (row["decile"], row["income_rial"]) == (2, 40_000_000)
    case = await desk.row(filed)
    assert row["source_ref"] == f"visit {case['id']}/1"
    unknown = await desk.opened("visited")
    assert await desk.eye.fetchrow(kept, unknown.household_id) is None
