"""Whatever strangers send to any field of any operation: a reasoned no, or the canonical form."""

import asyncio
import os
import socket
from collections import Counter

import pytest

from shared.running import log
from shared.running.door import Door, Front
from tests.agency import Agency
from tests.prove import planted
from tests.prove.document import Operation, operations
from tests.prove.judging import dressed, echoes, problem_faults
from tests.prove.prober import EACH, Prober
from tests.prove.sending import exchange, over_asgi, over_socket
from tests.prove.stages import UNREACHABLE, Stages

SEED = int(os.environ.get("SOHA_SEED", "1405"))
AT_ONCE = 4
# A card keeps the printed lines that its values were read from, exactly as they were printed.
EVIDENCE = frozenset({"body:/readings/F01/raw/0/text"})
# Open to all: whoever knows no code and mobile learns nothing, not even what was wrong.
QUIET = frozenset({"POST /v1/follow"})


@pytest.fixture(scope="module")
async def agency(settings):
    """An agency that writes no line for each of many thousand requests."""
    log.configure(settings.model_copy(update={"log_level": "warning"}))
    async with Agency(settings) as running:
        yield running
    log.configure(settings)


async def spoken_to(defect: str | None) -> Prober:
    """The probe of the small application with a planted defect, or none."""
    app, found = planted.application(defect)
    prober = Prober(over_asgi(app), planted.prepare, seed=SEED)
    for operation in found:
        await prober.probe(operation)
    return prober


async def test_a_healthy_application_has_no_findings():
    prober = await spoken_to(None)
    assert prober.findings == []
    assert prober.accepted >= 5
    assert sum(prober.sent.values()) >= 7 * EACH


@pytest.mark.parametrize("defect", planted.DEFECTS)
async def test_every_planted_defect_is_found(defect):
    """The probe can fail: a figure counts only where it finds what was put there."""
    assert (await spoken_to(defect)).findings != []


async def merged(agency) -> list[Operation]:
    answer = await agency.nobody().get("/openapi.json")
    return operations(answer.json())


async def test_every_field_of_every_operation(agency, say):
    """At least 40 hostile values for each, and the good request before them."""
    prober = Prober(
        over_asgi(agency.gateway), Stages(agency), seed=SEED, evidence=EVIDENCE, quiet=QUIET
    )
    found = [one for one in await merged(agency) if one.key not in UNREACHABLE]
    turns = asyncio.Semaphore(AT_ONCE)

    async def probe(operation):
        async with turns:
            await prober.probe(operation)

    async with asyncio.TaskGroup() as group:
        for operation in found:
            group.create_task(probe(operation))
    report(prober, found, say)
    assert prober.findings == [], "\n".join(prober.findings[:60])
    assert len(found) >= 80
    assert len(prober.sent) >= 650
    few = [
        name for name, sent in prober.sent.items() if sent < EACH and not name.endswith("body:/")
    ]
    assert few == []
    assert {operation.key for operation in found} == set(prober.statuses)
    assert prober.accepted >= 400  # and each was kept in its canonical form
    # What was taken in goes its way to the end: no event and no message is stuck on it.
    await agency.settled(within_s=60)


# One of each kind, over a socket: there uvicorn's parser reads first, and the door before it.
OVER_SOCKET = frozenset(
    {
        "POST /v1/applications/{tracking_code}/withdraw",
        "POST /v1/applications/{tracking_code}/documents",
        "PATCH /v1/applications/{tracking_code}",
        "GET /v1/applications",
        "GET /v1/applications/{tracking_code}",
        "POST /v1/counters/contracts",
        "PUT /v1/templates/{topic}",
        "POST /v1/follow",
    }
)
_POST = b"POST /v1/follow HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
MALFORMED = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"canary\r\n\r\n",
    b"GET /v1/areas HTTP/9.9\r\nhost: a\r\n\r\n",
    b"GET /v1/areas\x00 HTTP/1.1\r\nhost: a\r\n\r\n", b"CANARY /v1/areas HTTP/1.1\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nho\x00st: a\r\n\r\n", b"GET /v1/areas HTTP/1.1\r\n: a\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nx y: a\r\n\r\n", b"GET /v1/areas HTTP/1.1\r\nx: a\x00b\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nx: a\x0bb\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nconnection: close\r\nx: \xffcanary\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
    b"GET /v1/areas?" + b"q" * (1 << 20) + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nx: " + b"y" * (1 << 20) + b"\r\n\r\n",
    b"GET /v1/areas HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
    _POST + b"content-length: -1\r\n\r\n{}", _POST + b"content-length: 1e3\r\n\r\n{}",
    _POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    _POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    _POST + b"content-length: 99999999999999999999999\r\n\r\n{}",
    _POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    _POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    _POST + b"transfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    _POST + b"transfer-encoding: canary\r\n\r\n{}",
)  # fmt: skip


@pytest.fixture(scope="module")
async def port(agency):
    """The door as it is run, before the agency of this process."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        number = listening.getsockname()[1]
        door = Door(Front(agency.gateway), agency.settings.model_copy(update={"port": number}))
        serving = asyncio.create_task(door.serve(sockets=[listening]))
        await door.opened.wait()
        yield number
        door.drain()
        await serving


async def test_the_same_over_a_real_socket(agency, port, say):
    """A smaller part, where the server's own parser stands before ours."""
    prober = Prober(over_socket(port), Stages(agency), seed=SEED + 1, quiet=QUIET, each=16)
    found = [one for one in await merged(agency) if one.key in OVER_SOCKET]
    assert len(found) == len(OVER_SOCKET)
    for operation in found:
        await prober.probe(operation)
    report(prober, found, say)
    assert prober.findings == [], "\n".join(prober.findings[:60])
    assert sum(prober.sent.values()) >= 500


@pytest.mark.parametrize("sent", MALFORMED, ids=range(len(MALFORMED)))
async def test_what_is_no_http_is_refused_and_others_are_served(port, sent):
    reply = await exchange(port, sent)
    assert reply.status == 0 or 400 <= reply.status < 500, reply
    if reply.status:
        assert problem_faults(reply) == []
        assert list(echoes(reply, dressed(["canary"]))) == []
    fine = await exchange(port, b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert fine.status == 200


def report(prober, found, say):
    statuses = dict(sum(prober.statuses.values(), Counter()))
    sent = sum(prober.sent.values())
    say(f"seed {prober.seed}: {sent} hostile values to {len(prober.sent)} fields")
    say(f"of {len(found)} operations; {prober.accepted} accepted in a body; answers {statuses}")
