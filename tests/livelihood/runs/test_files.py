"""Payment files: who is in which, to the Rial, by whom they are built, the same however often."""

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from services.livelihood.runs.actions import building, snapshot
from services.livelihood.runs.files import store
from shared.storage.encryption import SealBroken
from tests import make
from tests.livelihood.runs.paying import (
    NS,
    a_paid_month,
    credits_in,
    limited,
    parsed,
    resumed,
    suspended,
    text_of,
)


@pytest.fixture
async def month(desk):
    return await a_paid_month(desk)


@pytest.mark.req("LV-22")
async def test_every_household_is_paid_to_its_own_account_to_the_rial(month):
    shebas = await month.paid_households(7, sizes=5, banks=("017", "013"))
    run_id = await month.built()
    files = await month.files(run_id)
    assert [(file["bank_code"], file["rows"]) for file in files] == [("013", 3), ("017", 4)]
    paid = []
    for file in files:
        content = await text_of(month, run_id, file["number"])
        rows = credits_in(content)
        paid += rows
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert (len(rows), sum(row[1] for row in rows)) == (file["rows"], file["amount_rial"])
        assert {row[2][4:7] for row in rows} == {file["bank_code"]}
    kept = await month.kept()
    assert {row["state"] for row in kept} == {"queued"}
    assert sorted((sheba, amount) for _, amount, sheba in paid) == sorted(
        (shebas[row["award_id"]], row["amount_rial"]) for row in kept
    )
    assert {row[0] for row in paid} == {i["id"].hex for i in await month.instructions(run_id)}


# By whom


@pytest.mark.req("LV-21")
@pytest.mark.parametrize("step", ["build", "send"])
async def test_who_prepared_or_funded_does_not_send(month, step):
    await month.paid_households()
    roles = ("finance_preparer", "finance_approver", "finance_sender")
    preparer = month.desk.caller(*roles, sub=f"p-{step}-{month.year}")
    funder = month.desk.caller(*roles, sub=f"f-{step}-{month.year}")
    run_id = (await month.open(preparer)).json()["run_id"]
    await month.desk.fire()
    assert (await month.fund(run_id, funder)).json()["status"] == "funded"
    if step == "send":
        await month.wholly_built(run_id)
    for caller in (preparer, funder):
        answer = await getattr(month, step)(run_id, caller)
        assert (answer.status_code, answer.json()["code"]) == (403, "separation_of_duties")
    assert (await getattr(month, step)(run_id)).status_code == 200


@pytest.mark.req("LV-21")
async def test_files_are_for_senders_and_of_funded_months_only(month):
    await month.paid_households()
    run = await month.frozen()
    path = f"/runs/{run['run_id']}"
    for caller in (month.preparer, month.funder, month.desk.caller("operator")):
        for answer in (
            await month.build(run["run_id"], caller),
            await month.send(run["run_id"], caller),
            await caller.get(f"{path}/payment-file"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")
    for answer in (await month.build(run["run_id"]), await month.send(run["run_id"])):
        assert (answer.status_code, answer.json()["code"]) == (409, "step_not_allowed")
    assert (await month.sender.get(f"{path}/payment-file")).status_code == 404
    assert await month.files(run["run_id"]) == []
    assert await month.instructions(run["run_id"]) == []


async def test_an_answer_to_a_key_is_given_again(month):
    await month.paid_households()
    run_id = await month.funded()
    path = f"/runs/{run_id}/build-file"
    sender = month.desk.caller("finance_sender", sub=f"s-{month.year}")
    first = await sender.post(path, key="build")
    again = await sender.post(path, key="build")
    assert (first.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await month.files(run_id)) == 1


# Limits


async def test_a_bank_gets_as_many_files_as_its_limits_ask(month, monkeypatch):
    limited(monkeypatch, rows_per_file=3)
    monkeypatch.setattr(snapshot, "SHARD_ROWS", 2)
    await month.paid_households(8, banks=("017", "017", "017", "013"))
    run_id = await month.built()
    files = await month.files(run_id)
    assert [file["number"] for file in files] == list(range(1, len(files) + 1))
    assert Counter((file["bank_code"], file["rows"]) for file in files) == {
        ("017", 3): 2,
        ("013", 2): 1,
    }
    amount = (await month.kept())[0]["amount_rial"]
    assert all(file["amount_rial"] == file["rows"] * amount for file in files)


async def test_no_file_is_above_the_amount_that_a_bank_takes(month, monkeypatch):
    await month.paid_households(9, sizes=5)
    run_id = await month.funded()
    most = max(row["amount_rial"] for row in await month.kept())
    limited(monkeypatch, rial_per_file=2 * most, rial_per_instruction=most)
    await month.wholly_built(run_id)
    files = await month.files(run_id)
    assert len(files) > 2
    assert max(file["amount_rial"] for file in files) <= 2 * most
    assert sum(file["amount_rial"] for file in files) == sum(
        row["amount_rial"] for row in await month.kept()
    )


@pytest.mark.req("H16")
async def test_an_amount_above_the_limit_of_one_instruction_goes_in_parts(month, monkeypatch):
    await month.paid_households(2)
    run_id = await month.funded()
    amount = (await month.kept())[0]["amount_rial"]
    limited(monkeypatch, rial_per_instruction=amount * 2 // 5, rows_per_file=2)
    await month.wholly_built(run_id)
    parts = await month.instructions(run_id)
    assert Counter(part["item_id"] for part in parts) == {r["id"]: 3 for r in await month.kept()}
    for item in await month.kept():
        mine = sorted((p["part"], p["amount_rial"]) for p in parts if p["item_id"] == item["id"])
        assert [part for part, _ in mine] == [1, 2, 3]
        assert sum(rial for _, rial in mine) == amount
        assert max(rial for _, rial in mine) <= amount * 2 // 5
    assert [file["rows"] for file in await month.files(run_id)] == [2, 2, 2]


@pytest.mark.req("H16")
async def test_a_part_that_came_back_goes_out_again_as_it_was_cut_and_alone(month, monkeypatch):
    [(award_id, _)] = (await month.paid_households()).items()
    run_id = await month.funded()
    amount = (await month.kept())[0]["amount_rial"]
    limited(monkeypatch, rial_per_instruction=amount * 2 // 5)
    await month.wholly_built(run_id)
    eye = month.desk.eye
    await eye.execute(
        "UPDATE livelihood.instruction SET state = CASE part WHEN 2 THEN 'returned' ELSE 'paid' END"
        " WHERE period = $1", month.as_number,
    )  # fmt: skip
    await eye.execute(
        "UPDATE livelihood.item SET state = 'returned' WHERE period = $1", month.as_number
    )
    await month.account(award_id, make.sheba("013"))
    later = month.next()
    limited(monkeypatch, rial_per_instruction=10**12)
    second = await later.built()
    again = [one for one in await later.instructions(second) if one["period"] == month.as_number]
    assert [(one["part"], one["attempt"], one["amount_rial"]) for one in again] == [
        (2, 2, amount * 2 // 5)
    ]
    assert (again[0]["bank_code"], again[0]["run_id"]) == ("013", UUID(run_id))
    assert [row["state"] for row in await month.kept()] == ["requeued"]


# Who is left out, and taken along later


@pytest.mark.req("H02", "H22")
async def test_nothing_goes_to_an_account_that_may_not_be_paid(month):
    alive, dead, unreachable, stranger, broken = await month.paid_households(5)
    run_id = await month.funded()
    await suspended(month, dead, "head_died", since=f"{month.year}-12")
    await suspended(month, unreachable, since=month.period)
    await month.account(stranger, make.sheba(), owner=UUID(int=1))
    await month.account(broken, make.sheba("999"))
    await month.wholly_built(run_id)
    kept = {row["award_id"]: (row["state"], row["reason"]) for row in await month.kept()}
    assert kept == {
        alive: ("queued", None),
        dead: ("held", "suspended"),
        unreachable: ("held", "suspended"),
        stranger: ("held", "account_missing"),
        broken: ("held", "bank_unknown"),
    }
    assert len(await month.instructions(run_id)) == 1


@pytest.mark.req("H17")
async def test_what_was_held_or_came_back_goes_with_the_next_month_once(month):
    held, came_back, mended = await month.paid_households(3)
    await suspended(month, held)
    first = await month.sent()
    await month.desk.eye.execute(
        "UPDATE livelihood.instruction SET state = 'returned', reason = 'AC04' WHERE period = $1",
        month.as_number,
    )
    await month.desk.eye.execute(
        "UPDATE livelihood.item SET state = 'returned', reason = 'AC04'"
        " WHERE period = $1 AND state = 'sent'",
        month.as_number,
    )
    await resumed(month, held)
    sheba = make.sheba("012")
    await month.account(mended, sheba)
    later = month.next()
    second = await later.built()
    assert len(await later.instructions(second)) == 2
    states = {row["award_id"]: row["state"] for row in await month.kept()}
    assert states == {held: "requeued", mended: "requeued", came_back: "returned"}
    attempts = {
        one["item_id"]: (one["attempt"], one["run_id"], one["period"])
        for one in await later.instructions(second)
    }
    of = {row["award_id"]: row["id"] for row in await month.kept()}
    assert attempts == {
        of[held]: (1, UUID(first), month.as_number),
        of[mended]: (2, UUID(first), month.as_number),
    }
    third = later.next()
    assert await third.instructions(await third.built()) == []


async def test_a_month_that_is_not_built_keeps_what_it_holds(month):
    [award_id] = await month.paid_households()
    await suspended(month, award_id)
    await month.funded()
    await resumed(month, award_id)
    later = month.next()
    assert await later.instructions(await later.built()) == []
    assert [row["state"] for row in await month.kept()] == ["held"]


# The file itself


FILE = ["GrpHdr", "PmtInf"]
HEAD = ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]
ORDER = [
    *("PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "ReqdExctnDt"),
    *("Dbtr", "DbtrAcct", "DbtrAgt", "CdtTrfTxInf"),
]
ROW = ["PmtId", "Amt", "CdtrAgt", "CdtrAcct", "RmtInf"]


def names(element):
    return [child.tag.removeprefix(NS) for child in element]


async def test_it_has_the_elements_of_the_schema_in_their_order(month, monkeypatch):
    limited(monkeypatch, payer_name='Relief & "Help" <IR>')
    await month.paid_households()
    run_id = await month.built()
    root = parsed(await text_of(month, run_id))
    assert root.tag == f"{NS}Document"
    assert names(root) == ["CstmrCdtTrfInitn"]
    assert names(root[0]) == FILE
    head, order = root[0]
    assert (names(head), names(order), names(order[-1])) == (HEAD, ORDER, ROW)
    assert head.findtext(f".//{NS}Nm") == 'Relief & "Help" <IR>'
    [file] = await month.files(run_id)
    assert head.findtext(f"{NS}MsgId") == UUID(file["file_id"]).hex
    assert order.findtext(f"{NS}PmtInfId") == UUID(run_id).hex
    assert order[-1].find(f".//{NS}InstdAmt").attrib == {"Ccy": "IRR"}
    assert all(len(text) <= 35 for text in root.itertext() if text.strip())


async def test_a_file_larger_than_what_is_fetched_at_a_time_is_read_whole(month, monkeypatch):
    monkeypatch.setattr(store, "AHEAD", 700)
    monkeypatch.setattr(building, "BATCH", 5)
    await month.paid_households(23)
    run_id = await month.built()
    content = await text_of(month, run_id)
    [file] = await month.files(run_id)
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert len(credits_in(content)) == 23


async def test_no_account_is_readable_where_files_are_kept(month):
    shebas = await month.paid_households(3)
    run_id = await month.built()
    place = await month.desk.eye.fetchval(
        "SELECT place FROM livelihood.bank_file WHERE run_id = $1", UUID(run_id)
    )
    kept = Path(month.desk.settings.data_dir / "documents" / place)
    sealed = await asyncio.to_thread(kept.read_bytes)
    content = await text_of(month, run_id)
    assert all(
        sheba.encode() in content and sheba.encode() not in sealed for sheba in shebas.values()
    )
    await asyncio.to_thread(kept.write_bytes, sealed[:-200])
    [file] = await month.files(run_id)
    with pytest.raises(SealBroken):
        list(store.read(month.desk.runtime, UUID(file["file_id"]), place, sha256=file["sha256"]))
