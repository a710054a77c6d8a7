"""Payment files: who is in which, to the Rial, by whom they are built, the same however often."""

import hashlib
import xml.etree.ElementTree as ET
from itertools import count

import pytest

from tests.livelihood.runs.month import Month

_YEARS = count(1420)
NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.03}"


@pytest.fixture
async def month(desk):
    """A month of the years that are kept for files; its rates are the last that are known."""
    made = Month(desk, next(_YEARS))
    await made.budget(10**15)
    return made


async def text_of(month, run_id, number=1):
    answer = await month.sender.get(f"/runs/{run_id}/payment-file", number=number)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/xml"
    return answer.content


def credits_in(content):
    """Reference, Rials and account of every credit."""
    return [
        (
            row.findtext(f".//{NS}EndToEndId"),
            int(row.findtext(f".//{NS}InstdAmt")),
            row.findtext(f"{NS}CdtrAcct/{NS}Id/{NS}IBAN"),
        )
        for row in ET.fromstring(content).iter(f"{NS}CdtTrfTxInf")
    ]


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
