"""Callers who hang up leave nothing open, and a commit that fails is never answered with a yes."""

import asyncio
import dataclasses
import json
import random
import socket
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.intake.app import service as intake
from shared.running import log
from shared.running.door import Door, Front
from shared.running.lifespan import Lifespan
from shared.running.settings import SERVICES
from shared.service import Tx, _plain, answer
from shared.storage.db import Transaction
from tests import make
from tests.agency import Agency
from tests.prove.judging import problem_faults
from tests.prove.sending import over_asgi

SEED = 1405
JSON = (b"content-type", b"application/json")


@pytest.fixture(scope="module")
async def agency(settings):
    log.configure(settings.model_copy(update={"log_level": "error"}))
    async with Agency(settings) as running:
        yield running
    log.configure(settings)


# Callers who hang up


class Callers:
    """Requests of several kinds, each under a key of its own, to be broken off."""

    def __init__(self, agency):
        self.agency = agency
        self.send = over_asgi(agency.gateway)
        self.people = {}

    async def ready(self, count):
        """People for so many applications, known to the registries, and tokens for the callers."""
        counter = await self.agency.caller("counter")
        worker = await self.agency.caller("social_worker")
        self.counter, self.worker = bearer(counter), bearer(worker)
        people = [make.Person() for _ in range(count)]
        await self.agency.known(*people)
        self.people |= {f"abort-{person.national_code}": person for person in people}
        return [f"abort-{person.national_code}" for person in people]

    async def file(self, key):
        """An application: its one statement commits itself."""
        body = json.dumps(make.livelihood(self.people[key])).encode()
        headers = [self.counter, JSON, (b"idempotency-key", key.encode())]
        return await self.send("POST", b"/v1/applications", b"", headers, body)

    async def form(self, key):
        """A household: an explicit transaction with many statements."""
        body = json.dumps({"head": self.people[key].national_code}).encode()
        headers = [self.worker, JSON, (b"idempotency-key", f"home-{key}".encode())]
        return await self.send("POST", b"/v1/households", b"", headers, body)

    async def read(self, _):
        return await self.send("GET", b"/v1/applications", b"limit=200", [self.counter], b"")


def bearer(caller):
    return b"authorization", f"Bearer {caller.token}".encode()


async def hang_up(task):
    """The server's own way of saying that nobody listens any more."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        return await task
    return None


async def must_be_clean(agency, *, within_s=10):
    """No transaction is open, no connection is lost, and every pool lends all that it has."""

    async def quiet():
        busy = await agency.eye.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'soha\\_%'"
            " AND state LIKE 'idle in transaction%'"
        )
        pools = [agency.runtime(name).pool for name in SERVICES]
        return busy == 0 and all(pool.get_size() == pool.get_idle_size() for pool in pools)

    await agency.settled(within_s=60)
    await agency.until(quiet, within_s=within_s)
    for name in SERVICES:
        pool = agency.runtime(name).pool
        most = agency.settings.pool_size
        lent = [await pool.acquire(timeout=2) for _ in range(most)]
        assert [await one.fetchval("SELECT 1") for one in lent] == [1] * most
        for one in lent:
            assert not one.is_in_transaction()
            await pool.release(one)


async def usual(kind, unused):
    """Seconds that a request of a kind takes here when four come at once; not the first ones."""
    for _ in range(2):
        began = time.monotonic()
        await asyncio.gather(*(kind(unused.pop()) for _ in range(4)))
    return time.monotonic() - began


async def landed(callers, keys):
    """How many of the broken off applications had been filed nevertheless: their key knows."""
    found = Counter()
    for key in keys:
        reply = await callers.file(key)
        assert reply.status == 201, reply.body
        found[b"idempotency-replayed" in reply.headers] += 1
    return found


async def test_a_thousand_broken_off_requests_leave_nothing_open(agency, say):
    """Some before their statement was sent, some while it waits for a lock, some after it.

    Each is broken off within half the time that its kind takes when four come at once, so that on
    any machine most have no answer yet; each application has a key of its own.
    """
    callers, draw = Callers(agency), random.Random(SEED)
    keys = await callers.ready(1200)
    await must_be_clean(agency)
    hung_up, sent = 0, 0
    kinds = {"file": callers.file, "form": callers.form, "read": callers.read}
    unused = {kind: list(keys) for kind in kinds}
    usual_s = {name: await usual(kind, unused[name]) for name, kind in kinds.items()}
    tried = []

    async def break_off():
        nonlocal hung_up, sent
        name = draw.choice(("file", "file", "form", "read"))
        key = unused[name].pop()
        if name == "file":
            tried.append(key)
        task = asyncio.create_task(kinds[name](key))
        await asyncio.sleep(draw.uniform(0, usual_s[name] / 2))
        sent += 1
        hung_up += not task.done()
        await hang_up(task)

    while hung_up < 1000:
        await asyncio.gather(*(break_off() for _ in range(4)))
    await must_be_clean(agency)
    found = await landed(callers, draw.sample(tried, 200))
    say(f"{hung_up} of {sent} hung up before their answer; of 200 keys {found[True]} had their")
    say(f"effect and {found[False]} none; no transaction open, no connection lost")
    assert found[True]
    assert found[False]


async def test_what_is_left_open_is_found(agency):
    """The check can fail: a connection that is kept, and a transaction that is left."""
    pool = agency.runtime("intake").pool
    kept = await pool.acquire()
    try:
        with pytest.raises(AssertionError):
            await must_be_clean(agency, within_s=0.5)
        await kept.execute("BEGIN")
        with pytest.raises(AssertionError):
            await must_be_clean(agency, within_s=0.5)
        await kept.execute("ROLLBACK")
    finally:
        await pool.release(kept)
    await must_be_clean(agency)


async def test_hanging_up_while_the_statement_waits_in_the_database(agency, say):
    """The statement has been sent: it is seen through, and the connection comes back whole."""
    callers = Callers(agency)
    keys, waited = await callers.ready(60), 0
    for start in range(0, 60, 3):
        await agency.settled()  # nobody else waits for the same lock
        async with agency.eye.acquire() as blocker:
            lock = blocker.transaction()
            await lock.start()
            await blocker.execute("LOCK TABLE intake.history IN SHARE ROW EXCLUSIVE MODE")
            tasks = [asyncio.create_task(callers.file(key)) for key in keys[start : start + 3]]
            await agency.until(lambda: waiting(agency, 3), within_s=5)
            for task in tasks:
                waited += not task.done()
                task.cancel()
            await lock.rollback()
        await asyncio.gather(*(hang_up(task) for task in tasks))
    await must_be_clean(agency)
    found = await landed(callers, keys)
    say(f"{waited} hung up while their statement waited: {found[True]} had their effect")
    assert waited == 60
    assert found[True] == 60


async def waiting(agency, count):
    """Whether so many applications wait for a lock, their one statement sent."""
    found = await agency.eye.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'soha_intake'"
        " AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO intake.application %'"
    )
    return found >= count


async def test_connections_that_break_leave_nothing_open_either(agency, say):
    """The same from outside: half a head, half a body, a whole request, and then a reset."""
    callers, draw = Callers(agency), random.Random(SEED)
    keys = await callers.ready(100)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        door = Door(Front(agency.gateway), agency.settings.model_copy(update={"port": port}))
        serving = asyncio.create_task(door.serve(sockets=[listening]))
        await door.opened.wait()
        for key in keys * 2:
            body = json.dumps(make.livelihood(callers.people[key])).encode()
            name, token = callers.counter
            head = (
                b"POST /v1/applications HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            )
            head += name + b": " + token + b"\r\nidempotency-key: " + key.encode()
            head += b"\r\ncontent-length: " + str(len(body)).encode() + b"\r\n\r\n"
            whole = head + body
            cut = draw.choice((len(head) // 2, len(head) + len(body) // 2, len(whole), len(whole)))
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(whole[:cut])
            await asyncio.sleep(draw.uniform(0, 0.02))
            writer.transport.abort()
        await must_be_clean(agency)
        door.drain()
        await serving
    found = await landed(callers, keys)
    say(f"200 connections broken: {found[True]} of 100 had their effect, {found[False]} none")
    assert found[True]
    assert found[False]


# A commit that fails

FAILING = {
    "40001": "RAISE EXCEPTION 'canary-of-the-commit' USING ERRCODE = '40001'",
    "P0001": "RAISE EXCEPTION 'canary-of-the-commit'",
    "gone": "PERFORM pg_terminate_backend(pg_backend_pid())",
}


@asynccontextmanager
async def failing_commits(agency, how):
    """Whatever keeps an answer under a key `fails-…` fails at its commit, not before."""
    name = f"intake.prove_{how.lower()}"
    await agency.eye.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {FAILING[how]}; RETURN NULL; END $$;"
        f"GRANT EXECUTE ON FUNCTION {name}() TO soha_intake;"
        "CREATE CONSTRAINT TRIGGER prove AFTER INSERT ON intake.idempotency"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.key LIKE 'fails-%')"
        f" EXECUTE FUNCTION {name}()"
    )
    try:
        yield
    finally:
        await agency.eye.execute(
            f"DROP TRIGGER prove ON intake.idempotency; DROP FUNCTION {name}()"
        )


@pytest.mark.parametrize("how", FAILING)
async def test_a_failed_commit_is_never_answered_with_a_yes(agency, how):
    """Neither where one statement commits itself nor where a transaction is open."""
    callers = Callers(agency)
    person = make.Person()
    await callers.ready(0)
    await agency.known(person)
    key = f"fails-{person.national_code}"
    callers.people[key] = callers.people[f"again-{key}"] = person
    worker = (await agency.caller("social_worker")).token
    home = [(b"authorization", f"Bearer {worker}".encode()), JSON]
    body = json.dumps({"head": person.national_code}).encode()
    async with failing_commits(agency, how):
        hot = await callers.file(key)
        cold = await callers.send(
            "POST", b"/v1/households", b"", [*home, (b"idempotency-key", key.encode())], body
        )
        for reply in (hot, cold):
            assert reply.status >= 500, reply
            assert problem_faults(reply) == []
            assert b"canary" not in reply.body
            assert reply.status != 503 or int(reply.headers[b"retry-after"]) > 0
            assert (reply.status == 500) == (how == "P0001")
    await must_be_clean(agency)
    again = await callers.file(f"again-{key}")
    assert again.status == 201, again.body
    formed = await callers.send(
        "POST",
        b"/v1/households",
        b"",
        [*home, (b"idempotency-key", b"again-" + key.encode())],
        body,
    )
    assert formed.status in {201, 409}, formed.body  # the application may have joined it by now


class Said(BaseModel):
    done: bool = True


async def test_the_commit_comes_before_the_response(agency):
    """The house's way refuses; FastAPI's default scope, planted here, answers 200 all the same."""
    router = APIRouter()

    @router.post("/house")
    async def house(tx: Tx) -> Response:
        return await answer(tx, 200, Said())

    @router.post("/careless")
    async def careless(tx: Annotated[Transaction, Depends(_plain)]) -> Response:
        return await answer(tx, 200, Said())

    bare = dataclasses.replace(intake, routers=[router], internal=[], clients=None)
    app = bare.create_app(agency.settings, loops=False)
    send, statuses = over_asgi(app), {}
    async with Lifespan("intake", app), failing_commits(agency, "P0001"):
        for path in ("house", "careless"):
            for key in ("fine", "fails"):
                headers = [(b"idempotency-key", f"{key}-{make.national_code()}".encode())]
                reply = await send("POST", f"/v1/{path}".encode(), b"", headers, b"")
                statuses[path, key] = reply.status
    assert statuses == {
        ("house", "fine"): 200, ("house", "fails"): 500,
        ("careless", "fine"): 200, ("careless", "fails"): 200,
    }  # fmt: skip
