"""Who gets in, what travels on, what comes back, with every service in this process."""

import asyncio
import base64
import json
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from deploy.sandbox.issuer import Issuer
from services.gateway.app import Gateway, create_app
from shared.web.errors import Overloaded

ISSUER = "http://issuer.test"


@pytest.fixture
async def door(settings, echo, entered):
    apps = {"intake": echo("intake"), "loans": echo("loans")}
    async with entered(create_app(settings(), apps)) as client:
        yield client


def _forged(key: Issuer, header, **claims):
    body = {"sub": "x", "roles": ["operator"], "iss": key.url, "aud": "soha"}
    body |= {"exp": int(time.time()) + 600, **claims}
    return [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, body)
    ]


@pytest.mark.req("X-01")
async def test_the_actor_is_signed_onward_for_the_one_service_that_is_asked(door, token):
    answer = await door.get("/v1/loans/queue?limit=5", headers=token("citizen", sub="c-1"))
    said = answer.json()
    assert answer.status_code == 200
    assert (said["service"], said["query"]) == ("loans", "limit=5")
    assert said["actor"] == {"sub": "c-1", "roles": ["citizen"]}
    assert said["signed_by"] == "gateway"


async def test_nobody_from_outside_becomes_one_of_our_services(door, token):
    answer = await door.get("/v1/loans/queue", headers=token("system", "citizen"))
    assert answer.json()["actor"]["roles"] == ["citizen"]


async def test_what_only_we_may_say_is_stripped(door, token):
    forged = {
        "X-Soha-Actor": "operator",
        "X-Internal-Purpose": "all",
        "X-Forwarded-For": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "Cookie": "a=b",
        "X-Real-IP": "10.0.0.1",
    }
    given = token("citizen")
    answer = await door.get("/v1/me", headers={**given, **forged, "X-Other": "kept"})
    headers = dict(answer.json()["headers"])
    assert not {name.lower() for name in forged} & headers.keys()
    assert headers["x-other"] == "kept"
    assert headers["authorization"] != given["Authorization"]


async def test_internal_paths_do_not_exist_outside(door, token):
    for path in ("/internal/people/1", "/v1/me/%2e%2e/%2e%2e/internal/people/1"):
        answer = await door.get(path, headers=token("operator"))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_token_is_needed_except_on_public_paths(door):
    refused = await door.get("/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    allowed = await door.get("/v1/services")
    assert allowed.status_code == 200
    assert allowed.json()["actor"] is None


async def test_forged_and_stale_tokens_are_refused_even_on_public_paths(door, key, token):
    none = ".".join(_forged(key, {"alg": "none"})) + "."
    secret = OctKey.import_key(json.dumps(key.jwks()))
    confused = jwt.encode({"alg": "HS256"}, {"sub": "x", "aud": "soha", "iss": key.url}, secret)
    bearer = [none, confused, "x.y.z", key.sign({"sub": "x", "aud": "another"}, ttl_s=60)]
    headers = [{"Authorization": f"Bearer {made}"} for made in bearer]
    headers.append(token("citizen", ttl_s=-60))
    headers.append({"Authorization": "Basic eDp5"})
    head, _, _ = token("citizen")["Authorization"].rpartition(".")
    headers.append({"Authorization": f"{head}.{'A' * 342}"})
    for given in headers:
        for path in ("/v1/me", "/v1/services"):
            answer = await door.get(path, headers=given)
            assert answer.status_code == 401, given
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_silent_issuer_is_a_503_and_not_a_401(door, issuer, token):
    silent = issuer.get(f"{ISSUER}/.well-known/openid-configuration")
    silent.mock(side_effect=httpx.ConnectError)
    answer = await door.get("/v1/me", headers=token("citizen"))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_refusals_are_problems_in_both_languages(door):
    persian = (await door.get("/v1/nothing")).json()
    english = (await door.get("/v1/nothing", headers={"Accept-Language": "en"})).json()
    assert persian["type"] == english["type"] == "/problems/not_found"
    assert persian["title"] != english["title"]
    assert persian["request_id"] != english["request_id"]


async def test_ids_are_accepted_made_returned_and_carried_on(door, token):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    given = {**token("citizen"), "X-Request-ID": "mine-1", "traceparent": trace}
    answer = await door.get("/v1/me", headers=given)
    inner = dict(answer.json()["headers"])
    for headers in (answer.headers, inner):
        assert (headers["x-request-id"], headers["traceparent"]) == ("mine-1", trace)
    made = await door.get("/v1/me", headers=token("citizen"))
    inner = dict(made.json()["headers"])
    assert made.headers["x-request-id"] == inner["x-request-id"] != ""
    assert made.headers["traceparent"] == inner["traceparent"]


async def test_a_credential_without_any_channel_files_nothing(door, token):
    given = {"headers": token("citizen", channels=[]), "json": {"service": "loans"}}
    answer = await door.post("/v1/applications", **given)
    assert (answer.status_code, answer.json()["code"]) == (403, "channel_not_allowed")
    assert (await door.get("/v1/applications", headers=given["headers"])).status_code == 200
    # Who may file nothing at all is told so by intake, whichever channels they hold.
    other = await door.post("/v1/applications", headers=token("auditor", channels=[]), json={})
    assert other.status_code == 200


async def test_every_answer_carries_security_headers(door, token):
    for path in ("/v1/me", "/v1/nothing", "/docs", "/"):
        headers = (await door.get(path, headers=token("citizen"))).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
    assert (await door.get("/v1/me", headers=token("citizen"))).headers["cache-control"] == (
        "no-store"
    )


async def test_a_service_that_is_not_here_is_a_503(door, token):
    answer = await door.get("/v1/shares/cards/me", headers=token("citizen"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_browsers_call_from_the_portals_only(settings, echo, entered, token):
    app = create_app(
        settings(portal_origins=("https://portal.example",)), {"intake": echo("intake")}
    )
    ask = {"Access-Control-Request-Method": "POST"}
    async with entered(app) as door:
        known = {"Origin": "https://portal.example"}
        yes = await door.options("/v1/applications", headers={**known, **ask})
        answer = await door.get("/v1/me", headers={**known, **token("citizen")})
        refused = await door.get("/v1/me", headers=known)
        stranger = {"Origin": "https://evil.example"}
        no = await door.options("/v1/applications", headers={**stranger, **ask})
        other = await door.get("/v1/me", headers={**stranger, **token("citizen")})
    assert yes.status_code == 204
    assert "Idempotency-Key" in yes.headers["access-control-allow-headers"]
    for seen in (yes, answer, refused):
        assert seen.headers["access-control-allow-origin"] == "https://portal.example"
        assert "access-control-allow-credentials" not in seen.headers
    assert (no.status_code, no.json()["code"]) == (403, "origin_not_allowed")
    assert not {"access-control-allow-origin"} & {*no.headers, *other.headers}
    assert "Origin" in other.headers["vary"]


async def test_one_more_than_we_can_work_on_is_told_at_once(settings, entered, token):
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow(_scope, _receive, send):
        inside.set()
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with entered(create_app(settings(max_concurrency=1), {"intake": slow})) as door:
        first = asyncio.create_task(door.get("/v1/me", headers=token("citizen")))
        await inside.wait()
        refused = await door.get("/v1/me", headers=token("citizen"))
        alive = await door.get("/livez")
        go.set()
        assert (await first).status_code == 200
        again = await door.get("/v1/me", headers=token("citizen"))
    assert (refused.status_code, refused.json()["code"]) == (503, Overloaded.code)
    assert int(refused.headers["retry-after"]) > 0
    assert alive.status_code == again.status_code == 200


async def test_no_answer_in_time_is_a_504(settings, entered, token):
    ended = []

    async def stuck(_scope, receive, _send):
        try:
            await receive()
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    async with entered(Gateway(settings(), {"intake": stuck}, deadline_s=0.1)) as door:
        answer = await door.get("/v1/me", headers=token("citizen"))
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")
    assert ended == [True]


async def test_a_slow_sender_is_not_the_services_fault(settings, echo, calling, token):
    gateway = Gateway(settings(), {"eligibility": echo("eligibility")}, deadline_s=0.1)
    headers = {**token("ministry"), "Content-Type": "text/csv", "Transfer-Encoding": "chunked"}
    call = calling(gateway, "POST", "/v1/eligibility/batches", headers)
    call.give(b"a,")
    await asyncio.sleep(0.3)
    call.give(b"b", more=False)
    assert (await call.hear())["status"] == 200
    assert json.loads((await call.hear())["body"])["body"] == "a,b"
    await call.task


async def test_a_long_answer_has_no_total_time(settings, calling, token):
    async def export(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for chunk in (b"1", b"2"):
            await asyncio.sleep(0.15)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway = Gateway(settings(), {"loans": export}, deadline_s=0.1)
    call = calling(gateway, "GET", "/v1/loans/queue", token("operator"))
    heard = [await call.hear() for _ in range(4)]
    assert [message.get("body") for message in heard] == [None, b"1", b"2", b""]
    await call.task


async def test_who_hangs_up_is_known_inside(settings, calling, token):
    seen = asyncio.Event()

    async def patient(_scope, receive, _send):
        while (await receive())["type"] != "http.disconnect":
            pass
        seen.set()

    call = calling(create_app(settings(), {"intake": patient}), "GET", "/v1/me", token("citizen"))
    call.give(b"", more=False)
    call.hang_up()
    async with asyncio.timeout(2):
        await call.task
    assert seen.is_set()


async def test_a_fault_inside_is_a_problem_that_says_nothing(settings, entered, token):
    async def broken(_scope, _receive, _send):
        raise RuntimeError("0499370899")

    async with entered(create_app(settings(), {"intake": broken})) as door:
        answer = await door.get("/v1/me", headers=token("citizen"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "0499370899" not in answer.text


async def test_one_line_per_request_without_what_the_path_or_query_held(door, token):
    with capture_logs() as lines:
        await door.get("/v1/people/0499370899?x=0499370899", headers=token("operator"))
        await door.get("/somewhere/0499370899")
    said = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in said] == ["/v1/people", "-"]
    assert [line["http_status"] for line in said] == [200, 404]
    assert said[0]["service"] == "intake"
    assert said[0]["request_id"]
    assert said[0]["duration_ms"] >= 0
    assert "0499370899" not in json.dumps(lines)


async def test_a_body_is_checked_once_at_the_door(door, token):
    headers = {**token("citizen"), "Content-Type": "application/json"}
    answer = await door.post("/v1/questions", headers=headers, content=b'{"a":1,"a":2}')
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    answer = await door.post("/v1/questions", headers=headers, content=b'{"a":1}')
    assert answer.json()["body"] == '{"a":1}'
