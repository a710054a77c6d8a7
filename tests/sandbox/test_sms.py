"""What a provider promises about a message, also across crashes and lost answers."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

RECEPTOR = "09121234567"


def message(reference, text="درخواست شما ثبت شد.", receptor=RECEPTOR):
    return {"receptor": receptor, "message": text, "localId": reference}


def test_a_reference_is_sent_once_also_after_a_kill(run_sandbox):
    sandbox = run_sandbox()
    first = sandbox.post("/sms-primary/v1/send", message("n-1"))
    again = sandbox.post("/sms-primary/v1/send", message("n-1"))
    sandbox.kill()
    sandbox.start()
    after = sandbox.post("/sms-primary/v1/send", message("n-1"))
    other = sandbox.post("/sms-primary/v1/send", message("n-2"))

    assert first.status_code == again.status_code == after.status_code == 200
    assert first.json() == again.json() == after.json()
    assert other.json()["messageId"] != first.json()["messageId"]
    effects = sandbox.journal("sms-primary", "effect")
    assert [line["reference"] for line in effects] == ["n-1", "n-2"]
    assert len(sandbox.journal("sms-primary", "repeat")) == 2
    assert len(sandbox.journal("sms-primary", "request")) == 4
    assert len(sandbox.http.get("/sms", params={"mobile": RECEPTOR}).json()["items"]) == 2


def test_twins_at_the_same_moment_are_one_message(run_sandbox):
    sandbox = run_sandbox()
    with ThreadPoolExecutor(12) as pool:
        sends = [
            pool.submit(sandbox.post, "/sms-primary/v1/send", message(f"n-{n % 3}"))
            for n in range(36)
        ]
        answers = [send.result().json()["messageId"] for send in sends]

    assert len(set(answers)) == 3
    effects = sandbox.journal("sms-primary", "effect")
    assert sorted(line["reference"] for line in effects) == ["n-0", "n-1", "n-2"]
    assert len(sandbox.journal("sms-primary", "repeat")) == 33


def test_a_half_written_line_is_dropped_at_start(run_sandbox):
    sandbox = run_sandbox()
    sandbox.post("/sms-primary/v1/send", message("n-1"))
    sandbox.kill()
    with (sandbox.data / "journal" / "sms-primary.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-11-22T06:00:00Z", "line": "effect", "refer')
    sandbox.start()

    assert sandbox.post("/sms-primary/v1/send", message("n-2")).status_code == 200
    effects = sandbox.journal("sms-primary", "effect")
    assert [line["reference"] for line in effects] == ["n-1", "n-2"]


def test_accepted_then_timeout_accepts_exactly_once(run_sandbox):
    sandbox = run_sandbox()
    sandbox.put("/faults/sms-primary", {"mode": "accepted_then_timeout"})
    with pytest.raises(httpx.ReadTimeout):
        sandbox.post("/sms-primary/v1/send", message("n-1"), timeout=0.5)
    sandbox.put("/faults/sms-primary", {"mode": "ok"})

    assert sandbox.post("/sms-primary/v1/status", {"localId": "n-1"}).json()["found"] is True
    assert sandbox.post("/sms-primary/v1/send", message("n-1")).status_code == 200
    assert len(sandbox.journal("sms-primary", "effect")) == 1


def test_timeout_accepts_nothing(run_sandbox):
    sandbox = run_sandbox()
    sandbox.put("/faults/sms-primary", {"mode": "timeout", "rate": 1})
    with pytest.raises(httpx.ReadTimeout):
        sandbox.post("/sms-primary/v1/send", message("n-1"), timeout=0.5)
    sandbox.put("/faults/sms-primary", {"mode": "ok"})

    assert sandbox.post("/sms-primary/v1/status", {"localId": "n-1"}).json() == {"found": False}
    assert len(sandbox.journal("sms-primary", "request")) == 2
    assert sandbox.journal("sms-primary", "effect") == []


def test_an_ill_provider_refuses_and_the_other_still_sends(run_sandbox):
    sandbox = run_sandbox()
    sandbox.put("/faults/sms-primary", {"mode": "error"})
    ill = sandbox.post("/sms-primary/v1/send", message("n-1"))
    well = sandbox.post("/sms-secondary/v1/send", message("n-1"))
    sandbox.put("/faults/sms-primary", {"mode": "error", "rate": 0})
    spared = sandbox.post("/sms-primary/v1/send", message("n-2"))

    assert (ill.status_code, ill.json()["error"]["class"]) == (500, "retryable")
    assert (well.status_code, spared.status_code) == (200, 200)
    shown = sandbox.http.get("/sms").json()["items"]
    assert [item["provider"] for item in shown] == ["sms-secondary", "sms-primary"]


def test_a_slow_provider_takes_its_time(run_sandbox):
    sandbox = run_sandbox()
    sandbox.put("/faults/sms-primary", {"mode": "slow"})
    began = time.monotonic()
    answer = sandbox.post("/sms-primary/v1/send", message("n-1"))

    assert answer.status_code == 200
    assert 1.5 <= time.monotonic() - began < 6


def test_faults_and_the_black_list_outlive_a_kill(run_sandbox):
    sandbox = run_sandbox()
    sandbox.put("/faults/shahkar", {"mode": "error", "rate": 0.25})
    sandbox.put(f"/sms-blacklist/{RECEPTOR}", {"blocked": True})
    sandbox.kill()
    sandbox.start()

    assert sandbox.http.get("/faults").json()["shahkar"] == {"mode": "error", "rate": 0.25}
    blocked = sandbox.post("/sms-primary/v1/send", message("n-1"))
    assert (blocked.status_code, blocked.json()["error"]["code"]) == (422, 115)
    sandbox.put(f"/sms-blacklist/{RECEPTOR}", {"blocked": False})
    assert sandbox.post("/sms-primary/v1/send", message("n-1")).status_code == 200


@pytest.mark.parametrize(
    ("receptor", "status", "code", "kind"),
    [
        ("09000000000", 422, 411, "permanent"),
        ("0912", 422, 411, "permanent"),
        ("۰۹۱۲۱۲۳۴۵۶۷", 422, 411, "permanent"),
        ("09000000001", 503, 409, "retryable"),
        ("09000000002", 402, 418, "account"),
    ],
)
def test_refused_receptors_have_their_class(sandbox, receptor, status, code, kind):
    refused = sandbox.post("/sms-primary/v1/send", message(f"r-{status}", receptor=receptor))
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["class"]) == (status, code, kind)
    found = sandbox.post("/sms-primary/v1/status", {"localId": f"r-{status}"}).json()
    assert found == {"found": False}


@pytest.mark.parametrize(("length", "parts"), [(70, 1), (71, 2), (134, 2), (135, 3), (900, 14)])
def test_persian_parts_are_counted_as_ucs2(sandbox, length, parts):
    sent = sandbox.post("/sms-secondary/v1/send", message(f"p-{length}", text="س" * length))
    assert (sent.json()["parts"], sent.json()["cost"]) == (parts, parts * 1200)


def test_a_text_over_900_characters_is_refused(sandbox):
    refused = sandbox.post("/sms-secondary/v1/send", message("long", text="س" * 901))
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, 413)


def test_delivery_follows_acceptance(sandbox):
    sandbox.post("/sms-secondary/v1/send", message("d-1"))
    sandbox.post("/sms-secondary/v1/send", message("d-2", receptor="09000000003"))

    def status(reference):
        return sandbox.post("/sms-secondary/v1/status", {"localId": reference}).json()["status"]

    assert status("d-1") == "queued"
    time.sleep(2.1)
    assert (status("d-1"), status("d-2")) == ("delivered", "undelivered")
