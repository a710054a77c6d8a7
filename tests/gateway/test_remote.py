"""The hop to a service in another process: a real server behind a real socket."""

import asyncio
import json
import socket
from contextlib import suppress

import pytest

from services.gateway.app import create_app

CSV = {"Content-Type": "text/csv", "Transfer-Encoding": "chunked"}


async def test_everything_goes_there_and_back(apart, echo, door_of, token):
    async with apart("intake", echo("intake")) as gateway, door_of(gateway) as door:
        answer = await door.post(
            "/v1/services/a%2Fb%20c?q=%D8%A7&q=1+2&r=%2f%41",
            headers={**token("operator"), "X-Forwarded-For": "1", "Idempotency-Key": "k"},
            json={"نام": "مریم"},
        )
    said = answer.json()
    headers = dict(said["headers"])
    assert said["raw_path"] == "/v1/services/a%2Fb%20c"
    assert said["query"] == "q=%D8%A7&q=1+2&r=%2f%41"
    assert json.loads(said["body"]) == {"نام": "مریم"}
    assert (said["signed_by"], said["actor"]["roles"]) == ("gateway", ["operator"])
    assert (headers["host"], headers["idempotency-key"]) == ("door", "k")
    assert "x-forwarded-for" not in headers
    assert headers["x-request-id"] == answer.headers["x-request-id"]
    assert answer.headers["x-own"] == "1"
    assert not {"connection", "transfer-encoding", "server"} & answer.headers.keys()
    names = [name for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names))


async def test_in_another_process_internal_paths_stay_closed(apart, echo, door_of, token):
    intake = echo("intake")
    async with apart("intake", intake) as gateway, door_of(gateway) as door:
        for path in ("/internal/x", "/v1/me/%2e%2e/%2e%2e/internal/x", "/v1/me/..%2f..%2fx"):
            answer = await door.get(path, headers=token("operator"))
            assert answer.status_code == 404
    assert intake.asked == 0


async def test_nobody_there_is_a_503_with_a_time(settings, entered, token):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    app = create_app(settings(services_urls={"intake": f"http://127.0.0.1:{port}"}))
    async with entered(app) as door:
        answer = await door.post("/v1/applications", headers=token("citizen"), json={})
        ready = await door.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (ready.status_code, ready.json()["not_ready"]) == (503, ["intake"])


async def test_a_slow_service_is_a_504_and_is_hung_up_on(apart, door_of, token):
    hung_up = asyncio.Event()

    async def slow(_scope, receive, _send):
        while (await receive())["type"] != "http.disconnect":
            pass
        hung_up.set()

    async with apart("intake", slow, deadline_s=0.3) as gateway, door_of(gateway) as door:
        answer = await door.post("/v1/applications", headers=token("citizen"), json={})
        async with asyncio.timeout(2):
            await hung_up.wait()
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")


async def test_a_service_that_breaks_off_is_a_503(settings, entered, token):
    asked = []

    async def break_off(reader, writer):
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with entered(create_app(settings(services_urls={"intake": url}))) as door:
            answer = await door.post("/v1/applications", headers=token("citizen"), json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert asked == [b"POST /v1/applications HTTP/1.1\r\n"]  # a POST is never sent again


@pytest.mark.parametrize(("method", "ends"), [("GET", (200, 2)), ("PUT", (503, 1))])
async def test_only_a_get_is_sent_again_when_a_kept_connection_breaks(
    settings, entered, token, method, ends
):
    asked = []

    async def break_second(reader, writer):
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked.append(head.split()[0].decode())
                if len(asked) == 2:
                    break
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(break_second, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with entered(create_app(settings(services_urls={"intake": url}))) as door:
            await door.get("/v1/me", headers=token("citizen"))
            body = None if method == "GET" else {"mobile": "09120000000"}
            answer = await door.request(method, "/v1/me", headers=token("citizen"), json=body)
    assert (answer.status_code, len(asked) - 1) == ends
    assert set(asked[1:]) == {method}


async def test_pieces_travel_as_they_come_both_ways(apart, calling, token):
    async def mirror(_scope, receive, send):
        started = False
        while True:
            message = await receive()
            if not started:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                started = True
            more = message.get("more_body", False)
            body = message.get("body", b"").upper()
            await send({"type": "http.response.body", "body": body, "more_body": more})
            if not more:
                return

    async with apart("eligibility", mirror) as app:
        call = calling(app, "POST", "/v1/eligibility/batches", {**token("ministry"), **CSV})
        call.give(b"a")
        assert (await call.hear())["status"] == 200
        assert (await call.hear())["body"] == b"A"
        call.give(b"b")
        assert (await call.hear())["body"] == b"B"
        call.give(b"", more=False)
        assert await call.hear() == {"type": "http.response.body", "body": b""}
        await call.task


@pytest.mark.parametrize("sending", [False, True])
async def test_a_caller_who_hangs_up_ends_it_there_as_well(apart, calling, token, sending):
    inside, hung_up = asyncio.Event(), asyncio.Event()

    async def patient(_scope, receive, _send):
        inside.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        hung_up.set()

    async with apart("eligibility", patient) as app:
        headers = {**token("ministry"), **CSV} if sending else token("ministry")
        method = "POST" if sending else "GET"
        call = calling(app, method, "/v1/eligibility/batches", headers)
        call.give(b"a", more=sending)
        async with asyncio.timeout(3):
            await inside.wait()
            call.hang_up()
            await call.task
            await hung_up.wait()


async def test_an_answer_cut_off_is_not_passed_on_as_whole(settings, entered, calling, token):
    async def cut(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        app = create_app(settings(services_urls={"loans": url}))
        async with entered(app):
            call = calling(app, "GET", "/v1/loans/queue", token("operator"))
            call.give(b"", more=False)
            await call.task
    heard = [call.answered.get_nowait() for _ in range(call.answered.qsize())]
    assert heard[0]["status"] == 200
    assert all(message["more_body"] for message in heard[1:])
