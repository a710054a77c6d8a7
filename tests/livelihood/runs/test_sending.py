"""Files reach their banks once, whatever is lost on the way; the banks' journal is the judge."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from services.livelihood.clients import Taken
from services.livelihood.runs.actions import sending
from shared.web.clients import Outside, PartyRefused
from tests.livelihood.runs.paying import a_paid_month, limited, text_of


@pytest.fixture
async def month(desk):
    return await a_paid_month(desk)


@pytest.fixture
async def impatient(desk, monkeypatch):
    """The adapter gives up soon, and its breaker never opens."""
    url = f"{desk.settings.sandbox_url}/bank/v1"
    outside = Outside(url, party="bank", timeout_s=0.4, breaker_after=10**6)
    monkeypatch.setattr(desk.runtime.clients, "_payments", outside)
    yield
    await outside.aclose()


async def at_the_banks(month, run_id):
    """The files of this run and their transfers, as the banks have them."""
    files = (await month.desk.sandbox.get("/bank/files")).json()["items"]
    mine = [file for file in files if file["run_id"] == UUID(str(run_id)).hex]
    transfers = []
    for file in mine:
        answer = await month.desk.sandbox.get(
            "/bank/transfers", params={"file_id": file["file_id"]}
        )
        transfers += answer.json()["items"]
    return mine, transfers


async def agrees_with_the_banks(month, run_id):
    """Ledger of the banks and our files say the same, to the Rial, each reference once."""
    files, transfers = await at_the_banks(month, run_id)
    ours = await month.files(run_id)
    assert sorted(
        (f["file_id"], f["rows"], f["amount_rial"], f["sha256"]) for f in files
    ) == sorted((UUID(f["file_id"]).hex, f["rows"], f["amount_rial"], f["sha256"]) for f in ours)
    placed = await month.instructions(run_id)
    assert sorted((t["reference"], t["amount_rial"]) for t in transfers) == sorted(
        (one["id"].hex, one["amount_rial"]) for one in placed
    )
    assert {file["status"] for file in ours} == {"accepted"}
    assert {one["state"] for one in placed} == {"sent"}
    assert {row["state"] for row in await month.kept()} == {"sent"}


async def due_again(month, run_id):
    """Let the reminders of this run's files be due now."""
    await month.desk.eye.execute(
        "UPDATE livelihood.timer SET due_at = now() - interval '1 day', leased_until = NULL"
        " WHERE kind = 'send_file' AND subject_id IN"
        " (SELECT id FROM livelihood.bank_file WHERE run_id = $1)",
        UUID(run_id),
    )
    await month.desk.fire()


async def statuses(month, run_id):
    return [(file["status"], file["attempt"]) for file in await month.files(run_id)]


@pytest.mark.req("LV-22")
async def test_a_month_is_with_its_banks_to_the_rial(month, monkeypatch):
    limited(monkeypatch, rows_per_file=4)
    shebas = await month.paid_households(14, sizes=5, banks=("017", "013", "012"))
    run_id = await month.sent()
    await agrees_with_the_banks(month, run_id)
    _, transfers = await at_the_banks(month, run_id)
    assert {transfer["sheba"] for transfer in transfers} == set(shebas.values())
    assert {attempt for _, attempt in await statuses(month, run_id)} == {1}
    shown = (await month.files(run_id))[0]
    assert (shown["bank_ref"][:3], shown["sent_at"] is None) == (shown["bank_code"], False)
    again = await month.send(run_id)
    assert (again.status_code, again.json()["code"]) == (409, "step_not_allowed")


@pytest.mark.usefixtures("impatient")
@pytest.mark.req("H20")
async def test_accepted_and_then_silent_it_is_unknown_and_asked_about(month):
    await month.paid_households(3)
    run_id = await month.built()
    await month.desk.fault("bank", "accepted_then_timeout")
    await month.send(run_id)
    await month.desk.fire()
    assert await statuses(month, run_id) == [("unknown", 1)]
    assert {one["state"] for one in await month.instructions(run_id)} == {"queued"}
    await month.desk.fault("bank", "ok")
    await month.desk.fire()  # it rests first, as policy says
    assert await statuses(month, run_id) == [("unknown", 1)]
    await due_again(month, run_id)
    assert await statuses(month, run_id) == [("accepted", 1)]
    await agrees_with_the_banks(month, run_id)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["error", "timeout"])
async def test_a_bank_that_never_took_it_gets_the_same_file_again(month, mode):
    await month.paid_households(3)
    run_id = await month.built()
    content = await text_of(month, run_id)
    await month.desk.fault("bank", mode)
    await month.send(run_id)
    await month.desk.fire()
    await due_again(month, run_id)  # it cannot be asked either: nothing is sent again
    assert await statuses(month, run_id) == [("unknown", 1)]
    await month.desk.fault("bank", "ok")
    await due_again(month, run_id)
    assert await statuses(month, run_id) == [("accepted", 2)]
    assert await text_of(month, run_id) == content
    await agrees_with_the_banks(month, run_id)


@pytest.mark.req("H20")
async def test_a_process_that_dies_before_saving_finds_the_file_at_the_bank(month, monkeypatch):
    await month.paid_households(3)
    run_id = await month.built()
    saved = sending._accepted

    async def dies(*_):
        raise asyncio.CancelledError

    monkeypatch.setattr(sending, "_accepted", dies)
    await month.send(run_id)
    [file] = await month.files(run_id)
    with suppress(asyncio.CancelledError):
        await sending.go_on(month.desk.runtime, UUID(file["file_id"]))
    assert await statuses(month, run_id) == [("sending", 1)]
    monkeypatch.setattr(sending, "_accepted", saved)
    await month.desk.fire()
    assert await statuses(month, run_id) == [("accepted", 1)]
    await agrees_with_the_banks(month, run_id)


@pytest.mark.usefixtures("impatient")
@pytest.mark.req("H20")
async def test_killed_at_random_before_a_bank_that_falls_silent_nothing_is_lost_or_doubled(
    month, monkeypatch
):
    limited(monkeypatch, rows_per_file=2)
    await month.paid_households(30, sizes=5, banks=("017", "013"))
    run_id = await month.built()
    await month.send(run_id)
    files = [UUID(file["file_id"]) for file in await month.files(run_id)]
    chance, seen = random.Random(1420), set()
    for at in range(24):
        ill = ("accepted_then_timeout", "error", "slow")[at % 3]
        body = {"mode": ill, "rate": 0.5}
        (await month.desk.sandbox.put("/faults/bank", json=body)).raise_for_status()
        turn = [sending.go_on(month.desk.runtime, one) for one in chance.sample(files, 4)]
        runner = asyncio.gather(*turn)
        await asyncio.wait({runner}, timeout=chance.uniform(0.02, 0.9))
        runner.cancel()
        with suppress(asyncio.CancelledError):
            await runner
        seen |= {status for status, _ in await statuses(month, run_id)}
    assert seen >= {"sending", "accepted", "unknown"}, seen
    await month.desk.fault("bank", "ok")
    for one in files:
        await sending.go_on(month.desk.runtime, one)
    assert max(attempt for _, attempt in await statuses(month, run_id)) > 1
    await agrees_with_the_banks(month, run_id)


async def test_it_is_written_down_before_the_bank_hears_of_it(month, monkeypatch):
    await month.paid_households()
    run_id = await month.built()
    seen = []

    async def heard(_, file_id, content, *, bank):
        stands = await month.desk.eye.fetchrow(
            "SELECT state, attempt FROM livelihood.bank_file WHERE id = $1", file_id
        )
        busy = await month.desk.eye.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'soha_livelihood%'"
            " AND state LIKE 'idle in transaction%'"
        )
        seen.append((*stands, busy, bank, len(content) > 500))
        raise PartyRefused("bank", 422, "400")

    monkeypatch.setattr(type(month.desk.runtime.clients), "send_payment_file", heard)
    await month.send(run_id)
    await month.desk.fire()
    assert seen == [("sending", 1, 0, "017", True)]


async def test_runners_that_meet_send_a_file_once(month):
    await month.paid_households(2)
    run_id = await month.built()
    await month.send(run_id)
    [file] = await month.files(run_id)
    file_id = UUID(file["file_id"])
    await asyncio.gather(*(sending.go_on(month.desk.runtime, file_id) for _ in range(5)))
    await month.desk.fire()
    assert [status for status, _ in await statuses(month, run_id)] == ["accepted"]
    await agrees_with_the_banks(month, run_id)


async def test_what_a_bank_refuses_is_owed_and_goes_with_a_later_file(month):
    await month.paid_households(2)
    run_id = await month.built()

    async def refuses(*_, **__):
        raise PartyRefused("bank", 422, "400")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(month.desk.runtime.clients), "send_payment_file", refuses)
        await month.send(run_id)
        await month.desk.fire()
    assert await statuses(month, run_id) == [("rejected", 1)]
    assert {(r["state"], r["reason"]) for r in await month.kept()} == {("held", "file_rejected")}
    later = month.next()
    second = await later.sent()
    assert {(one["attempt"], one["state"]) for one in await later.instructions(second)} == {
        (2, "sent")
    }
    assert {row["state"] for row in await month.kept()} == {"sent"}
    _, transfers = await at_the_banks(later, second)
    assert len(transfers) == 2
    assert await at_the_banks(month, run_id) == ([], [])


async def test_a_bank_that_has_another_file_under_our_id_moves_nothing(month, monkeypatch):
    await month.paid_households()
    run_id = await month.built()

    async def differs(_, file_id, content, *, bank):
        return Taken(f"{bank}-{file_id}", rows=1, amount_rial=len(content), sha256="")

    monkeypatch.setattr(type(month.desk.runtime.clients), "send_payment_file", differs)
    await month.send(run_id)
    [file] = await month.files(run_id)
    with pytest.raises(RuntimeError, match="another one under its id"):
        await sending.go_on(month.desk.runtime, UUID(file["file_id"]))
    assert await statuses(month, run_id) == [("sending", 1)]
    assert {row["state"] for row in await month.kept()} == {"queued"}


@pytest.mark.req("H21")
async def test_a_file_sent_late_goes_to_a_later_cycle_and_day(month):
    await month.paid_households()
    run_id = await month.built()
    [before] = await month.files(run_id)
    today = month.desk.runtime.clock.today()
    month.desk.move_clock(today + timedelta(days=9))
    await month.send(run_id)
    await month.desk.fire()
    [after] = await month.files(run_id)
    assert after["status"] == "accepted"
    assert after["cycle_at"] > before["cycle_at"]
    assert after["promised_on"] >= (today + timedelta(days=9)).isoformat()
