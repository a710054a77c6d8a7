"""A step is taken whole or not at all, by whom it may be, from where it may be, and once."""

import asyncio
import json

import asyncpg
import pytest

from shared.cases import find
from shared.storage.idempotency import Answer, Key, request_hash
from shared.storage.idempotency import find as kept
from shared.storage.outbox import event_id
from shared.storage.step import row_of
from shared.values.identifiers import uuid7
from shared.web.auth import STAFF, Role
from shared.web.errors import (
    CaseChanged,
    NotFound,
    OwnOrRelativeCase,
    RoleNotAllowed,
    SeparationOfDuties,
    StaleVersion,
    StepNotAllowed,
)
from shared.workflow import Step, Workflow, advance, check
from tests.shared.desk import FLOW, Case, S, Thing, actor, case

WORKER = actor(Role.SOCIAL_WORKER)
APPROVER = actor(Role.APPROVER)


async def read(desk, row):
    async with desk.runtime.transaction() as tx:
        return await find(tx, Case, row.id, by="id")


async def take(desk, row, step, by, **more):
    """One step on the row as it was read, committing by itself."""
    async with desk.runtime.transaction() as tx:
        await advance(tx, row, step, by, **more)


async def seen(desk, *, by=WORKER):
    """A case that somebody has looked at, as it is read afterwards."""
    row = await desk.opened()
    await take(desk, await read(desk, row), "look", by)
    return await read(desk, row)


# The table


def test_a_step_tells_somebody_or_says_why_it_is_silent():
    for more in ({}, {"tell": "desk.opened", "silent": "why"}):
        with pytest.raises(ValueError, match="silent"):
            Step("open", (), S.OPEN, by={Role.CITIZEN}, **more)


def test_a_step_stands_once_in_its_table():
    step = FLOW.steps["look"]
    with pytest.raises(ValueError, match="twice"):
        Workflow("desk.case", S, S.OPEN, [step, step], labels={})


def test_the_table_refuses_by_role_before_it_refuses_by_state():
    assert FLOW.refusal("look", S.DONE, {Role.CITIZEN}) is RoleNotAllowed
    assert FLOW.refusal("look", S.DONE, {Role.SOCIAL_WORKER}) is StepNotAllowed
    assert FLOW.refusal("look", None, {Role.SOCIAL_WORKER}) is StepNotAllowed
    assert FLOW.refusal("open", S.OPEN, {Role.CITIZEN}) is StepNotAllowed
    assert FLOW.refusal("look", S.OPEN, {Role.SOCIAL_WORKER}) is None


# What is written


async def test_a_case_is_opened_with_its_first_history_row(desk):
    row = await desk.opened(title="عنوان", data={"of": [1, {"any": "kind"}]})
    found = await read(desk, row)
    assert (found.status, found.version, found.title) == ("open", 1, "عنوان")
    assert found.data == {"of": [1, {"any": "kind"}]}
    (past,) = found.past
    assert (past["step"], past["from_status"], past["status"]) == ("open", None, "open")


async def test_everything_that_belongs_to_a_step_is_one_statement(desk):
    row = await read(desk, await desk.opened())
    await desk.eye.execute("TRUNCATE desk.history, desk.audit, desk.outbox")
    async with desk.runtime.transaction() as tx:
        tx.key = Key("me", "look", "k", request_hash("POST", "/", b""))
        tx.reply = lambda: Answer(200, row.status.encode())
        await advance(tx, row, "look", WORKER, also=[row_of(Thing(id=uuid7(), name="one"))])
    written = [
        await desk.eye.fetchrow(f'SELECT xmin::text, cmin::text FROM desk."{table}"')
        for table in ("case", "history", "audit", "outbox", "idempotency", "thing")
    ]
    assert None not in written
    assert len({tuple(one) for one in written}) == 1


async def test_what_the_action_set_rides_along_and_the_rest_stays(desk):
    row = await read(desk, await desk.opened(title="one", data={"a": 1}))
    await desk.eye.execute("UPDATE desk.case SET title = 'by somebody else'")
    row.data, row.office_code = {"b": [2]}, None
    async with desk.runtime.transaction() as tx:
        await advance(tx, row, "look", WORKER)
        now = tx.now
    found = await read(desk, row)
    assert (found.data, found.office_code) == ({"b": [2]}, None)
    assert found.title == "by somebody else"
    assert (found.status, found.version, found.changed_at) == ("seen", 2, now)


async def test_history_names_who_did_what_when_and_why(desk):
    row = await read(desk, await desk.opened())
    by = actor(Role.SOCIAL_WORKER, Role.AUDITOR, office_code="T-9")
    await take(desk, row, "note", by, reason="چرا", facts={"visit_on": "2026-11-22"})
    past = await desk.eye.fetchrow("SELECT * FROM desk.history WHERE version = 2")
    assert past["subject_id"] == row.id
    assert (past["step"], past["from_status"], past["status"]) == ("note", "open", "open")
    assert (past["actor_sub"], past["actor_role"]) == (by.sub, "social_worker")
    assert (past["channel"], past["office_code"], past["reason"]) == ("counter", "T-9", "چرا")
    assert json.loads(past["facts"]) == {"visit_on": "2026-11-22"}
    last = (await read(desk, row)).past[-1]
    assert {name: last[name] for name in ("step", "reason", "version")} == {
        "step": "note",
        "reason": "چرا",
        "version": 2,
    }


async def test_the_event_tells_ids_codes_and_dates_and_no_word_of_the_case(desk):
    row = await read(desk, await desk.opened(title="رازی دربارهٔ کسی"))
    async with desk.runtime.transaction() as tx:
        tx.trace = "trace-1"
        row.title = "راز دیگری"
        await advance(tx, row, "look", WORKER, reason="چرای آن", facts={"code": "one"})
    told = await desk.eye.fetchrow("SELECT * FROM desk.outbox WHERE topic = 'desk.seen'")
    assert told["event_id"] == event_id(row.id, 2, "desk.seen")
    assert (told["subject_id"], told["version"], told["trace"]) == (row.id, 2, "trace-1")
    assert (told["hearers"], told["moved_at"]) == (["notify"], None)
    payload = json.loads(told["payload"])
    assert payload == {
        "tracking_code": row.tracking_code,
        "person_ids": [str(person) for person in row.person_ids],
        "province": "Tehran",
        "office_code": "T-1",
        "service": "desk",
        "case_id": str(row.id),
        "status": "seen",
        "step": "look",
        "version": 2,
        "clock": "pause",
        "outcome": "open",
        "waits_for": ["approver"],
        "step_label": "دیده شد",
        "status_label": "دیده",
        "next_step": None,
        "within": None,
        "role": "social_worker",
        "facts": {"code": "one"},
    }


async def test_the_audit_row_names_the_step_and_nobody(desk):
    row = await read(desk, await desk.opened())
    await take(desk, row, "look", WORKER, reason="چرا")
    entries = [json.loads(one["entry"]) for one in await desk.eye.fetch("SELECT * FROM desk.audit")]
    (entry,) = [one for one in entries if one["action"] == "desk.case.look"]
    assert (entry["actor"], entry["role"]) == (WORKER.sub, "social_worker")
    assert (entry["reference"], entry["status"], entry["version"]) == (row.tracking_code, "seen", 2)
    assert entry["subject"] == desk.runtime.crypto.pseudonym(str(row.person_ids[0]))
    assert str(row.person_ids[0]) not in json.dumps(entries)


async def test_a_silent_step_tells_nobody_and_wakes_nobody(desk):
    row = await read(desk, await desk.opened())
    told = (await desk.written(["outbox"]))[0]
    desk.runtime.poke.clear()
    await take(desk, row, "note", WORKER)
    assert ((await desk.written(["outbox"]))[0], desk.runtime.poke.is_set()) == (told, False)
    await take(desk, row, "look", WORKER)
    assert ((await desk.written(["outbox"]))[0], desk.runtime.poke.is_set()) == (told + 1, True)


@pytest.mark.parametrize(("to", "topic"), [(S.DONE, "desk.done"), (S.GONE, "desk.gone")])
async def test_where_a_step_may_lead_to_several_the_action_says_where(desk, to, topic):
    row = await seen(desk)
    await take(desk, row, "decide", APPROVER, to=to)
    assert await desk.stands(row) == (to.value, 3)
    payload = await desk.eye.fetchval("SELECT payload FROM desk.outbox WHERE topic = $1", topic)
    outcome = {"done": "closed", "gone": "refused"}[to.value]
    assert (json.loads(payload)["outcome"], json.loads(payload)["within"]) == (
        outcome,
        "desk.decision",
    )


@pytest.mark.parametrize("to", [None, S.OPEN])
async def test_no_step_leads_where_its_table_does_not(desk, to):
    row = await seen(desk)
    with pytest.raises(ValueError, match="targets"):
        await take(desk, row, "decide", APPROVER, to=to)
    assert await desk.stands(row) == ("seen", 2)


async def test_a_row_that_does_not_fit_undoes_the_step(desk):
    row, known = await read(desk, await desk.opened()), uuid7()
    async with desk.runtime.transaction() as tx:
        await tx.add(Thing(id=known, name="one"))
    before = await desk.written()
    with pytest.raises(asyncpg.UniqueViolationError):
        await take(desk, row, "look", WORKER, also=[row_of(Thing(id=known, name="two"))])
    assert (await desk.stands(row), await desk.written()) == (("open", 1), before)


async def test_steps_of_one_transaction_stand_or_fall_together(desk):
    row = await read(desk, await desk.opened())
    before = await desk.written()

    async def three(*, fail):
        async with desk.runtime.transaction(lone=False) as tx:
            fresh = await find(tx, Case, row.id, by="id")
            await advance(tx, fresh, "note", actor(Role.SOCIAL_WORKER))
            await advance(tx, fresh, "look", WORKER)
            assert await desk.stands(row) == ("open", 1)
            if fail:
                raise LookupError
            await advance(tx, fresh, "decide", APPROVER, to=S.DONE)

    with pytest.raises(LookupError):
        await three(fail=True)
    assert (await desk.stands(row), await desk.written()) == (("open", 1), before)
    await three(fail=False)
    assert await desk.stands(row) == ("done", 4)
    found = await read(desk, row)
    assert [past["version"] for past in found.past] == [1, 2, 3, 4]


# Who may, and when


async def nothing_is_written(desk, row, step, by, refusal, **more):
    """The refusal comes before and in the step alike, and leaves no trace."""
    before, stood = await desk.written(), await desk.stands(row)
    async with desk.runtime.transaction() as tx:
        with pytest.raises(refusal):
            check(tx, row, step, by)
        with pytest.raises(refusal) as raised:
            await advance(tx, row, step, by, **more)
    assert (await desk.written(), await desk.stands(row)) == (before, stood)
    return raised.value


async def test_role_and_state_are_asked_first(desk):
    row = await read(desk, await desk.opened())
    await nothing_is_written(desk, row, "look", APPROVER, RoleNotAllowed)
    refused = await nothing_is_written(desk, row, "decide", APPROVER, StepNotAllowed, to=S.DONE)
    assert refused.extensions == {"current_status": "open"}


@pytest.mark.req("H51")
@pytest.mark.parametrize("role", sorted(STAFF & {Role.SOCIAL_WORKER, Role.APPROVER}))
async def test_nobody_acts_on_their_own_case_or_a_relatives(desk, role):
    index = desk.runtime.crypto.index("0499370899")
    row = await read(desk, await desk.opened(kin=[b"else", index]))
    relative = actor(role, national_code="0499370899")
    await nothing_is_written(desk, row, "note", relative, OwnOrRelativeCase)
    await take(desk, row, "note", actor(role, national_code="0013542419"))


async def test_who_took_a_step_that_this_one_excludes_may_not_take_this_one(desk):
    both = actor(Role.SOCIAL_WORKER, Role.APPROVER)
    row = await seen(desk, by=both)
    await nothing_is_written(desk, row, "decide", both, SeparationOfDuties, to=S.DONE)
    await take(desk, row, "decide", APPROVER, to=S.DONE)


async def test_duties_hold_although_the_reader_did_not_see_the_history(desk):
    both = actor(Role.SOCIAL_WORKER, Role.APPROVER)
    row = await seen(desk, by=both)
    row.past = []
    before = await desk.written()
    with pytest.raises(SeparationOfDuties):
        await take(desk, row, "decide", both, to=S.DONE)
    assert (await desk.stands(row), await desk.written()) == (("seen", 2), before)


# Two at once


@pytest.mark.req("H50")
async def test_two_who_decide_at_once_decide_once(desk):
    for _ in range(10):
        row = await seen(desk)
        rivals = [(actor(Role.APPROVER), to) for to in (S.DONE, S.GONE)]
        rows = [await read(desk, row) for _ in rivals]  # both have read before either writes
        decisions = [
            take(desk, one, "decide", by, to=to) for one, (by, to) in zip(rows, rivals, strict=True)
        ]
        done = await asyncio.gather(*decisions, return_exceptions=True)
        (lost,) = [one for one in done if one is not None]
        assert isinstance(lost, StepNotAllowed)
        status, version = await desk.stands(row)
        assert (lost.extensions["current_status"], version) == (status, 3)
        steps = "SELECT count(*) FROM desk.history WHERE subject_id = $1 AND step = 'decide'"
        told = "SELECT count(*) FROM desk.outbox WHERE subject_id = $1 AND version = 3"
        assert await desk.eye.fetchval(steps, row.id) == 1
        assert await desk.eye.fetchval(told, row.id) == 1


@pytest.mark.req("H50")
@pytest.mark.parametrize(("if_match", "refusal"), [(None, CaseChanged), (1, StaleVersion)])
async def test_who_comes_second_from_the_same_status_is_told_that_it_changed(
    desk, if_match, refusal
):
    row = await desk.opened()
    first, second = await read(desk, row), await read(desk, row)
    await take(desk, first, "note", WORKER)
    before = await desk.written()
    async with desk.runtime.transaction() as tx:
        tx.if_match = if_match
        with pytest.raises(refusal):
            await advance(tx, second, "note", WORKER)
    assert (await desk.stands(row), await desk.written()) == (("open", 2), before)


async def test_a_version_that_is_not_the_callers_is_refused_before_anything_is_written(desk):
    row = await read(desk, await desk.opened())
    async with desk.runtime.transaction() as tx:
        tx.if_match = 7
        with pytest.raises(StaleVersion):
            await advance(tx, row, "look", WORKER)
    async with desk.runtime.transaction() as tx:
        tx.if_match = 1
        await advance(tx, await find(tx, Case, row.id, by="id"), "look", WORKER)
    assert await desk.stands(row) == ("seen", 2)


async def test_a_case_that_is_gone_is_not_found(desk):
    row = await read(desk, await desk.opened())
    await desk.eye.execute("DELETE FROM desk.case WHERE id = $1", row.id)
    before = await desk.written()
    with pytest.raises(NotFound):
        await take(desk, row, "look", WORKER)
    assert await desk.written() == before


# The answer


async def test_the_answer_is_kept_with_the_step_and_only_with_it(desk):
    key = Key("me", "POST /look", "k", request_hash("POST", "/look", b"{}"))
    row = await read(desk, await desk.opened())
    late = await read(desk, row)
    for one, refusal in ((row, None), (late, StepNotAllowed)):
        async with desk.runtime.transaction() as tx:
            tx.key = key
            tx.reply = lambda one=one: Answer(200, f"{one.status} {one.version}".encode())
            if refusal is None:
                await advance(tx, one, "look", WORKER)
            else:
                with pytest.raises(refusal):
                    await advance(tx, one, "look", WORKER)
    async with desk.runtime.transaction() as tx:
        assert await kept(tx, key) == Answer(200, b"seen 2", {})
    assert await desk.written(["idempotency"]) == [1]


async def test_two_steps_under_one_key_keep_one_answer_and_one_effect(desk):
    key = Key("me", "POST /cases", "k", request_hash("POST", "/cases", b"{}"))

    async def open_one():
        async with desk.runtime.transaction() as tx:
            row = case(opened_at=tx.now)
            tx.key, tx.reply = key, lambda: Answer(201, row.tracking_code.encode())
            await advance(tx, row, "open", actor(Role.CITIZEN))

    done = await asyncio.gather(open_one(), open_one(), return_exceptions=True)
    (lost,) = [one for one in done if one is not None]
    assert isinstance(lost, asyncpg.UniqueViolationError)
    tables = ["case", "history", "audit", "outbox", "idempotency"]
    assert await desk.written(tables) == [1] * 5
