"""What livelihood does when others tell it something: twice, late, in any order, or not at all."""

import asyncio
import copy
from datetime import date
from itertools import permutations
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.livelihood.actions.activation import try_to_activate
from shared.storage import policy
from shared.storage.coverage import covered
from tests import make
from tests.livelihood.desk import Filed

# The application


@pytest.mark.req("LV-13")
async def test_a_routed_application_opens_one_case_however_often_it_is_told(desk):
    filed = await desk.opened()
    await desk.route(filed, version=3)
    await desk.route(filed, version=9)  # routed again, after papers were asked for
    row = await desk.row(filed)
    assert await desk.steps(filed) == ["open"]
    assert (row["status"], row["reason"], row["priority"], row["members"]) == (
        "routed", "no_head", 3, 2,
    )  # fmt: skip
    assert row["kin"] == row["holders"]
    assert len(await desk.told(filed, "livelihood.opened")) == 1


async def test_an_application_for_another_service_is_none_of_ours(desk):
    code = make.national_code()
    await desk.tell(
        "application.routed", {"tracking_code": code, "for_service": "loans"}, subject=uuid4()
    )
    await desk.hear()
    left = await desk.eye.fetchval("SELECT count(*) FROM livelihood.inbox WHERE done_at IS NULL")
    assert left == 0
    assert await desk.eye.fetchval(
        'SELECT count(*) FROM livelihood."case" WHERE tracking_code = $1', code
    ) == 0  # fmt: skip


async def test_a_silent_intake_is_asked_again_and_nothing_is_lost(desk):
    filed = Filed()
    await desk.route(filed)
    again = Filed()
    payload = {"tracking_code": again.code, "for_service": "livelihood"}
    await desk.tell("application.routed", payload, subject=again.application_id)
    await desk.hear()  # intake does not know it yet
    assert await desk.row(again) is None
    desk.intake.known[again.code] = again
    await desk.eye.execute("UPDATE livelihood.inbox SET due_at = now() WHERE done_at IS NULL")
    await desk.hear()
    assert await desk.status(again) == "routed"


@pytest.mark.req("LV-11")
@pytest.mark.parametrize("reason", [None, "", "rich"])
async def test_without_a_reason_that_the_service_knows_there_is_no_case(desk, reason):
    filed = Filed()
    details = filed.answer(desk.runtime.crypto.index)["details"] | {"reason": reason}
    filed.told = {"details": details}
    await desk.route(filed)
    assert await desk.row(filed) is None
    failed = await desk.eye.fetchrow(
        "SELECT done_at, last_error FROM livelihood.inbox WHERE subject_id = $1",
        filed.application_id,
    )
    assert failed["done_at"] is None
    assert failed["last_error"] == "ValueError"  # its words would quote what was filed
    await desk.eye.execute(
        "DELETE FROM livelihood.inbox WHERE subject_id = $1", filed.application_id
    )


@pytest.mark.req("LV-11")
async def test_the_database_keeps_no_case_without_a_reason(desk):
    filed = await desk.opened()
    with pytest.raises(asyncpg.NotNullViolationError):
        await desk.eye.execute(
            'UPDATE livelihood."case" SET reason = NULL WHERE tracking_code = $1', filed.code
        )


@pytest.mark.parametrize(
    ("topic", "status", "word"),
    [
        ("application.withdrawn", "withdrawn", "withdrawn"),
        ("application.expired", "withdrawn", "expired"),
        ("application.closed_deceased", "closed_deceased", "closed_deceased"),
    ],
)
async def test_the_case_ends_with_its_application_once(desk, topic, status, word):
    filed = await desk.opened("visited")
    for version in (5, 5, 6):
        await desk.tell(
            topic, {"tracking_code": filed.code}, subject=filed.application_id, version=version
        )
        await desk.hear()
    assert await desk.status(filed) == status
    told = await desk.told(filed, f"livelihood.{status}")
    assert [event["facts"] for event in told] == [{"application": word}]


async def test_an_active_award_outlives_a_late_withdrawal(desk):
    filed = await desk.opened("active")
    await desk.tell(
        "application.withdrawn", {"tracking_code": filed.code}, subject=filed.application_id
    )
    await desk.hear()
    assert await desk.status(filed) == "active"


async def test_a_false_death_sends_the_case_back_to_where_it_stood(desk):
    filed = await desk.opened("confirmed")
    payload = {"tracking_code": filed.code}
    for version, topic in ((5, "application.closed_deceased"), (6, "application.restored")):
        await desk.tell(topic, payload, subject=filed.application_id, version=version)
        await desk.hear()
    assert await desk.status(filed) == "confirmed"
    await desk.cover(filed)
    await desk.fire()
    assert await desk.status(filed) == "active"


# Coverage


@pytest.mark.req("X-09")
async def test_coverage_comes_out_the_same_in_whatever_order_and_however_often_it_is_told(desk):
    told = [
        ("coverage.started", 1, {}),
        ("coverage.file_suspended", 2, {"file_status": "suspended"}),
        ("coverage.file_resumed", 3, {"file_status": "current"}),
        ("coverage.ended", 4, {"ended_on": "2026-12-01"}),
    ]
    for order in permutations(told):
        filed = Filed()
        for topic, version, more in [*order, *order]:
            await desk.cover(filed, topic, version=version, **more)
        rows = await desk.eye.fetch(
            "SELECT * FROM livelihood.coverage WHERE coverage_id = $1", filed.coverage_id
        )
        assert {row["person_id"] for row in rows} == {filed.person_id, filed.child_id}
        assert {(row["state"], row["version"], row["ended_on"]) for row in rows} == {
            ("ended", 4, date(2026, 12, 1))
        }


@pytest.mark.req("X-09")
async def test_the_same_version_told_under_a_new_id_changes_nothing(desk):
    filed = Filed()
    await desk.cover(filed, version=2)
    await desk.cover(filed, "coverage.file_suspended", version=2, file_status="suspended")
    async with desk.runtime.transaction() as tx:
        found = await covered(tx, household_id=filed.household_id)
    assert [one.file_current for one in found] == [True, True]


async def test_one_who_leaves_coverage_leaves_the_others_in_it(desk):
    filed = Filed()
    await desk.cover(filed)
    await desk.cover(
        filed, "coverage.ended", version=2, person_ids=[str(filed.child_id)], on="2026-11-23"
    )
    async with desk.runtime.transaction() as tx:
        found = await covered(tx, person_ids=[filed.person_id, filed.child_id])
    assert [one.person_id for one in found] == [filed.person_id]


@pytest.mark.req("X-09")
async def test_an_award_waits_for_coverage_and_starts_once(desk):
    filed = await desk.opened("confirmed")
    async with desk.runtime.transaction(lone=False) as tx:
        await try_to_activate(tx, (await desk.row(filed))["id"])
    assert await desk.status(filed) == "confirmed"
    approver = desk.caller("approver")
    answer = await approver.do(filed, "activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "coverage_not_started")
    for version in (1, 1, 2):
        await desk.cover(filed, version=version)
        await desk.fire()
    assert await desk.status(filed) == "active"
    assert len(await desk.told(filed, "livelihood.activated")) == 1
    assert await _awards(desk, filed) == 1


async def _awards(desk, filed):
    return await desk.eye.fetchval(
        "SELECT count(*) FROM livelihood.award WHERE household_id = $1", filed.household_id
    )


async def test_a_household_has_one_open_award_whoever_asks(desk):
    first = await desk.opened("confirmed")
    second = await desk.opened("confirmed", household_id=first.household_id)
    people = [str(first.person_id), str(first.child_id), str(second.person_id)]
    await desk.cover(first, person_ids=people)
    await desk.fire()
    assert sorted([await desk.status(first), await desk.status(second)]) == ["active", "confirmed"]
    waits = first if await desk.status(first) == "confirmed" else second
    answer = await desk.caller("approver").do(waits, "activate")
    assert answer.json()["code"] == "household_has_award"
    third = await desk.opened("visited", household_id=first.household_id)
    answer = await desk.caller("approver").do(third, "confirm")
    assert answer.json()["code"] == "household_has_award"
    assert await _awards(desk, first) == 1


# The account


async def test_an_account_of_somebody_else_is_asked_about_once_and_mended(desk):
    filed = await desk.opened("confirmed", owns=False)
    await desk.account(filed.person.sheba, make.national_code())
    for version in (1, 2):
        await desk.cover(filed, version=version)
        await desk.fire()
    assert await desk.status(filed) == "confirmed"
    asked = await desk.told(filed, "livelihood.account_requested")
    assert [event["facts"] for event in asked] == [{"account": "mismatch"}]
    mended = make.sheba()
    await desk.account(mended, filed.person.national_code)
    answer = await desk.citizen(filed).do(filed, "correct-account", {"sheba": mended})
    assert (answer.status_code, answer.json()["account_state"]) == (200, "unchecked")
    await desk.hear()
    await desk.fire()
    assert await desk.status(filed) == "active"
    account = await desk.eye.fetchrow(
        "SELECT p.* FROM livelihood.payee_account p JOIN livelihood.award a"
        " ON a.payee_account_id = p.id WHERE a.household_id = $1",
        filed.household_id,
    )
    assert desk.runtime.crypto.open_json(
        account["sheba"], table="payee_account", column="sheba", row=account["id"]
    ) == mended  # fmt: skip


@pytest.mark.parametrize(("state", "word"), [("closed", "closed"), (None, "not_found")])
async def test_a_closed_or_unknown_account_is_told_apart(desk, state, word):
    filed = await desk.opened("confirmed", owns=False)
    if state:
        await desk.account(filed.person.sheba, filed.person.national_code, state)
    await desk.cover(filed)
    await desk.fire()
    asked = await desk.told(filed, "livelihood.account_requested")
    assert [event["facts"] for event in asked] == [{"account": word}]
    answer = await desk.caller("approver").do(filed, "activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "account_not_verified")
    assert answer.json()["account_state"] == word
    await desk.fire()
    assert len(await desk.told(filed, "livelihood.account_requested")) == 1


async def test_a_silent_bank_is_never_guessed_and_asked_again_after_its_time(desk):
    filed = await desk.opened("confirmed")
    await desk.fault("central-bank", "error")
    await desk.cover(filed)
    await desk.fire()
    row = await desk.row(filed)
    assert (row["status"], row["account_state"]) == ("confirmed", "unavailable")
    assert await desk.told(filed, "livelihood.account_requested") == []
    due = await desk.eye.fetchval(
        "SELECT due_at FROM livelihood.timer WHERE kind = 'activate' AND subject_id = $1", row["id"]
    )
    assert 0 < (due - desk.runtime.clock.now()).total_seconds() <= 60
    answer = await desk.caller("approver").do(filed, "activate")
    assert (answer.status_code, answer.json()["code"]) == (503, "party_unavailable")
    await desk.fault("central-bank", "ok")
    await desk.eye.execute(
        "UPDATE livelihood.timer SET due_at = now() WHERE subject_id = $1", row["id"]
    )
    await desk.fire()
    assert await desk.status(filed) == "active"


# The quota


@pytest.fixture
async def little_quota(desk):
    """Provinces with little left: set once for the whole installation."""
    today = desk.runtime.clock.today()
    async with desk.runtime.transaction() as tx:
        value = copy.deepcopy(await policy.on(tx, "livelihood.quota", today))
        value["awards"] |= {"Few": 3, "None": 0, "One": 1}
        try:
            await policy.put(
                tx, "livelihood.quota", value, effective_from=today, source_ref="a test",
                confidence="L",
            )  # fmt: skip
        except policy.PolicyExists:
            assert "Few" in value["awards"]


@pytest.mark.usefixtures("little_quota")
async def test_parallel_approvals_never_overdraw_a_quota(desk):
    cases = [await desk.opened("confirmed", province="Few") for _ in range(8)]
    for filed in cases:
        await desk.cover(filed)
    await asyncio.gather(*(_try(desk, filed) for filed in cases))
    states = [await desk.status(filed) for filed in cases]
    assert states.count("active") == 3
    assert states.count("waiting_list") == 5
    used = await desk.eye.fetchval("SELECT used FROM livelihood.quota WHERE province = 'Few'")
    assert used == 3
    await desk.fire()  # reminders that are still due change nothing
    assert [await desk.status(filed) for filed in cases] == states


async def _try(desk, filed):
    case_id: UUID = (await desk.row(filed))["id"]
    async with desk.runtime.transaction(lone=False) as tx:
        await try_to_activate(tx, case_id)


@pytest.mark.req("LV-41")
@pytest.mark.usefixtures("little_quota")
async def test_the_waiting_list_begins_with_the_elderly_and_disabled(desk):
    old = {"reason": "elderly", "person": None, "submitted_on": date(2026, 11, 21)}
    asked = [
        {"reason": "other", "submitted_on": date(2026, 11, 1)},
        {"reason": "no_head", "submitted_on": date(2026, 11, 19)},
        {"reason": "no_head", "submitted_on": date(2026, 11, 3)},
        {"reason": "disabled", "submitted_on": date(2026, 11, 22)},
        old,
    ]
    cases = []
    for more in asked:
        person = make.Person(birth_on=date(1950, 1, 15))
        filed = Filed(province="None", **(more | {"person": person}))
        await desk.account(person.sheba, person.national_code)
        await desk.route(filed)
        seen = {"disability": True, "no_head": True, "illness": False, "housing": "none"}
        await desk.walk(filed, "waiting_list", findings=seen | {"persons_seen": 1})
        cases.append(filed)
    order = [cases[4], cases[3], cases[2], cases[1], cases[0]]
    for role in ("approver", "social_worker"):
        staff = desk.caller(role, province="None")
        assert [row["tracking_code"] for row in await _pages(staff)] == [f.code for f in order]
    assert await _pages(desk.caller("approver", province="Qom")) == []
    counter = await desk.caller("counter", office_code="72010001").get("/waiting-list")
    assert counter.json()["code"] == "role_not_allowed"
    bad = await desk.caller("approver").get("/waiting-list", cursor="WzEsMl0")
    assert bad.json()["code"] == "invalid_cursor"


async def _pages(staff):
    rows, cursor = [], None
    while True:
        asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await staff.get("/waiting-list", **asked)).json()
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


@pytest.mark.usefixtures("little_quota")
async def test_from_the_waiting_list_an_approver_activates_when_there_is_a_place(desk):
    first = await desk.opened("active", province="One")
    second = await desk.opened("waiting_list", province="One")
    assert (await desk.told(second, "livelihood.waiting_listed"))[0]["facts"] == {"rank": "1"}
    approver = desk.caller("approver", province="One")
    answer = await approver.do(second, "activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "quota_full")
    await desk.eye.execute("UPDATE livelihood.quota SET used = 0 WHERE province = 'One'")
    third = await desk.opened("waiting_list", province="One")  # it does not overtake
    assert (await desk.told(third, "livelihood.waiting_listed"))[0]["facts"] == {"rank": "2"}
    answer = await approver.do(second, "activate")
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert await desk.status(first) == "active"
    used = await desk.eye.fetchval("SELECT used FROM livelihood.quota WHERE province = 'One'")
    assert used == 1


# What stays as it was made


@pytest.mark.req("LV-19")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM livelihood.decision",
        "UPDATE livelihood.decision SET outcome = 'confirmed'",
        "DELETE FROM livelihood.payee_account",
        "UPDATE livelihood.payee_account SET person_id = id",
        "UPDATE livelihood.history SET status = 'active'",
    ],
)
async def test_the_service_cannot_rewrite_what_was_decided(desk, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.runtime.pool.execute(statement)
