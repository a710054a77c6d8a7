"""Introduced to the subsidies organisation once, taken back when it ends, answered row by row."""

from uuid import uuid4

import pytest

from services.livelihood.handovers.actions import sending
from tests.livelihood.awards.home import Home

STOP = {"reasons": ["خانوار خود انصراف داد"]}


@pytest.fixture(autouse=True)
async def nobody_waits(desk):
    """What other tests left to be handed over is no matter of these."""
    await desk.eye.execute(
        "UPDATE livelihood.handover_row SET status = 'dropped'"
        " WHERE status IN ('ready', 'corrected') AND handover_id IS NULL"
    )
    yield
    await desk.fault("subsidies", "ok")


async def home(desk):
    made = await Home.settled(desk, also=0)
    await desk.hear()
    return made


def operator(desk):
    return desk.caller("operator")


def ministry(desk, organisation="subsidies"):
    return desk.caller("ministry", organisation=organisation, province=None, office_code=None)


async def handed_over(desk):
    """The next batch, sent."""
    answer = await operator(desk).post("/handovers")
    assert answer.status_code == 202, answer.text
    await desk.fire()
    return answer.json()


async def rows(desk, batch):
    answer = await operator(desk).get(f"/handovers/{batch['handover_id']}", limit=200)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def answered(desk, batch, *said):
    body = {"rows": [{"reference": one, "outcome": outcome} | more for one, outcome, more in said]}
    path = f"/handovers/{batch['handover_id']}/acknowledge"
    answer = await ministry(desk).post(path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def taken(desk):
    """What the organisation's own journal has, by batch id."""
    found = (await desk.sandbox.get("/subsidies/batches", params={"limit": 1000})).json()["items"]
    return {one["reference"]: one for one in found}


async def of_award(desk, home):
    found = await desk.eye.fetch(
        "SELECT kind, status FROM livelihood.handover_row WHERE award_id = $1 ORDER BY number",
        home.award_id,
    )
    return [tuple(one) for one in found]


@pytest.mark.req("LV-31")
async def test_an_approved_award_appears_once_in_the_next_batch_and_in_no_other(desk):
    homes = [await home(desk) for _ in range(3)]
    batch = await handed_over(desk)
    assert batch["rows"] == 3
    sent = (await taken(desk))[batch["handover_id"]]
    assert (sent["number"], sent["count"], sent["sha256"]) == (
        batch["number"], 3, batch["sha256"],
    )  # fmt: skip
    codes = {one.filed.person.national_code for one in homes}
    assert {row["nationalId"] for row in sent["rows"]} == codes
    assert {row["kind"] for row in sent["rows"]} == {"introduction"}
    nothing = await operator(desk).post("/handovers")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_hand_over")
    later = await home(desk)
    following = await handed_over(desk)
    assert following["number"] == batch["number"] + 1
    (row,) = (await taken(desk))[following["handover_id"]]["rows"]
    assert row["nationalId"] == later.filed.person.national_code


@pytest.mark.req("LV-31")
async def test_acknowledged_and_rejected_row_by_row_in_any_order_and_repeated(desk):
    homes = [await home(desk) for _ in range(3)]
    batch = await handed_over(desk)
    first, second, third = (row["reference"] for row in await rows(desk, batch))
    no = ("rejected", {"code": "not_found"})
    assert await answered(desk, batch, (third, *no), (first, "acknowledged", {})) == {
        "accepted": 2, "repeated": 0, "errors": [],
    }  # fmt: skip
    again = await answered(
        desk, batch, (first, "acknowledged", {}), (second, "acknowledged", {}), (third, *no),
        (first, "rejected", {"code": "late"}), (str(uuid4()), "acknowledged", {}),
        (second, "rejected", {}), (second, "acknowledged", {"code": "why"}),
    )  # fmt: skip
    assert (again["accepted"], again["repeated"]) == (1, 2)
    assert again["errors"] == [
        {"line": 4, "code": "answered_otherwise"},
        {"line": 5, "code": "unknown_reference"},
        {"line": 6, "code": "code_missing"},
        {"line": 7, "code": "code_not_expected"},
    ]
    shown = await rows(desk, batch)
    assert [(row["outcome"], row["code"]) for row in shown] == [
        ("acknowledged", None), ("acknowledged", None), ("rejected", "not_found"),
    ]  # fmt: skip
    statuses = [await of_award(desk, one) for one in homes]
    assert sorted(statuses) == [
        [("introduction", "acknowledged")],
        [("introduction", "acknowledged")],
        [("introduction", "rejected")],
    ]


@pytest.mark.req("LV-31")
async def test_what_was_rejected_goes_again_once_an_officer_has_corrected_it(desk):
    made = await home(desk)
    batch = await handed_over(desk)
    (row,) = await rows(desk, batch)
    await answered(desk, batch, (row["reference"], "rejected", {"code": "size_unclear"}))
    path = f"/handovers/{batch['handover_id']}/correct"
    body = {"reference": row["reference"], "reason": "شمار اعضا با مدارک روشن شد"}
    elsewhere = desk.caller("intake_officer", province="Fars")
    assert (await elsewhere.post(path, body)).status_code == 404
    officer = desk.caller("intake_officer")
    assert (await officer.post(path, body)).status_code == 200
    twice = await officer.post(path, body)
    assert (twice.status_code, twice.json()["code"]) == (409, "step_not_allowed")
    following = await handed_over(desk)
    (again,) = await rows(desk, following)
    assert again["reference"] == row["reference"]
    late = await answered(desk, batch, (row["reference"], "rejected", {"code": "size_unclear"}))
    assert late["repeated"] == 1
    await answered(desk, following, (row["reference"], "acknowledged", {}))
    assert await of_award(desk, made) == [("introduction", "acknowledged")]


@pytest.mark.req("LV-31")
async def test_a_stopped_award_goes_as_a_removal_and_comes_back_as_an_introduction(desk):
    made = await home(desk)
    batch = await handed_over(desk)
    await made.done("approver", "stop", STOP)
    removal = await handed_over(desk)
    (row,) = (await taken(desk))[removal["handover_id"]]["rows"]
    assert row["kind"] == "removal"
    assert row["lastPeriod"] == made.month
    await made.done("counter", "object", {"text": "انصراف نداده‌ام"}, office_code="72010001")
    await made.done(
        "approver", "decide-objection", {"outcome": "accepted", "reasons": ["اشتباه بود"]}
    )
    await handed_over(desk)
    assert [kind for kind, _ in await of_award(desk, made)] == [
        "introduction", "removal", "introduction",
    ]  # fmt: skip
    assert batch["number"] == removal["number"] - 1


async def test_what_ended_before_it_went_out_is_not_introduced_at_all(desk):
    made = await home(desk)
    await made.done("approver", "stop", STOP)
    assert await of_award(desk, made) == [("introduction", "dropped")]
    assert (await operator(desk).post("/handovers")).status_code == 409


async def test_an_event_heard_again_adds_no_row(desk):
    made = await home(desk)
    await desk.eye.execute(
        "UPDATE livelihood.inbox SET done_at = NULL, due_at = now()"
        " WHERE topic = 'livelihood.activated'"
    )
    await desk.hear()
    assert await of_award(desk, made) == [("introduction", "ready")]


@pytest.mark.parametrize("mode", ["error", "accepted_then_timeout"])
async def test_whether_it_arrived_or_not_it_is_taken_once(desk, mode, monkeypatch):
    """Under the same reference: the organisation takes it once."""
    await home(desk)
    monkeypatch.setattr(desk.runtime.clients._subsidies, "_timeout_s", 0.5)
    await desk.fault("subsidies", mode)
    batch = (await operator(desk).post("/handovers")).json()
    await desk.fire()
    state = "SELECT state, attempt FROM livelihood.handover WHERE id = $1::text::uuid"
    assert tuple(await desk.eye.fetchrow(state, batch["handover_id"])) == ("sending", 1)
    await desk.fault("subsidies", "ok")
    await desk.eye.execute("UPDATE livelihood.timer SET leased_until = NULL")
    await desk.fire()
    assert tuple(await desk.eye.fetchrow(state, batch["handover_id"])) == ("accepted", 2)
    assert batch["handover_id"] in await taken(desk)
    (row,) = await rows(desk, batch)
    assert row["status"] == "sent"


async def test_an_answer_may_come_before_we_know_that_it_arrived(desk, monkeypatch):
    made = await home(desk)
    monkeypatch.setattr(desk.runtime.clients._subsidies, "_timeout_s", 0.5)
    await desk.fault("subsidies", "accepted_then_timeout")
    batch = (await operator(desk).post("/handovers")).json()
    early = f"/handovers/{batch['handover_id']}/acknowledge"
    (row,) = await rows(desk, batch)
    said = {"rows": [{"reference": row["reference"], "outcome": "acknowledged"}]}
    assert (await ministry(desk).post(early, said)).status_code == 404  # nobody has seen it yet
    await desk.fire()
    assert (await answered(desk, batch, (row["reference"], "acknowledged", {})))["accepted"] == 1
    await desk.fault("subsidies", "ok")
    await desk.eye.execute("UPDATE livelihood.timer SET leased_until = NULL")
    await desk.fire()
    assert await of_award(desk, made) == [("introduction", "acknowledged")]
    assert (await operator(desk).get(f"/handovers/{batch['handover_id']}")).json()[
        "state"
    ] == "accepted"


async def test_a_batch_that_is_refused_as_a_whole_gives_its_rows_to_the_next(desk, monkeypatch):
    made = await home(desk)
    monkeypatch.setattr(sending.rules, "sha256", lambda lines: "0" * len([*lines]) + "f" * 63)
    batch = await handed_over(desk)
    state = "SELECT state FROM livelihood.handover WHERE id = $1::text::uuid"
    assert await desk.eye.fetchval(state, batch["handover_id"]) == "refused"
    assert await of_award(desk, made) == [("introduction", "ready")]
    monkeypatch.undo()
    again = await handed_over(desk)
    assert again["handover_id"] in await taken(desk)


@pytest.mark.req("LV-31")
async def test_another_body_that_looks_is_written_down_for_each_person(desk):
    made = await home(desk)
    batch = await handed_over(desk)
    path = f"/handovers/{batch['handover_id']}"
    other = await ministry(desk, "welfare").get(path)
    assert (other.status_code, other.json()["code"]) == (403, "role_not_allowed")
    seen = await ministry(desk).get(path)
    assert seen.status_code == 200
    assert made.filed.person.national_code not in seen.text
    pseudonym = desk.runtime.crypto.pseudonym(made.filed.person_id)
    entries = await desk.eye.fetch(
        "SELECT convert_from(entry, 'UTF8') AS entry FROM livelihood.audit"
        " WHERE position($1 IN convert_from(entry, 'UTF8')) > 0"
        " AND position('handover.read' IN convert_from(entry, 'UTF8')) > 0",
        pseudonym,
    )
    assert len(entries) == 1
    assert '"purpose":"handover"' in entries[0]["entry"]
    told = await desk.eye.fetchval(
        "SELECT payload::text FROM livelihood.outbox WHERE topic = 'access.recorded'"
        " AND subject_id = $1::text::uuid",
        batch["handover_id"],
    )
    assert pseudonym in told
    assert made.filed.person.national_code not in told


async def test_what_was_frozen_and_what_was_answered_is_only_added_to(desk):
    await home(desk)
    batch = await handed_over(desk)
    (row,) = await rows(desk, batch)
    await answered(desk, batch, (row["reference"], "acknowledged", {}))
    for statement in (
        "UPDATE livelihood.handover_line SET covered_size = 9",
        "DELETE FROM livelihood.handover_answer",
        "UPDATE livelihood.handover SET sha256 = ''",
        "DELETE FROM livelihood.handover_row",
    ):
        with pytest.raises(Exception, match="permission denied"):
            await desk.runtime.pool.execute(statement)
