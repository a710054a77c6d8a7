"""A request and its transaction: committed before the answer, kept under its key, told again."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from shared.web.auth import Role
from tests.shared.desk import actor, case

CITIZEN = actor(Role.CITIZEN)
WORKER = actor(Role.SOCIAL_WORKER)


async def answers(desk):
    return await desk.eye.fetchval("SELECT count(*) FROM desk.idempotency")


async def things(desk):
    return await desk.eye.fetchval("SELECT count(*) FROM desk.thing")


async def look(desk, row, *, by=WORKER, key="k", **headers):
    path = f"/desk/cases/{row.tracking_code}/look"
    return await desk.post(path, by=by, key=key, **headers)


# The commit comes before the answer


async def test_a_failed_commit_never_answers_as_if_it_had_succeeded(desk):
    assert (await desk.post("/things", {"name": "one"}, by=CITIZEN)).status_code == 201
    second = await desk.post("/things", {"name": "one"}, by=CITIZEN)
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert await things(desk) == 1


async def test_the_default_scope_of_the_framework_would_answer_before_the_commit(desk):
    # What Tx and KeyedTx are declared for: the same route, its transaction ending too late.
    assert (await desk.post("/things-late", {"name": "one"}, by=CITIZEN)).status_code == 201
    second = await desk.post("/things-late", {"name": "one"}, by=CITIZEN)
    assert second.status_code == 201
    assert await things(desk) == 1


async def test_a_failed_commit_keeps_no_answer_and_its_key_is_decided_anew(desk):
    await desk.post("/things-kept", {"name": "one"}, by=CITIZEN, key="first")
    refused = await desk.post("/things-kept", {"name": "one"}, by=CITIZEN, key="second")
    assert (refused.status_code, await answers(desk)) == (409, 1)
    await desk.eye.execute("DELETE FROM desk.thing")
    again = await desk.post("/things-kept", {"name": "one"}, by=CITIZEN, key="second")
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers


# Keys


@pytest.mark.req("H11")
@pytest.mark.parametrize("path", ["/things-kept", "/cases"])
async def test_a_change_without_a_key_is_refused_and_nothing_is_written(desk, path):
    answer = await desk.post(path, {"name": "one"}, by=CITIZEN)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert await things(desk) == 0
    assert await desk.written() == [0, 0, 0]


@pytest.mark.req("H11")
@pytest.mark.parametrize("path", ["/things-kept", "/cases"])
async def test_a_retry_gets_the_first_answer_byte_for_byte(desk, path):
    first = await desk.post(path, {"name": "one"}, by=CITIZEN, key="k")
    again = await desk.post(path, {"name": "one"}, by=CITIZEN, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("etag", "location", "content-type"):
        assert again.headers.get(name) == first.headers.get(name)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await answers(desk) == 1
    assert await things(desk) + (await desk.written(["case"]))[0] == 1


@pytest.mark.req("H11")
async def test_a_retried_step_is_told_again_although_it_could_not_be_taken_again(desk):
    row = await desk.opened()
    first = await look(desk, row, if_match='"1"')
    again = await look(desk, row, if_match='"1"')  # neither 409 nor 412
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert await desk.stands(row) == ("seen", 2)
    other = await look(desk, row, key="another")
    assert (other.status_code, other.json()["code"]) == (409, "step_not_allowed")


@pytest.mark.req("H11")
@pytest.mark.parametrize("what", ["body", "case", "query"])
async def test_the_same_key_with_another_request_is_refused(desk, what):
    one, two = await desk.opened(), await desk.opened()
    path = f"/desk/cases/{one.tracking_code}/note"
    assert (await desk.post(path, by=WORKER, key="k")).status_code == 200
    body = {}
    if what == "case":
        path = f"/desk/cases/{two.tracking_code}/note"
    elif what == "query":
        path = f"{path}?also=this"
    else:
        path, body = "/cases", {"name": "one"}
        assert (await desk.post(path, {"name": "two"}, by=WORKER, key="k")).status_code == 403
        first = await desk.post(path, {"name": "two"}, by=CITIZEN, key="k")
        assert first.status_code == 201
    by = CITIZEN if what == "body" else WORKER
    answer = await desk.post(path, body, by=by, key="k")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await desk.stands(two) == ("open", 1)


@pytest.mark.req("H11")
async def test_a_key_belongs_to_its_caller_and_to_what_was_asked(desk):
    body = {"name": "one"}
    first = await desk.post("/cases", body, by=CITIZEN, key="k")
    other = await desk.post("/cases", body, by=actor(Role.CITIZEN), key="k")
    thing = await desk.post("/things-kept", body, by=CITIZEN, key="k")
    assert [answer.status_code for answer in (first, other, thing)] == [201, 201, 201]
    assert len({first.content, other.content, thing.content}) == 3
    assert all("idempotency-replayed" not in answer.headers for answer in (other, thing))


@pytest.mark.req("H11")
async def test_an_answer_whose_time_is_over_is_not_told_again(desk):
    row = await desk.opened()
    assert (await look(desk, row)).status_code == 200
    await desk.eye.execute("UPDATE desk.idempotency SET expires_at = now() - interval '1 day'")
    again = await look(desk, row)
    assert (again.status_code, again.json()["code"]) == (409, "step_not_allowed")


@pytest.mark.req("H11")
async def test_only_success_is_kept(desk):
    row = await desk.opened()
    by = actor(Role.APPROVER)
    path = f"/desk/cases/{row.tracking_code}/decide"
    early = await desk.post(path, {"to": "done"}, by=by, key="k")
    assert (early.status_code, early.json()["code"]) == (409, "step_not_allowed")
    broken = await desk.post("/things-kept", {"name": "one", "refuse": True}, by=by, key="k")
    assert broken.status_code == 500
    assert (await answers(desk), await things(desk)) == (0, 0)
    assert (await look(desk, row)).status_code == 200
    anew = await desk.post(path, {"to": "done"}, by=by, key="k")
    assert anew.status_code == 200
    assert "idempotency-replayed" not in anew.headers


@pytest.mark.req("H11")
async def test_twins_take_a_step_once(desk):
    row = await desk.opened()
    found = await asyncio.gather(*(look(desk, row) for _ in range(8)))
    done = [answer for answer in found if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    others = {answer.json()["code"] for answer in found if answer not in done}
    assert others <= {"request_in_progress", "unavailable"}
    assert (await desk.stands(row), await answers(desk)) == (("seen", 2), 1)


@pytest.mark.req("H11")
async def test_while_a_twin_is_at_it_the_caller_is_told_to_come_again(desk):
    row = await desk.opened()
    async with desk.eye.acquire() as twin, twin.transaction():
        await twin.execute("SELECT FROM desk.case WHERE id = $1 FOR UPDATE", row.id)
        start = time.monotonic()
        answer = await look(desk, row)
        assert 0.9 < time.monotonic() - start < 2
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert answer.headers["retry-after"] == "1"
    assert (await desk.stands(row), await answers(desk)) == (("open", 1), 0)
    assert (await look(desk, row)).status_code == 200


async def test_what_is_kept_is_sealed(desk):
    await desk.post("/things-kept", {"name": "recognisable"}, by=CITIZEN, key="k")
    row = await desk.eye.fetchrow("SELECT * FROM desk.idempotency")
    assert b"recognisable" not in row["body"]
    assert row["expires_at"] > desk.runtime.clock.now()


# Without a database


@pytest.mark.parametrize("key", [None, "k"])
async def test_without_a_free_connection_the_answer_is_503_within_about_a_second(desk, key):
    path = "/things" if key is None else "/things-kept"
    async with AsyncExitStack() as stack:
        for _ in range(desk.runtime.pool.get_max_size()):
            await stack.enter_async_context(desk.runtime.pool.acquire())
        start = time.monotonic()
        answer = await desk.post(path, {"name": "one"}, by=CITIZEN, key=key)
        assert time.monotonic() - start < 1.5
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    again = await desk.post(path, {"name": "one"}, by=CITIZEN, key=key)
    assert again.status_code == 201


# Whoever hangs up


@pytest.mark.parametrize("path", ["/things-kept", "/cases"])
async def test_whoever_hangs_up_finds_all_or_nothing_and_may_ask_again(desk, path):
    tried = 60
    for number in range(tried):
        body, key = {"name": f"n{number}"}, f"k{number}"
        task = asyncio.create_task(desk.post(path, body, by=CITIZEN, key=key))
        await asyncio.sleep(number / 4000)
        task.cancel()
        await asyncio.wait({task})
    done = await answers(desk)
    assert done > 0
    assert await things(desk) + (await desk.written(["case"]))[0] == done
    assert desk.free()
    for number in range(tried):
        answer = await desk.post(path, {"name": f"n{number}"}, by=CITIZEN, key=f"k{number}")
        assert answer.status_code == 201
    assert await things(desk) + (await desk.written(["case"]))[0] == tried


async def test_a_service_lives_without_its_database_and_is_not_ready(desk):
    assert (await desk.http.get("/livez")).status_code == 200
    async with AsyncExitStack() as stack:
        for _ in range(desk.runtime.pool.get_max_size()):
            await stack.enter_async_context(desk.runtime.pool.acquire())
        start = time.monotonic()
        assert (await desk.http.get("/readyz")).status_code == 503
        assert time.monotonic() - start < 0.9
        assert (await desk.http.get("/livez")).status_code == 200


async def test_the_reply_speaks_of_the_case_as_it_will_be(desk):
    row = case(opened_at=desk.runtime.clock.now())
    assert row.status is None
    answer = await desk.post("/cases", {"name": "one"}, by=CITIZEN, key="k")
    shown = answer.json()
    assert (shown["status"], shown["version"], answer.headers["etag"]) == ("open", 1, '"1"')
    assert [past["step"] for past in shown["history"]] == ["open"]
    stored = await desk.eye.fetchval("SELECT status FROM desk.case WHERE id = $1", shown["case_id"])
    assert stored == "open"
