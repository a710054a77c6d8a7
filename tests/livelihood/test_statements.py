"""What banks answer, read: every version alike, in any pieces; what is malformed is only named."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.runs.errors import StatementMalformed, TooManyResults
from services.livelihood.runs.statements import messages, xml
from services.livelihood.runs.statements.messages import Statement
from services.livelihood.runs.statements.rows import Fault, Raw, Result, from_plain
from tests.livelihood.runs.statements import (
    BAD_ROWS,
    KNOWN,
    UNREADABLE,
    camt,
    entry,
    pain,
    tx,
)

MADE_AT = datetime(2026, 11, 22, 5, tzinfo=UTC)  # 08:30 in Tehran


def read(text, size=1 << 20):
    statement = Statement()
    raw = text.encode() if isinstance(text, str) else text
    for at in range(0, len(raw), size):
        statement.feed(raw[at : at + size])
    return statement.close()


def said(answers):
    return [(row.status, row.reason, row.bank_ref, row.amount_rial) for row in answers.results]


# What is read


@pytest.mark.parametrize("version", ["pain.002.001.03", "pain.002.001.10", "pain.002.001.15"])
def test_a_report_says_what_became_of_each_instruction(version):
    one, two, three = uuid4(), uuid4(), uuid4()
    answers = read(
        pain(
            tx(one, bank_ref="017/1", amount="1000000.00"),
            tx(two, "returned", reason="AC04", at="2026-11-22T10:00:00+03:30"),
            tx(three, "unknown"),
            version=version,
        )
    )
    assert answers.source == "pain.002"
    assert answers.faults == []
    assert answers.results == [
        Result(3, one, "paid", None, "017/1", 1_000_000, MADE_AT),
        Result(4, two, "returned", "AC04", "", None, datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        Result(5, three, "unknown", None, "", None, MADE_AT),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *(("ACSC", "paid"), ("ACCC", "paid"), ("RJCT", "returned"), ("CANC", "returned")),
        *((code, "unknown") for code in ("PDNG", "ACSP", "ACTC", "ACCP", "ACWC", "RCVD")),
    ],
)
def test_what_is_under_way_is_not_known_yet(code, status):
    assert [row.status for row in read(pain(tx(code=code))).results] == [status]


@pytest.mark.parametrize("version", ["camt.053.001.02", "camt.053.001.08", "camt.053.001.12"])
def test_a_statement_says_what_was_debited_and_what_came_back(version):
    one, two, three = uuid4(), uuid4(), uuid4()
    answers = read(
        camt(
            entry(one),
            entry(two, "returned", reason="AC01", bank_ref="B-2"),
            entry(three, "unknown", bank_ref="B-3"),
            version=version,
        )
    )
    assert answers.source == "camt.053"
    assert [row.reference for row in answers.results] == [one, two, three]
    assert said(answers) == [
        ("paid", None, "B-1", 1_000_000),
        ("returned", "AC01", "B-2", 1_000_000),
        ("unknown", None, "B-3", 1_000_000),
    ]
    assert {row.at for row in answers.results} == {datetime(2026, 11, 21, 20, 30, tzinfo=UTC)}


def test_one_booking_may_stand_for_many_payments():
    two = entry(amount=5_000).replace("</Ntry>", "").replace("</NtryDtls>", "")
    more = (
        f"<TxDtls><Refs><EndToEndId>{uuid4()}</EndToEndId><AcctSvcrRef>B-9</AcctSvcrRef></Refs>"
        f'<AmtDtls><TxAmt><Amt Ccy="IRR">3000</Amt></TxAmt></AmtDtls>'
        f"<CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls></Ntry>"
    )
    answers = read(camt(two + more))
    assert said(answers) == [("paid", None, "B-1", 5_000), ("returned", None, "B-9", 3_000)]


def test_what_a_bank_adds_of_its_own_changes_nothing():
    extra = '<SplmtryData xmlns="urn:bank"><TxSts>RJCT</TxSts></SplmtryData>'
    row = tx(reason="AC04", status="returned").replace("</TxInfAndSts>", extra + "</TxInfAndSts>")
    assert said(read(pain(extra, row))) == [("returned", "AC04", "", None)]
    prefixed = pain(row).replace('xmlns="urn:iso', 'xmlns:p="urn:iso')
    for name in ("Document", "CstmrPmtStsRpt", "OrgnlPmtInfAndSts", "TxInfAndSts"):
        prefixed = prefixed.replace(f"<{name}", f"<p:{name}").replace(f"</{name}", f"</p:{name}")
    with pytest.raises(StatementMalformed):  # the leaves have no namespace: nothing is said
        read(prefixed.replace("<p:TxInfAndSts", "<q").replace("</p:TxInfAndSts", "</q"))


@given(size=st.integers(1, 90))
def test_in_whatever_pieces_it_comes(size):
    text = pain(*(tx(status=one, amount="7") for one in ("paid", "returned", "unknown")))
    assert read(text, size) == read(text)


def test_a_row_of_the_plain_form_is_read_like_the_others():
    rows = [
        Raw(1, str(KNOWN), "paid", bank_ref="B-1", at="2026-11-22T05:00:00Z"),
        Raw(2, str(KNOWN), "gone"),
        Raw(3, None, "paid"),
    ]
    answers = from_plain(rows)
    assert answers.results == [Result(1, KNOWN, "paid", None, "B-1", None, MADE_AT)]
    assert answers.faults == [Fault(2, "unknown_status"), Fault(3, "no_reference")]


# What is not


def test_there_are_at_least_sixty_malformed_shapes():
    assert len(UNREADABLE) + len(BAD_ROWS) >= 60


@pytest.mark.parametrize("shape", UNREADABLE)
@pytest.mark.parametrize("size", [1 << 20, 7_919], ids=["whole", "in pieces"])
def test_what_is_no_statement_is_refused_whole(shape, size):
    with pytest.raises(StatementMalformed) as refused:
        read(UNREADABLE[shape], size)
    assert "canary" not in repr(vars(refused.value))


@pytest.mark.parametrize("shape", BAD_ROWS)
def test_a_bad_row_is_a_fault_of_its_line_and_keeps_no_other_out(shape):
    row, code = BAD_ROWS[shape]
    one, two = uuid4(), uuid4()
    answers = read(pain(tx(one), row, tx(two)))
    assert answers.faults == [Fault(4, code)]
    assert [found.reference for found in answers.results] == [one, two]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("<Cd>BOOK</Cd>", "<Cd>INFO</Cd>"), "unknown_status"),
        (("<Sts><Cd>BOOK</Cd></Sts>", ""), "no_status"),
        (("<CdtDbtInd>DBIT</CdtDbtInd>", ""), "no_status"),
        (("DBIT", "BOTH"), "unknown_status"),
        (("<CdtDbtInd>", "<CdtDbtInd>DBIT</CdtDbtInd><CdtDbtInd>"), "repeated_field"),
        (("</Refs>", '</Refs><Amt Ccy="IRR">1</Amt>'), "repeated_field"),
        (("<Dt>2026-11-22</Dt>", "<Dt>1405-09-01</Dt>"), "invalid_at"),
        (("<NtryDtls><TxDtls>", "<NtryDtls/><x><x>"), "no_reference"),
    ],
)  # fmt: skip
def test_a_booking_that_says_nothing_certain_is_a_fault(change, code):
    bad = entry().replace(*change)
    if "<x>" in bad:
        bad = bad.replace("</TxDtls></NtryDtls>", "</x></x>")
    answers = read(camt(entry(), bad, entry()))
    assert answers.faults == [Fault(4, code)]
    assert len(answers.results) == 2


@given(st.binary(max_size=300), st.integers(0, 900))
def test_whatever_bytes_come_reading_ends_in_an_answer_or_a_refusal(noise, at):
    text = pain(tx(), tx(status="returned")).encode()
    try:
        answers = read(text[:at] + noise + text[at:])
    except (StatementMalformed, TooManyResults):
        return
    assert len(answers) >= 1


def test_an_answer_has_a_bound(monkeypatch):
    monkeypatch.setattr(messages, "MAX_ROWS", 3)
    assert len(read(pain(*[tx()] * 3))) == 3
    assert len(read(camt(*[entry()] * 3))) == 3
    for text in (pain(*[tx()] * 4), camt(*[entry()] * 4)):
        with pytest.raises(TooManyResults):
            read(text)


def test_a_document_has_a_bound(monkeypatch):
    monkeypatch.setattr(xml, "MAX_BYTES", 5_000)
    read(pain(tx()) + " " * 1_000)
    with pytest.raises(StatementMalformed):
        read(pain(tx()) + " " * 5_000)
