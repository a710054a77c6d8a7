"""The process is killed and the database stopped under load: nothing lost, nothing twice.

Judged by the journals of the client and of the SMS providers, never by the database alone.
"""

import asyncio
import hashlib
import os
import random
import shutil
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg
import httpx
import pytest

from shared.running.settings import Settings
from tests.prove.whole import Client, Whole, until, verdict

SEED = int(os.environ.get("SOHA_SEED", "1405"))
APPLICATIONS, KILLS = 200, 10
TOLD = ("application.submitted", "application.routed", "livelihood.opened")
QUIET_WITHIN_S = 120

pytestmark = pytest.mark.journey


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def place():
    made = Path(tempfile.mkdtemp(prefix="soha-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree((made / "data" / "pg").resolve(), ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
async def whole(place):
    running = Whole(
        Settings(
            _env_file=None,
            data_dir=place / "data",
            run_dir=place / "run",
            port=free_port(),
            sandbox_port=free_port(),
        )
    )
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def client(whole):
    made = Client(whole, whole.settings.data_dir / f"client-{time.monotonic_ns()}.jsonl")
    yield made
    await made.aclose()


async def must_be_durable(whole):
    """The database keeps its word: no figure counts without it."""
    dsn = (whole.settings.data_dir / "keys" / "dsn").read_text().strip()
    eye = await asyncpg.connect(dsn)
    try:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert await eye.fetchval(f"SHOW {name}") == "on", name
        unlogged = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'"
        assert await eye.fetchval(unlogged) == 0
    finally:
        await eye.close()


async def judged(whole, client, *, before):
    """Wait for quiet, then compare the journals with what the gateway shows."""
    wanted = len(TOLD) * len(client.acked)

    def everybody_is_told():
        return (whole.sms()[0] - before).total() >= wanted

    await until(everybody_is_told, within_s=QUIET_WITHIN_S)
    await asyncio.sleep(2)  # and whoever would be told twice
    sms = whole.sms()[0] - before
    lines = list(client.acked.values())
    mobiles = {line["tracking_code"]: client.people[line["key"]].mobile for line in lines}
    for code in mobiles:
        shown = await client.shown(code)
        assert shown is not None, code
        assert shown["status"] == "in_service", shown
        steps = Counter(entry["step"] for entry in shown["timeline"])
        assert set(steps.values()) == {1}, steps
    assert set(client.acked) == set(client.people)
    return lines, mobiles, sms


async def inbox(whole, person):
    """What a citizen finds in the portal."""
    claims = {
        "sub": f"citizen-{person.national_code[-4:]}",
        "roles": ["citizen"],
        "channels": ["soha_portal"],
        "national_code": person.national_code,
    }
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
        token = await http.post(f"{whole.settings.sandbox_url}/tokens", json=claims)
        header = {"Authorization": f"Bearer {token.json()['access_token']}"}
        answer = await http.get(f"{whole.url}/v1/inbox?limit=200", headers=header)
    return Counter(item["topic"] for item in answer.json()["items"])


@pytest.mark.req("X-04", "H11", "LV-10")
async def test_killed_ten_times_in_the_middle_nothing_is_lost_and_nothing_told_twice(
    whole, client, say
):
    await must_be_durable(whole)
    draw = random.Random(SEED)
    keys = await client.introduce(APPLICATIONS)
    filing = asyncio.create_task(client.file(keys))
    landed, tried, waits_s = 0, 0, []
    moments = sorted(draw.sample(range(10, APPLICATIONS - 10), KILLS))
    for moment in moments:
        await until(lambda at=moment: len(client.acked) >= at, within_s=60)
        await asyncio.sleep(draw.uniform(0, 0.03))
        tried += 1
        flying, cut = set(client.in_flight), len(client.broken)
        whole.kill()
        if flying and await until(lambda n=cut: len(client.broken) > n, within_s=5):
            landed += bool(flying & set(client.broken[cut:]))
        began = time.monotonic()
        await whole.start()
        waits_s.append(time.monotonic() - began)
    await asyncio.wait_for(filing, 120)
    lines, mobiles, sms = await judged(whole, client, before=Counter())
    assert landed == tried == KILLS
    wrong = verdict(lines, listed=await client.listed(), mobiles=mobiles, sms=sms, told=len(TOLD))
    resent = 0
    for key, line in client.acked.items():
        again = await client.post(key)
        assert again.headers.get("idempotency-replayed") == "true", again.text
        assert hashlib.sha256(again.content).hexdigest() == line["sha256"]
        resent += 1
    for key in draw.sample(sorted(client.people), 20):
        assert await inbox(whole, client.people[key]) == Counter(TOLD)
    say(f"seed {SEED}: {landed}/{tried} kills landed, {len(client.broken)} requests cut off,")
    say(f"{len(lines)} acknowledged, {resent} replayed alike, {sms.total()} messages accepted,")
    say(f"{whole.sms()[1]} asked about anew; ready again within {max(waits_s):.1f} s")
    assert wrong == []


async def test_a_stopped_database_is_said_and_comes_back(whole, client, say):
    await must_be_durable(whole)
    draw = random.Random(SEED + 1)
    before_codes, before = await client.listed(), whole.sms()[0]
    keys = await client.introduce(120)
    filing = asyncio.create_task(client.file(keys))
    waits_s = []
    for moment in sorted(draw.sample(range(10, 90), 3)):
        await until(lambda at=moment: len(client.acked) >= at, within_s=60)
        refused = client.answers[503]
        whole.stop_database()
        began, count = time.monotonic(), len(client.acked)
        assert await until(lambda n=refused: client.answers[503] > n, within_s=20)
        assert await until(lambda n=count: len(client.acked) > n + 8, within_s=30)
        waits_s.append(time.monotonic() - began)
    await asyncio.wait_for(filing, 120)
    lines, mobiles, sms = await judged(whole, client, before=before)
    listed = [code for code in await client.listed() if code not in set(before_codes)]
    wrong = verdict(lines, listed=listed, mobiles=mobiles, sms=sms, told=len(TOLD))
    say(f"seed {SEED}: database stopped {len(waits_s)} times, {dict(client.answers)} answers,")
    say(f"serving again within {max(waits_s):.1f} s; {len(lines)} acknowledged")
    assert wrong == []
    assert client.broken == []
    assert {status for status in client.answers if status >= 500} == {503}
    assert client.bare == []


def test_the_judge_finds_what_was_lost_or_doubled():
    lines = [{"tracking_code": f"SH-{number}"} for number in range(3)]
    fine = {
        "listed": [line["tracking_code"] for line in lines],
        "mobiles": {line["tracking_code"]: f"0912{line['tracking_code']}" for line in lines},
        "sms": Counter(
            {(f"0912{line['tracking_code']}", f"{line['tracking_code']} {n}"): 1
             for line in lines for n in range(3)}
        ),
        "told": 3,
    }  # fmt: skip
    assert verdict(lines, **fine) == []
    first = ("0912SH-0", "SH-0 0")
    twice, silent = fine["sms"] + Counter([first]), fine["sms"] - Counter([first])
    stranger = fine["sms"] + Counter([("09120000000", "SH-0 0")])
    planted = (
        (lines, fine | {"listed": fine["listed"][1:]}),
        (lines, fine | {"listed": [*fine["listed"], "SH-9"]}),
        (lines, fine | {"listed": [*fine["listed"], "SH-1"]}),
        ([*lines, lines[0]], fine),
        (lines, fine | {"sms": twice}),
        (lines, fine | {"sms": silent}),
        (lines, fine | {"sms": stranger}),
    )
    for acked, found in planted:
        assert verdict(acked, **found) != []
