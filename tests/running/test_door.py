"""The door: what comes before the body is bounded, and a stop loses nobody."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest

from shared.running import door
from shared.running.door import Door, Front
from shared.running.lifespan import Lifespan
from shared.running.settings import Settings


async def answer(scope, _receive, send):
    """Answer with the path; `/slow` takes its time."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@asynccontextmanager
async def opened(tmp_path):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    settings = Settings(env="test", data_dir=tmp_path, run_dir=tmp_path)
    running = Door(Front(answer), settings)
    serving = asyncio.create_task(running.serve(sockets=[listening]))
    await running.opened.wait()
    try:
        yield running, listening.getsockname()[1]
    finally:
        running.drain()
        await serving


async def exchange(port, *parts, pause_s=0.0):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause_s)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(path="/x", headers=b""):
    return b"GET " + path.encode() + b" HTTP/1.1\r\nhost: a\r\n" + headers + b"\r\n"


CLOSE = b"connection: close\r\n"


async def test_an_ordinary_request_goes_through(tmp_path):
    async with opened(tmp_path) as (_, port):
        assert (await exchange(port, request(headers=CLOSE))).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(headers=b"".join(b"x-%d: y\r\n" % n for n in range(200))), b"431"),
        (request(headers=b"x: " + b"y" * 40_000 + b"\r\n"), b"431"),
        (b"GET /x HTTP/1.1\r\nx: " + b"y" * 40_000, b"431"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_decent_request_is_refused_as_a_problem(tmp_path, sent, status):
    async with opened(tmp_path) as (_, port):
        head, _, body = (await exchange(port, sent)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == int(status)


async def test_a_trickle_of_headers_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "HEADERS_WITHIN_S", 0.2)
    async with opened(tmp_path) as (_, port):
        trickle = (b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", b"e: f\r\n", b"g: h\r\n")
        assert await exchange(port, *trickle, pause_s=0.08) == b""
        assert await exchange(port) == b""


async def test_the_next_request_on_a_connection_has_its_own_time(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "HEADERS_WITHIN_S", 0.2)
    async with opened(tmp_path) as (_, port):
        said = await exchange(port, request(), request("/y"), request(headers=CLOSE), pause_s=0.15)
        assert said.count(b"200 OK") == 3


async def test_a_stopping_door_is_not_ready_and_ends_what_it_has_begun(tmp_path):
    async with opened(tmp_path) as (running, port):
        slow = asyncio.create_task(exchange(port, request("/slow", CLOSE)))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.1)
        running.front.stopping = True
        writer.write(request("/readyz", CLOSE))
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        running.drain()
        assert b"/slow" in await slow


async def test_a_lifespan_is_told_of_start_and_stop_in_order():
    heard = []

    async def app(_scope, receive, send):
        for _ in range(2):
            message = (await receive())["type"]
            heard.append(message)
            await send({"type": f"{message}.complete"})

    async with Lifespan("app", app):
        assert heard == ["lifespan.startup"]
    assert heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_that_does_not_start_says_why():
    async def refuses(_scope, _receive, send):
        await send({"type": "lifespan.startup.failed", "message": "no"})

    async def breaks(_scope, _receive, _send):
        raise OSError("no database")

    for app in (refuses, breaks):
        with pytest.raises(RuntimeError, match="app"):
            async with Lifespan("app", app):
                pytest.fail("it has not started")
