"""A closed month is told once; notify fetches whom it concerns, and nobody else may."""

from itertools import count
from uuid import UUID, uuid4

import pytest

from services.livelihood.runs import queries
from shared.web.auth import SYSTEM, Actor, Role
from shared.workflow import advance
from tests.livelihood.runs.month import Month

YEARS = count(1460)
FINANCE = Actor(sub="finance-closes", roles=frozenset({Role.FINANCE_PREPARER}))


@pytest.fixture
async def month(desk):
    """Of a year in which the last known rates still hold; others may have awards in it too."""
    made = Month(desk, next(YEARS))
    await made.budget(10**15)
    return made


async def reconciled(month, households):
    """A month as far as the bank's last answer, the steps between left to who builds them."""
    mine = await month.households(households)
    run = await month.frozen()
    await month.desk.eye.execute(
        "UPDATE livelihood.run SET status = 'reconciled' WHERE id = $1", UUID(run["run_id"])
    )
    return UUID(run["run_id"]), [one["id"] for one in mine]


async def paid(month, run_id, *, purpose="notify", **params):
    token = month.desk._signer.sign(SYSTEM, audience="livelihood", purpose=purpose)
    return await month.desk.http.get(
        f"/internal/runs/{run_id}/paid",
        params=params,
        headers={"authorization": f"Bearer {token}"},
    )


async def test_closing_a_month_tells_one_event_that_names_nobody(month):
    run_id, _ = await reconciled(month, 3)
    async with month.desk.runtime.transaction() as tx:
        await advance(tx, await queries.find_run(tx, run_id), "close", FINANCE)
    rows = await month.desk.eye.fetch(
        "SELECT * FROM livelihood.outbox WHERE subject_id = $1", run_id
    )
    assert [(row["topic"], row["hearers"]) for row in rows] == [
        ("livelihood.month_paid", ["notify"])
    ]
    assert month.period in rows[0]["payload"]
    assert "person" not in rows[0]["payload"]
    assert "rial" not in rows[0]["payload"]


@pytest.mark.req("LV-02")
async def test_only_who_was_paid_is_named_and_each_page_goes_on_after_the_one_before(month):
    run_id, awards = await reconciled(month, 7)
    await month.desk.eye.execute(
        "UPDATE livelihood.item SET state = 'paid' WHERE period = $1 AND award_id = ANY ($2)",
        month.as_number,
        awards[:5],
    )
    payees = await month.desk.eye.fetch(
        "SELECT payee_id FROM livelihood.award WHERE id = ANY ($1)", awards[:5]
    )
    found, after, pages = [], {}, 0
    while after is not None:
        page = (await paid(month, run_id, limit=2, **after)).json()
        found += page["person_ids"]
        after = {"after": page["after"]} if page["after"] else None
        pages += 1
    assert sorted(found) == sorted(str(one["payee_id"]) for one in payees)
    assert (len(found), pages) == (5, 3)


async def test_for_another_purpose_or_another_caller_there_is_no_list(month):
    run_id, _ = await reconciled(month, 1)
    assert (await paid(month, run_id, purpose="report")).status_code == 403
    path = f"/internal/runs/{run_id}/paid"
    officer = await month.desk.http.get(path, headers=month.preparer._token)
    assert officer.status_code == 403
    assert (await month.desk.http.get(path)).status_code == 401
    assert (await paid(month, uuid4())).status_code == 404
