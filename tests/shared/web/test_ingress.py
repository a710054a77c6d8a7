"""What is too big, too slow or ambiguous ends at the door; the rest comes through unchanged."""

import asyncio
import hashlib
import json
import re
import resource
import time
from typing import Annotated

import pytest
from fastapi import FastAPI, Form, Request, UploadFile
from hypothesis import given
from hypothesis import strategies as st

from shared.web import answering
from shared.web.errors import MalformedJson, NotFound
from shared.web.ingress import MIB, Ingress
from shared.web.strict import MAX_DEPTH, MAX_NODES, strict_loads

JSON = [("content-type", "application/json")]
SECRET = "0499370899"


async def echo(scope, receive, send):
    """Answer the body, its hash and the ids that were made."""
    body, more = b"", scope["method"] not in {"GET", "DELETE"}
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body")
    headers = [(b"x-hash", scope.get("soha.body_sha256", b"").hex().encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# Strict JSON


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 1}',
        b'{"x": {"a": 1, "a": 2}}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 1_000 + b"]" * 1_000,
        b"[" * 200_000 + b"]" * 200_000,
        b"[" * 400_000,
        b'{"a":' * 400 + b"1" + b"}" * 400,
        b"[" + b",".join([b"1"] * MAX_NODES) + b"]",
        b"[" + b",".join([b"{}"] * MAX_NODES) + b"]",
        b"[" + b"1" * 400 + b"]",
        b"[" + b"1" * 5_000 + b"]",
        b"[" + b"-" + b"1" * 41 + b"]",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\\ude00\\ud83d"',
        b'"\\u0000"',
        b'{"a\\u0000b": 1}',
        b'"\\\\\\u0000"',
        b'"a\x00b"',
        b'"a\nb"',
        b"{} {}",
        b"{},",
        b"[1,]",
        b"'a'",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xd8"',
        b"[01]",
        b"",
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(body):
    with pytest.raises(MalformedJson):
        strict_loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b"[" + b",".join([b"1"] * (MAX_NODES - 1)) + b"]",
        b"[" + b",".join([b"{}"] * (MAX_NODES - 1)) + b"]",
        b'"' + b"[{," * 20_000 + b'"',
        b'"' + b'\\"[' * 20_000 + b'"',
        b'"\\ud83d\\ude00 \\u0633\\u0644\\u0627\\u0645"',
        b'"\\\\u0000 \\\\ud800"',
        '"سلام‌ها"'.encode(),
        b"[1.5e3, -0, 9007199254740993]",
        b" \r\n[ ]\t",
    ],
)
def test_everything_else_is_read_as_json_reads_it(body):
    assert strict_loads(body) == json.loads(body)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False).filter(lambda number: abs(number) < 1e308)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(_VALUES, st.booleans())
def test_any_honest_value_comes_through(value, ascii_only):
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert strict_loads(body) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    try:
        strict_loads(body)
    except MalformedJson:
        return
    json.loads(body)


@pytest.mark.parametrize(
    "body",
    [b"[" + b"{}," * 349_000 + b"{}]", b"[" * MIB, b"]" * MIB, b'"' * MIB, b'"' + b"\\" * MIB],
)
def test_a_hostile_megabyte_costs_little(body):
    began = time.process_time()
    with pytest.raises(MalformedJson):
        strict_loads(body)
    assert time.process_time() - began < 0.25


# The request line and the headers


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/a%00b", 400, "malformed_request"),
        ("/a?x=%00", 400, "malformed_request"),
        ("/a?x=%0d%0aSet-Cookie:", 400, "malformed_request"),
        ("/a?x=%ed%a0%80", 400, "malformed_request"),
        ("/a%ff", 400, "malformed_request"),
        ("/a?x=%c0%af", 400, "malformed_request"),
        ("/a?x=%c2%85", 400, "malformed_request"),
        ("/a?x=\xff", 400, "malformed_request"),
        ("/a?" + "x=1&" * 100 + "x=1", 400, "malformed_request"),
        ("/" + "a" * 8192, 414, "uri_too_long"),
        ("/a?x=" + "a" * 8192, 414, "uri_too_long"),
    ],
)
async def test_a_bad_address_is_refused(ask, target, status, code):
    said = await ask(Ingress(echo), "GET", target)
    assert (said.status, said.json()["code"]) == (status, code)


@pytest.mark.parametrize("target", ["/a?x=%D8%B3", "/a?x=1%202&y=%25", "/a?" + "x=1&" * 99 + "x=1"])
async def test_a_good_address_comes_through(ask, target):
    assert (await ask(Ingress(echo), "GET", target)).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([("x-a", "a\x00b")], 400, "malformed_request"),
        ([("x-a", "a\nb")], 400, "malformed_request"),
        ([("x-a", "caf\xe9")], 400, "malformed_request"),
        ([("authorization", "Bearer a"), ("authorization", "Bearer b")], 400, "malformed_request"),
        ([("idempotency-key", "a"), ("idempotency-key", "a")], 400, "malformed_request"),
        ([("idempotency-key", "")], 400, "idempotency_key_invalid"),
        ([("idempotency-key", "a b")], 400, "idempotency_key_invalid"),
        ([("idempotency-key", "k" * 256)], 400, "idempotency_key_invalid"),
        ([(f"x-{at}", "1") for at in range(101)], 431, "headers_too_large"),
        ([("x-a", "a" * 40_000)], 431, "headers_too_large"),
    ],
)
async def test_bad_headers_are_refused(ask, headers, status, code):
    said = await ask(Ingress(echo), "GET", "/", headers=headers)
    assert (said.status, said.json()["code"]) == (status, code)


async def test_a_key_of_255_visible_characters_is_accepted(ask):
    said = await ask(Ingress(echo), headers=[("idempotency-key", "!" + "~" * 254)])
    assert said.status == 200


async def test_ids_are_made_when_absent_and_returned_when_given(ask):
    seen = []

    async def app(scope, receive, send):
        seen.append((dict(scope["headers"]), scope["soha.request_id"]))
        await echo(scope, receive, send)

    made = (await ask(Ingress(app))).headers
    assert re.fullmatch("[0-9a-f]{32}", made["x-request-id"])
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", made["traceparent"])
    assert seen[0][0][b"traceparent"].decode() == made["traceparent"]
    assert seen[0][1] == made["x-request-id"]
    trace = f"00-{'a' * 32}-{'b' * 16}-00"
    given_ids = [("x-request-id", "abc-1"), ("traceparent", trace)]
    kept = (await ask(Ingress(app), headers=given_ids)).headers
    assert (kept["x-request-id"], kept["traceparent"]) == ("abc-1", trace)


@pytest.mark.parametrize(
    "headers", [("x-request-id", "a b"), ("x-request-id", "a" * 65), ("traceparent", "00-0-0-01")]
)
async def test_an_id_that_is_none_is_replaced(ask, headers):
    name, value = headers
    assert (await ask(Ingress(echo), headers=[headers])).headers[name] != value


async def test_every_answer_has_the_security_headers_and_a_page_may_have_its_own(ask):
    async def page(_scope, _receive, send):
        own = [(b"content-security-policy", b"default-src 'self'")]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    for said in (await ask(Ingress(page)), await ask(Ingress(page), "GET", "/%00")):
        assert said.headers["x-content-type-options"] == "nosniff"
    assert (await ask(Ingress(page))).headers["content-security-policy"] == "default-src 'self'"


# Bodies


async def test_json_comes_through_byte_for_byte(ask):
    body = '{"نام": "زهرا"}'.encode()
    said = await ask(Ingress(echo), "POST", "/", headers=JSON, body=body)
    assert (said.status, said.body) == (200, body)
    said = await ask(Ingress(echo), "POST", "/", headers=JSON, chunks=[body[:5], body[5:]])
    assert (said.status, said.body) == (200, body)


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (JSON, b'{"a": NaN}', 400, "malformed_json"),
        ([("content-type", "text/plain")], b"{}", 415, "unsupported_media"),
        ([("content-type", "application/xml")], b"<a/>", 415, "unsupported_media"),
        ([("content-type", "application/x-www-form-urlencoded")], b"a=1", 415, "unsupported_media"),
        ([("content-type", "application/json; charset=utf-16")], b"{}", 415, "unsupported_media"),
        ([], b"{}", 415, "unsupported_media"),
        ([*JSON, ("content-encoding", "gzip")], b"{}", 415, "unsupported_media"),
        ([*JSON, ("content-length", str(MIB + 1))], b"{}", 413, "body_too_large"),
        (JSON, b'"' + b"a" * MIB + b'"', 413, "body_too_large"),
        (
            [("content-type", "multipart/form-data"), ("content-length", str(11 * MIB))],
            b"",
            413,
            "",
        ),
    ],
)
async def test_a_bad_body_is_refused_before_the_application_sees_it(
    ask, headers, body, status, code
):
    async def app(*_):
        raise AssertionError

    said = await ask(Ingress(app), "POST", "/", headers=headers, body=body)
    assert said.status == status
    assert code in said.json()["code"]


async def test_a_get_or_delete_with_a_body_is_refused(ask):
    for method in ("GET", "DELETE"):
        assert (await ask(Ingress(echo), method, "/", headers=JSON, body=b"{}")).status == 400


async def test_a_post_without_a_body_needs_no_media_type(ask):
    assert (await ask(Ingress(echo), "POST", "/")).status == 200


async def test_a_form_is_taken_only_where_it_is_declared(ask):
    door = Ingress(echo, forms=("/token",))
    form = [("content-type", "application/x-www-form-urlencoded")]
    assert (await ask(door, "POST", "/token", headers=form, body=b"a=1")).status == 200
    assert (await ask(door, "POST", "/other", headers=form, body=b"a=1")).status == 415


async def test_a_stream_takes_any_media_up_to_its_own_limit(ask):
    door = Ingress(echo, streams=re.compile("/v1/batches"), max_stream=3 * MIB)
    lines = [("content-type", "application/x-ndjson")]
    chunks = [b"a" * MIB] * 3
    assert (await ask(door, "POST", "/v1/batches", headers=lines, chunks=chunks)).status == 200
    said = await ask(door, "POST", "/v1/batches", headers=lines, chunks=[*chunks, b"a"])
    assert said.status == 413
    assert (await ask(door, "POST", "/v1/batches/1", headers=lines, chunks=chunks)).status == 415


def make_uploads() -> FastAPI:
    app = FastAPI()
    answering.install(app)

    @app.post("/files")
    async def upload(request: Request, file: UploadFile, kind: Annotated[str, Form()]) -> dict:
        size = len(await file.read())
        return {"size": size, "kind": kind, "hash": request.scope["soha.body_sha256"].hex()}

    return app


@pytest.fixture(scope="module")
def uploads() -> FastAPI:
    return make_uploads()


def multipart(content: bytes, boundary: str = "bound-1") -> tuple[list[tuple[str, str]], bytes]:
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nid\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    ).encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    return [("content-type", f"multipart/form-data; boundary={boundary}")], body


async def test_a_document_is_streamed_and_hashed_without_its_boundary(ask, uploads):
    hashes = set()
    for boundary, size in (("bound-1", 1000), ("other-boundary", 7)):
        headers, body = multipart(b"x" * 100_000, boundary)
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        said = await ask(Ingress(uploads), "POST", "/files", headers=headers, chunks=chunks)
        assert (said.status, said.json()["size"]) == (200, 100_000)
        hashes.add(said.json()["hash"])
        assert (
            said.json()["hash"] == hashlib.sha256(body.replace(boundary.encode(), b"")).hexdigest()
        )
    assert len(hashes) == 1


async def test_a_document_that_is_too_large_is_413_even_where_fastapi_would_say_400(ask, uploads):
    headers, body = multipart(b"x" * 2 * MIB)
    chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    door = Ingress(uploads, max_file=MIB)
    said = await ask(door, "POST", "/files", headers=headers, chunks=chunks)
    assert (said.status, said.json()["code"]) == (413, "body_too_large")


# Together


async def test_a_second_ingress_in_the_same_process_trusts_the_first(ask):
    inner = Ingress(echo)
    said = await ask(Ingress(inner), "POST", "/", headers=JSON, body=b'{"a":1}')
    assert said.body == b'{"a":1}'
    assert list(said.headers).count("x-request-id") == 1
    csv = [("content-type", "text/csv")]
    outer = Ingress(inner, streams=re.compile("/batch"))
    said = await ask(outer, "POST", "/batch", headers=csv, body=b"a,b")
    assert said.headers["x-hash"] == hashlib.sha256(b"a,b").hexdigest()


async def test_one_more_than_may_work_at_once_is_told_so_at_once(ask):
    gate = asyncio.Event()

    async def slow(scope, receive, send):
        if scope["path"] == "/slow":
            await gate.wait()
        await echo(scope, receive, send)

    door = Ingress(slow, concurrency=2)
    working = [asyncio.create_task(ask(door, "GET", "/slow")) for _ in range(2)]
    await asyncio.sleep(0)
    said = await ask(door)
    assert (said.status, said.json()["code"]) == (503, "overloaded")
    assert said.headers["retry-after"] == "1"
    assert (await ask(door, "GET", "/livez")).status == 200
    gate.set()
    assert {answer.status for answer in await asyncio.gather(*working)} == {200}
    assert (await ask(door)).status == 200


async def test_nothing_is_raised_further(ask):
    async def broken(*_):
        raise RuntimeError(SECRET)

    async def refusing(*_):
        raise NotFound

    said = await ask(Ingress(broken))
    assert (said.status, said.json()["code"]) == (500, "internal_error")
    assert SECRET not in said.body.decode()
    assert (await ask(Ingress(refusing))).status == 404


# On a real server


async def talk(port: int, first: bytes, rest=()) -> tuple[bytes, float]:
    """Send raw bytes, then the rest after its pauses; return all that came, and the seconds."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def push() -> None:
        try:
            writer.write(first)
            for part, pause in rest:
                await writer.drain()
                await asyncio.sleep(pause)
                writer.write(part)
            await writer.drain()
        except ConnectionError:
            return

    pushing = asyncio.create_task(push())
    came = bytearray()
    try:
        while part := await reader.read(65536):
            came += part
    except ConnectionError:
        pass
    pushing.cancel()
    writer.close()
    return bytes(came), time.monotonic() - began


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_a_chunked_flood_is_413_and_leaves_the_memory_alone(served):
    megabyte = b"100000\r\n" + b"a" * MIB + b"\r\n"
    flood = [*((megabyte, 0) for _ in range(400)), (b"0\r\n\r\n", 0)]
    async with served(Ingress(echo)) as port:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        came, took = await talk(port, CHUNKED, flood)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert came.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in came
    assert took < 15
    assert grown < 40 * 1024  # KiB


async def test_ten_megabytes_sent_before_reading_still_get_their_answer(served):
    async with served(Ingress(echo)) as port:
        body = b"a" * 10 * MIB
        came, _ = await talk(port, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert came.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in came


async def test_a_trickled_body_is_408_after_the_deadline(served):
    async with served(Ingress(echo, deadline_s=0.3)) as port:
        trickle = [(b"1\r\na\r\n", 0.05)] * 200
        came, took = await talk(port, CHUNKED, trickle)
    assert came.startswith(b"HTTP/1.1 408 ")
    assert took < 2


async def test_a_trickled_document_is_408_too(served, uploads):
    headers, body = multipart(b"x" * 1000)
    head = b"POST /files HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
        headers[0][1].encode(),
        len(body),
    )
    async with served(Ingress(uploads, deadline_s=0.3)) as port:
        came, took = await talk(port, head + body[:100])
    assert came.startswith(b"HTTP/1.1 408 ")
    assert took < 2


async def test_others_are_served_while_a_trickle_waits(served):
    async with served(Ingress(echo, deadline_s=1)) as port:
        waiting = asyncio.create_task(talk(port, CHUNKED))
        await asyncio.sleep(0.1)
        closing = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        came, took = await talk(port, closing)
        assert came.startswith(b"HTTP/1.1 200 ")
        assert took < 0.5
        assert (await waiting)[0].startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: abc\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    ],
)
async def test_ambiguous_framing_never_reaches_an_application(served, head):
    async with served(Ingress(echo)) as port:
        came, _ = await talk(port, head)
    assert came.startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_leaves_disturbs_nobody(served):
    async with served(Ingress(echo)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED + b"1\r\na\r\n")
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.05)
        came, _ = await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 200 ")
