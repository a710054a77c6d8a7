"""What a bank promises about a payment file, also across crashes and lost answers."""

import hashlib
import json
import threading
import uuid
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.livelihood.runs.files.pain001 import Order, Row
from tests import make


def payment_file(number=3, *, rows=None, claims=None):
    """A file of so many credits as the agency writes it; `claims` is what its head says of them."""
    rows = rows or [
        Row(uuid.uuid4().hex, 1_000 + n, make.sheba(), "1405-08") for n in range(number)
    ]
    count, total = claims or (len(rows), sum(row.amount_rial for row in rows))
    order = Order(
        file_id=uuid.uuid4(),
        run_id=uuid.uuid4(),
        bank_code="017",
        rows=count,
        amount_rial=total,
        made_at=datetime(2026, 11, 22, tzinfo=UTC),
        execute_on=date(2026, 11, 23),
        payer_name="Relief & Help",
        payer_sheba=make.sheba("010"),
    )
    return order, rows, order.head() + order.body(rows) + order.tail()


def give(sandbox, file_id, content, **options):
    headers = {"message-id": file_id.hex, "receiving-bank": "017"}
    headers["content-type"] = "application/xml"
    return sandbox.http.post("/bank/v1/files", content=content, headers=headers, **options)


def ask(sandbox, **about):
    return sandbox.post("/bank/v1/inquiries", about).json()


def transfers(sandbox, file_id):
    return sandbox.http.get("/bank/transfers", params={"file_id": str(file_id)}).json()["items"]


def test_a_message_id_is_taken_once_also_after_a_kill(run_sandbox):
    sandbox = run_sandbox()
    order, rows, content = payment_file()
    first = give(sandbox, order.file_id, content)
    again = give(sandbox, order.file_id, content)
    sandbox.kill()
    sandbox.start()
    after = give(sandbox, order.file_id, content)
    assert first.status_code == again.status_code == after.status_code == 200
    assert first.json() == again.json() == after.json()
    assert first.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(sandbox.journal("bank", "effect")) == 1
    assert len(sandbox.journal("bank", "repeat")) == 2
    assert [(t["reference"], t["amount_rial"], t["sheba"]) for t in transfers(
        sandbox, order.file_id)] == [row[:3] for row in rows]  # fmt: skip
    [file] = sandbox.http.get("/bank/files").json()["items"]
    assert (file["rows"], file["amount_rial"]) == (3, 3_003)
    assert file["run_id"] == order.run_id.hex


def test_what_it_accepted_before_falling_silent_it_knows_when_asked(run_sandbox):
    sandbox = run_sandbox()
    order, rows, content = payment_file()
    assert ask(sandbox, messageId=order.file_id.hex) == {"found": False}
    sandbox.put("/faults/bank", {"mode": "accepted_then_timeout"})
    with pytest.raises(httpx.ReadTimeout):
        give(sandbox, order.file_id, content, timeout=0.5)
    sandbox.put("/faults/bank", {"mode": "ok"})
    known = ask(sandbox, messageId=order.file_id.hex)
    assert (known["found"], known["rows"], known["amountRial"]) == (True, 3, 3_003)
    one = ask(sandbox, endToEndId=rows[0].reference)
    assert one == {"found": True, "status": "accepted", "bankRef": None}
    assert ask(sandbox, endToEndId="0" * 32) == {"found": False}


@pytest.mark.parametrize("mode", ["error", "timeout"])
def test_a_sick_bank_takes_nothing(run_sandbox, mode):
    sandbox = run_sandbox()
    order, _, content = payment_file()
    sandbox.put("/faults/bank", {"mode": mode})
    try:
        assert give(sandbox, order.file_id, content, timeout=0.5).status_code == 500
    except httpx.ReadTimeout:
        assert mode == "timeout"
    sandbox.put("/faults/bank", {"mode": "ok"})
    assert ask(sandbox, messageId=order.file_id.hex) == {"found": False}
    assert give(sandbox, order.file_id, content).status_code == 200


def test_it_refuses_a_file_that_does_not_hold(run_sandbox):
    sandbox = run_sandbox()
    order, rows, content = payment_file()
    assert give(sandbox, order.file_id, content).status_code == 200
    other, _, changed = payment_file(4)
    for file_id, sent, code in (
        (other.file_id, b"", 400),
        (other.file_id, changed[:-40], 400),
        (uuid.uuid4(), changed, 400),
        (order.file_id, changed, 409),
    ):
        answer = give(sandbox, file_id, sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    for claims, said in (((3, 1), 400), ((2, 3_003), 400)):
        lying, _, content = payment_file(claims=claims)
        assert give(sandbox, lying.file_id, content).json()["error"]["code"] == said
    used, _, content = payment_file(rows=rows[:1])
    assert give(sandbox, used.file_id, content).json()["error"]["code"] == 410
    assert len(sandbox.http.get("/bank/files").json()["items"]) == 1


def test_what_it_settles_it_tells_and_remembers(run_sandbox):
    sandbox = run_sandbox()
    order, rows, content = payment_file(200)
    give(sandbox, order.file_id, content)
    asked = {"file_id": str(order.file_id), "returned": 0.2, "unknown": 0.1, "tell": False}
    first = sandbox.post("/bank/settle", asked).json()
    assert first["paid"] + first["returned"] + first["unknown"] == 200
    assert min(first["paid"], first["returned"], first["unknown"]) > 0
    assert {one["reference"] for one in first["results"]} == {row.reference for row in rows}
    sandbox.kill()
    sandbox.start()
    told = {one["reference"]: one["status"] for one in first["results"]}
    assert {t["reference"]: t["status"] for t in transfers(sandbox, order.file_id)} == told
    second = sandbox.post("/bank/settle", {**asked, "unknown": 0.0, "repeat": True}).json()
    assert second["paid"] + second["returned"] == first["unknown"]
    assert len(second["results"]) == 200 + first["unknown"]
    late = sandbox.post("/bank/settle", {**asked, "late": 1.0}).json()
    assert late["returned"] == first["paid"] + second["paid"]
    assert sandbox.post("/bank/settle", {**asked, "file_id": "none"}).status_code == 404


@pytest.fixture
def door():
    """Somebody who hears what banks bring: method and path, token, key, body."""
    heard = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            token = self.headers["authorization"].removeprefix("Bearer ")
            heard.append((self.path, token, self.headers["idempotency-key"], json.loads(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


def test_results_are_brought_to_the_door_as_the_bank_itself(run_sandbox, door):
    url, heard = door
    sandbox = run_sandbox(door=url)
    order, rows, content = payment_file(1_200)
    give(sandbox, order.file_id, content)
    asked = {"file_id": str(order.file_id), "returned": 0.02, "unknown": 0.01, "shuffled": True}
    settled = sandbox.post("/bank/settle", asked).json()
    assert settled["told"] == [200, 200]
    assert [path for path, *_ in heard] == [f"/v1/livelihood/runs/{order.run_id}/bank-results"] * 2
    assert len({key for _, _, key, _ in heard}) == 2
    results = [one for *_, body in heard for one in body["results"]]
    assert {one["reference"] for one in results} == {row.reference for row in rows}
    assert {tuple(sorted(one)) for one in results} == {
        ("at", "bank_ref", "reason", "reference", "status")
    }
    keys = KeySet.import_key_set(sandbox.http.get("/jwks.json").json())
    claims = jwt.decode(heard[0][1], keys, algorithms=["RS256"]).claims
    assert (claims["roles"], claims["organisation"], claims["aud"]) == (["bank"], "017", "soha")


def test_results_that_no_door_takes_can_be_brought_again(run_sandbox, door):
    url, heard = door
    sandbox = run_sandbox(door="http://127.0.0.1:9")
    order, rows, content = payment_file()
    give(sandbox, order.file_id, content)
    assert sandbox.post("/bank/settle", {"file_id": str(order.file_id)}).status_code == 502
    sandbox.kill()
    again = run_sandbox(door=url)
    asked = {"file_id": str(order.file_id), "repeat": True}
    assert again.post("/bank/settle", asked).json()["told"] == [200]
    assert [one["status"] for one in heard[0][3]["results"]] == ["paid"] * len(rows)
