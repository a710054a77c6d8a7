"""What the subsidies organisation promises about a batch, also across crashes and lost answers."""

import hashlib
from uuid import uuid4

import httpx
import pytest

PATH = "/subsidies/v1/batches"


def batch(batch_id=None, size=3, **more):
    reference = str(uuid4())
    line = f"{reference}|introduction|{size}|1405-09|\n"
    row = {
        "reference": reference,
        "kind": "introduction",
        "nationalId": "0499370899",
        "coveredSize": size,
        "fromPeriod": "1405-09",
        "lastPeriod": None,
    }
    return {
        "batchId": batch_id or str(uuid4()),
        "number": 1,
        "count": 1,
        "sha256": hashlib.sha256(line.encode()).hexdigest(),
        "rows": [row],
    } | more


def test_a_batch_is_taken_once_also_after_a_kill(run_sandbox):
    sandbox, one = run_sandbox(), batch()
    first = sandbox.post(PATH, one)
    sandbox.kill()
    sandbox.start()
    again = sandbox.post(PATH, one)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json() == {"receipt": "S-000001", "count": 1}
    (shown,) = sandbox.http.get("/subsidies/batches").json()["items"]
    assert (shown["reference"], shown["sha256"]) == (one["batchId"], one["sha256"])
    assert len(sandbox.journal("subsidies", "effect")) == 1
    assert len(sandbox.journal("subsidies", "repeat")) == 1


def test_accepted_then_timeout_takes_exactly_once(run_sandbox):
    sandbox, one = run_sandbox(), batch()
    sandbox.put("/faults/subsidies", {"mode": "accepted_then_timeout"})
    with pytest.raises(httpx.ReadTimeout):
        sandbox.post(PATH, one, timeout=0.5)
    sandbox.put("/faults/subsidies", {"mode": "ok"})
    asked = sandbox.post("/subsidies/v1/status", {"batchId": one["batchId"]}).json()
    assert asked["found"] is True
    assert sandbox.post(PATH, one).json()["receipt"] == asked["receipt"]
    assert len(sandbox.journal("subsidies", "effect")) == 1


@pytest.mark.parametrize(
    ("wrong", "code"), [({"count": 2}, 412), ({"sha256": "0" * 64}, 412), ({"rows": []}, 400)]
)
def test_what_does_not_hold_together_is_refused_for_good(sandbox, wrong, code):
    answer = sandbox.post(PATH, batch(**wrong))
    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["class"]) == (code, "permanent")


def test_the_same_id_with_another_content_is_refused(sandbox):
    one = batch()
    assert sandbox.post(PATH, one).status_code == 200
    answer = sandbox.post(PATH, batch(one["batchId"], size=4))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 409)
