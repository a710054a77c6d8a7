"""A month from the open list to the banks: what was built is what they have, to the Rial."""

from collections import Counter
from uuid import UUID

import pytest

from tests.journeys.test_widow import CONFIRM, Story

RUNS = "/v1/livelihood/runs"
PERIOD = "1429-12"  # nobody else's


async def supported(agency) -> Story:
    """A widow whose support has begun; it is paid in any month from its first on."""
    story = Story(agency)
    await story.to_visited()
    await story.step("approver", "confirm", CONFIRM)
    citizen = await agency.citizen(story.widow)
    case = (await citizen.get(f"/v1/livelihood/cases/{story.code}")).json()
    assert case["status"] == "active", case
    await agency.eye.execute(  # the month is far: this support has no term
        "UPDATE livelihood.award SET ends_on = NULL, ends_period = NULL WHERE id = $1",
        UUID(case["award_id"]),
    )
    return story


async def ok(agency, role, method, path, body=None):
    caller = await agency.caller(role)
    answer = await (caller.post(path, body) if method == "POST" else caller.get(path))
    assert answer.status_code < 300, (path, answer.status_code, answer.text)
    await agency.settled()
    return answer


@pytest.mark.req("LV-22")
async def test_a_funded_month_reaches_the_banks_to_the_rial(agency):
    stories = [await supported(agency) for _ in range(2)]
    budget = {"year": 1429, "amount_rial": 10**15, "approval_ref": "1429/1"}
    await (await agency.caller("operator")).post("/v1/livelihood/budgets", budget)
    month = {"period": PERIOD, "kind": "regular"}
    opened = await ok(agency, "finance_preparer", "POST", RUNS, month)
    path = f"{RUNS}/{opened.json()['run_id']}"
    funded = await ok(
        agency, "finance_approver", "POST", f"{path}/fund", {"approval_ref": "1405/9"}
    )
    assert funded.json()["status"] == "funded", funded.text
    refused = await (await agency.caller("finance_preparer")).post(f"{path}/build-file", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    built = await ok(agency, "finance_sender", "POST", f"{path}/build-file", {})
    assert built.json()["status"] == "file_built", built.text
    sent = await ok(agency, "finance_sender", "POST", f"{path}/send", {})
    assert sent.json()["status"] == "sent", sent.text

    files = (await ok(agency, "finance_sender", "GET", f"{path}/files")).json()["items"]
    assert {file["status"] for file in files} == {"accepted"}
    at_the_banks = {file["file_id"]: file for file in await outside(agency, "/bank/files")}
    transfers = []
    for file in files:
        known = at_the_banks[UUID(file["file_id"]).hex]
        assert (known["rows"], known["amount_rial"], known["sha256"], known["bank"]) == (
            *(file["rows"], file["amount_rial"], file["sha256"], file["bank_code"]),
        )
        transfers += await outside(agency, "/bank/transfers", file_id=file["file_id"])
        one = await ok(
            agency, "finance_sender", "GET", f"{path}/payment-file?number={file['number']}"
        )
        assert one.content.count(b"<CdtTrfTxInf>") == file["rows"]
    assert sum(one["amount_rial"] for one in transfers) == sum(f["amount_rial"] for f in files)
    rate = await agency.eye.fetchval(
        "SELECT amount_rial FROM livelihood.rate WHERE covered_size = 3 AND from_period <= 142912"
        " AND coalesce(to_period, 142912) >= 142912"
    )
    paid = Counter((one["sheba"], one["amount_rial"]) for one in transfers)
    assert [paid[story.widow.sheba, rate] for story in stories] == [1, 1]


async def outside(agency, path, **asked):
    """What the banks themselves say."""
    return (await agency.sandbox.get(path, params=asked)).json()["items"]
