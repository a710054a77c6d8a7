"""Calls outwards: what a party says, what its silence costs, and our own services by name."""

import asyncio
import json
import socket
import time
from typing import Annotated, Any

import httpx
import pytest
import respx
from fastapi import Body, FastAPI, Request
from joserfc.jwk import OKPKey

from shared.web import answering, errors
from shared.web.auth import SYSTEM, Actor, Caller, Identity, Role, Signer, Verifier
from shared.web.clients import (
    Breaker,
    Declined,
    Inside,
    Outside,
    PartyRefused,
    PartyUnavailable,
    call_asgi,
)
from shared.web.errors import NotFound, Unavailable
from shared.web.ingress import Ingress

BASE = "http://registry.example/v1"
SECRET = "0499370899"


@pytest.fixture
def web():
    with respx.mock(base_url=BASE, assert_all_called=False) as mock:
        yield mock


@pytest.fixture
async def registry():
    party = Outside(BASE, party="registry", timeout_s=1, breaker_after=3, breaker_s=10)
    yield party
    await party.aclose()


# Outside


async def test_json_goes_out_and_comes_back(web, registry):
    route = web.post("/person").respond(json={"found": True})
    assert await registry.post("/person", {"name": "زهرا"}) == {"found": True}
    request = route.calls.last.request
    assert json.loads(request.content) == {"name": "زهرا"}
    assert request.headers["content-type"] == "application/json"
    web.get("/status", params={"ref": "1"}).respond(json=[1])
    assert await registry.get("/status", params={"ref": "1"}) == [1]
    web.put("/x").respond(204)
    assert await registry.put("/x", {}) is None


async def test_a_file_goes_out_as_it_is(web, registry):
    route = web.post("/files").respond(json={})
    await registry.post("/files", b"<xml/>", content_type="application/xml")
    assert route.calls.last.request.content == b"<xml/>"
    assert route.calls.last.request.headers["content-type"] == "application/xml"


async def test_an_absolute_address_is_used_as_it_is(web, registry):
    web.get("http://keys.example/jwks").respond(json={"keys": []})
    assert await registry.get("http://keys.example/jwks") == {"keys": []}


@pytest.mark.parametrize(
    "said",
    [
        httpx.Response(500, json={}),
        httpx.Response(503),
        httpx.Response(429),
        httpx.Response(302, headers={"location": "http://evil.example"}),
        httpx.Response(200, text="<html>login</html>"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, content=b'"\xff"'),
        httpx.ConnectError(SECRET),
        httpx.ReadTimeout(SECRET),
        httpx.RemoteProtocolError(SECRET),
    ],
)
async def test_what_is_no_answer_makes_the_party_unavailable(web, registry, said):
    web.post("/person").mock(
        **{"side_effect" if isinstance(said, Exception) else "return_value": said}
    )
    with pytest.raises(PartyUnavailable) as refused:
        await registry.post("/person", {"code": SECRET})
    assert refused.value.party == "registry"
    status, _, body = errors.problem(refused.value, {"type": "http"})
    assert (status, json.loads(body)["party"]) == (503, "registry")
    assert SECRET not in body.decode()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (httpx.Response(404, json={"code": "no_such_person"}), "no_such_person"),
        (httpx.Response(422, json={"code": f"کد {SECRET}"}), None),
        (httpx.Response(400, json=["x"]), None),
        (httpx.Response(403, text="no"), None),
    ],
)
async def test_a_no_is_an_answer(web, registry, said, code):
    web.get("/person").mock(return_value=said)
    for _ in range(5):
        with pytest.raises(PartyRefused) as refused:
            await registry.get("/person")
    assert refused.value.party_status == said.status_code
    assert refused.value.party_code == code
    assert refused.value.status == 422
    assert web.calls.call_count == 5


async def test_reads_are_repeated_and_writes_are_not(web, registry):
    failing = [httpx.ConnectError("x"), httpx.Response(502), httpx.Response(200, json=1)]
    read = web.get("/a").mock(side_effect=failing)
    inquiry = web.post("/b").mock(side_effect=failing)
    write = web.post("/c").mock(side_effect=failing)
    assert await registry.get("/a") == 1
    assert await registry.post("/b", {}, inquiry=True) == 1
    with pytest.raises(PartyUnavailable):
        await registry.post("/c", {})
    assert [route.call_count for route in (read, inquiry, write)] == [3, 3, 1]


async def test_retries_run_out_when_everything_fails(web):
    party = Outside(BASE, party="registry", breaker_after=1000)
    route = web.get("/a").respond(500)
    for _ in range(8):
        with pytest.raises(PartyUnavailable):
            await party.get("/a")
    assert 8 < route.call_count <= 8 + 6
    await party.aclose()


async def test_the_breaker_opens_lets_one_try_and_closes_again(web):
    now = [0.0]
    party = Outside(BASE, party="bank", breaker_after=3, breaker_s=10, clock=lambda: now[0])
    route = web.post("/pay").respond(500)
    for _ in range(5):
        with pytest.raises(PartyUnavailable):
            await party.post("/pay", {})
    assert route.call_count == 3
    now[0] = 10.5
    with pytest.raises(PartyUnavailable):
        await party.post("/pay", {})
    assert route.call_count == 4
    now[0] = 21
    route.respond(json={})
    assert await party.post("/pay", {}) == {}
    assert await party.post("/pay", {}) == {}
    await party.aclose()


def test_while_one_tries_the_others_wait():
    breaker = Breaker(after=1, rest_s=10, clock=lambda: 100.0)
    breaker.failed()
    breaker._open_until = 99.0
    assert breaker.may_ask()
    assert not breaker.may_ask()


async def test_the_time_limit_is_for_the_whole_call_however_slowly_it_comes():
    async def trickle(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        party = Outside(f"http://127.0.0.1:{port}", party="slow", timeout_s=0.3)
        began = time.monotonic()
        with pytest.raises(PartyUnavailable):
            await party.get("/")
        assert time.monotonic() - began < 1
        await party.aclose()


async def test_an_endless_answer_is_cut_off(web, registry, monkeypatch):
    monkeypatch.setattr("shared.web.clients.MAX_ANSWER", 1000)
    web.post("/big").respond(content=b'"' + b"a" * 2000 + b'"')
    with pytest.raises(PartyUnavailable):
        await registry.post("/big", {})


# Inside


KEY = OKPKey.generate_key("Ed25519")
WORKER = Actor(sub="u-1", roles=frozenset({Role.SOCIAL_WORKER}), province="08")


def make_intake() -> Any:
    app = FastAPI()

    @app.get("/internal/people/{person}")
    async def person(person: str, actor: Caller, request: Request, field: str = "") -> dict:
        if person == "none":
            raise NotFound
        if person == "slow":
            await asyncio.sleep(1)
        if person == "broken":
            raise RuntimeError(SECRET)
        return {
            "person": person,
            "field": field,
            "who": [actor.sub, actor.service, actor.purpose, actor.province],
            "request_id": request.headers["x-request-id"],
            "trace_id": request.headers["traceparent"][3:35],
        }

    @app.post("/internal/notes")
    async def note(body: Annotated[dict[str, Any], Body()], _: Caller, request: Request) -> dict:
        return {"body": body, "key": request.headers.get("idempotency-key")}

    answering.install(app)
    app.add_middleware(Identity, verifier=Verifier("intake", {"loans": KEY}))
    app.add_middleware(Ingress)
    return app


@pytest.fixture(scope="module")
def intake():
    return make_intake()


@pytest.fixture(params=["in_process", "over_http"])
async def inside(request, intake, served):
    """The same service, here and in another process: nobody who calls it can tell."""
    if request.param == "in_process":
        client = Inside(Signer("loans", KEY), apps={"intake": intake}, timeout_s=0.5)
        yield client
        await client.aclose()
        return
    async with served(intake) as port:
        urls = {"intake": f"http://127.0.0.1:{port}"}
        client = Inside(Signer("loans", KEY), urls=urls, timeout_s=0.5)
        yield client
        await client.aclose()


async def test_a_service_is_asked_by_name_under_a_signed_identity(inside):
    found = await inside.get(
        "intake", "/internal/people/a%20b", purpose="loans.case", params={"field": "س&="}
    )
    assert (found["person"], found["field"]) == ("a b", "س&=")
    assert found["who"] == ["system", "loans", "loans.case", None]
    found = await inside.get("intake", "/internal/people/1", purpose="view", actor=WORKER)
    assert found["who"] == ["u-1", "loans", "view", "08"]


async def test_a_post_carries_its_body_and_key(inside):
    said = await inside.post("intake", "/internal/notes", {"a": "ب"}, purpose="x", key="k-1")
    assert said == {"body": {"a": "ب"}, "key": "k-1"}


async def test_refusals_of_another_service_keep_status_and_code(inside):
    with pytest.raises(Declined) as refused:
        await inside.get("intake", "/internal/people/none", purpose="x")
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert json.loads(errors.problem(refused.value, {})[2])["code"] == "not_found"


@pytest.mark.parametrize("person", ["slow", "broken"])
async def test_a_fault_or_silence_there_is_unavailable_here(inside, person):
    with pytest.raises(Unavailable):
        await inside.get("intake", f"/internal/people/{person}", purpose="x")


async def test_the_trace_goes_along(ask, inside):
    async def app(_scope, _receive, send):
        found = await inside.get("intake", "/internal/people/1", purpose="x")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(found).encode()})

    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    said = await ask(Ingress(app), headers=[("x-request-id", "r-7"), ("traceparent", trace)])
    assert (said.json()["request_id"], said.json()["trace_id"]) == ("r-7", "a" * 32)


async def test_a_call_leaves_no_trace_in_a_loop_that_makes_many(intake):
    client = Inside(Signer("loans", KEY), apps={"intake": intake})
    ids = [
        (await client.get("intake", "/internal/people/1", purpose="x"))["request_id"]
        for _ in range(2)
    ]
    assert ids[0] != ids[1]


async def test_a_service_that_does_not_know_our_key_is_our_own_fault(intake):
    client = Inside(Signer("loans", OKPKey.generate_key("Ed25519")), apps={"intake": intake})
    with pytest.raises(RuntimeError, match="intake"):
        await client.get("intake", "/internal/people/1", purpose="x", actor=SYSTEM)


async def test_a_service_that_is_nowhere_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = Inside(Signer("loans", KEY), urls={"intake": f"http://127.0.0.1:{port}"})
        for service in ("intake", "shares"):
            with pytest.raises(Unavailable):
                await client.get(service, "/internal/x", purpose="x")
        await client.aclose()


async def test_an_application_is_asked_without_a_socket(intake):
    status, headers, body = await call_asgi(
        intake, method="GET", path="/internal/people/1?field=x", headers=[]
    )
    assert (status, json.loads(body)["code"]) == (401, "unauthenticated")
    assert (b"content-type", b"application/problem+json") in headers
