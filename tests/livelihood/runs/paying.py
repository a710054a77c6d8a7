"""Months of the years that are kept for payment files, and what is read from such a file."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import count

from services.livelihood.runs import queries
from tests.livelihood.runs.month import Month

NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.03}"
_QUARTERS = count()
FIRST_YEAR = 1420


async def a_paid_month(desk) -> Month:
    """The first month of a quarter with a large budget; its rates are the last that are known."""
    years, quarter = divmod(next(_QUARTERS), 4)
    assert years < 10, "more tests than there are years kept for them"
    made = Month(desk, FIRST_YEAR + years, number=1 + 3 * quarter)
    if quarter == 0:
        await made.budget(10**16)
    return made


async def text_of(month, run_id, number=1):
    answer = await month.sender.get(f"/runs/{run_id}/payment-file", number=number)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/xml"
    return answer.content


def parsed(content):
    return ET.fromstring(content)  # noqa: S314 - of our own making


def credits_in(content):
    """Reference, Rials and account of every credit."""
    return [
        (
            row.findtext(f".//{NS}EndToEndId"),
            int(row.findtext(f".//{NS}InstdAmt")),
            row.findtext(f"{NS}CdtrAcct/{NS}Id/{NS}IBAN"),
        )
        for row in parsed(content).iter(f"{NS}CdtTrfTxInf")
    ]


def limited(monkeypatch, **limits):
    """As if policy had other limits, or another payer."""
    known = queries.terms_on

    async def terms_on(tx, day):
        return replace(await known(tx, day), **limits)

    monkeypatch.setattr(queries, "terms_on", terms_on)


async def suspended(month, award_id, ground="unreachable", since=None):
    await month.desk.eye.execute(
        "UPDATE livelihood.award SET status = 'suspended', ground = $2, held_from_period = $3"
        " WHERE id = $1",
        *(award_id, ground, since),
    )


async def resumed(month, award_id):
    await month.desk.eye.execute(
        "UPDATE livelihood.award SET status = 'active', ground = NULL, held_from_period = NULL"
        " WHERE id = $1",
        award_id,
    )
