"""Answers of a bank as tests write them, and sixty shapes that are none."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

SPACE = "urn:iso:std:iso:20022:tech:xsd:"
KNOWN = UUID("0199a0c0-7b1e-5c3d-8f00-0123456789ab")
PAIN = {"paid": "ACSC", "returned": "RJCT", "unknown": "PDNG"}


def tx(reference: object = KNOWN, status: str = "paid", **more: Any) -> str:
    """One TxInfAndSts; None leaves a part out."""
    said = {"code": PAIN.get(status, status), "reason": None, "bank_ref": None, "at": None}
    said |= {"amount": None, "currency": "IRR"} | more
    parts = [f"<OrgnlEndToEndId>{reference}</OrgnlEndToEndId>" if reference is not None else ""]
    parts += [f"<TxSts>{said['code']}</TxSts>" if said["code"] is not None else ""]
    if said["reason"]:
        parts += [f"<StsRsnInf><Rsn><Cd>{said['reason']}</Cd></Rsn></StsRsnInf>"]
    if said["at"]:
        parts += [f"<AccptncDtTm>{said['at']}</AccptncDtTm>"]
    if said["bank_ref"] is not None:
        parts += [f"<AcctSvcrRef>{said['bank_ref']}</AcctSvcrRef>"]
    if said["amount"] is not None:
        money = f'<InstdAmt Ccy="{said["currency"]}">{said["amount"]}</InstdAmt>'
        parts += [f"<OrgnlTxRef><Amt>{money}</Amt></OrgnlTxRef>"]
    return f"<TxInfAndSts>{''.join(parts)}</TxInfAndSts>"


def pain(*rows: str, version: str = "pain.002.001.10", head: str = "") -> str:
    """A whole pain.002."""
    lines = "\n".join(rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<Document xmlns="{SPACE}{version}">'
        f"<CstmrPmtStsRpt><GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-22T08:30:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>F-1</OrgnlMsgId></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>P-1</OrgnlPmtInfId>\n{lines}\n"
        f"</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )


def entry(reference: object = KNOWN, status: str = "paid", **more: Any) -> str:
    """One Ntry with one TxDtls."""
    said = {"amount": 1_000_000, "currency": "IRR", "bank_ref": "B-1", "reason": None} | more
    side = {"paid": "DBIT", "returned": "CRDT", "unknown": "DBIT"}[status]
    booked = "PDNG" if status == "unknown" else "BOOK"
    refs = f"<EndToEndId>{reference}</EndToEndId>" if reference is not None else ""
    reason = said["reason"]
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    money = f'<Amt Ccy="{said["currency"]}">{said["amount"]}</Amt>'
    return (
        f"<Ntry>{money}<CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>{booked}</Cd></Sts>"
        f"<BookgDt><Dt>2026-11-22</Dt></BookgDt><AcctSvcrRef>{said['bank_ref']}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Refs>{refs}</Refs>{money}{back}</TxDtls></NtryDtls></Ntry>"
    )


def camt(*entries: str, version: str = "camt.053.001.08") -> str:
    """A whole camt.053."""
    lines = "\n".join(entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{SPACE}{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId></GrpHdr><Stmt><Id>S-1</Id>\n{lines}\n"
        f"</Stmt></BkToCstmrStmt></Document>"
    )


def plain(rows: Iterable[tuple[object, str]], **more: Any) -> dict[str, Any]:
    """The JSON form."""
    return {"results": [{"reference": str(r), "status": status} | more for r, status in rows]}


_BOMB = (
    '<!DOCTYPE x [<!ENTITY a "canary"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
)
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'
_GOOD = pain(tx())

# What is no statement at all, with a good row in it wherever there can be one: refused whole.
UNREADABLE: Mapping[str, bytes] = {
    "nothing": b"",
    "only spaces": b"   \n\n ",
    "a word": b"canary",
    "json": b'{"results": []}',
    "a declaration alone": b'<?xml version="1.0"?>',
    "cut in a row": _GOOD.encode()[: _GOOD.index("<TxSts>") + 3],
    "cut at the end": _GOOD.encode()[:-12],
    "text behind the end": _GOOD.encode() + b"canary",
    "a second document": _GOOD.encode() + _GOOD.encode()[39:],
    "crossed elements": pain("<TxInfAndSts><TxSts>ACSC</TxInfAndSts></TxSts>", tx()).encode(),
    "an attribute twice": pain(tx(amount=1, currency='IRR" Ccy="IRR')).encode(),
    "an attribute without quotes": _GOOD.replace("<TxSts>", "<TxSts a=b>").encode(),
    "an unknown entity": pain(tx(reason="&canary;")).encode(),
    "a document type": pain(tx(), head="<!DOCTYPE Document>\n").encode(),
    "entities in entities": pain(tx(reason="&c;"), head=_BOMB).encode(),
    "a file as an entity": pain(tx(reason="&a;"), head=_OUTSIDE).encode(),
    "a type from elsewhere": pain(
        tx(), head='<!DOCTYPE x SYSTEM "http://localhost/x.dtd">\n'
    ).encode(),
    "a processing instruction": pain(tx(), head='<?xml-stylesheet href="x"?>\n').encode(),
    "utf-16": _GOOD.replace("UTF-8", "UTF-16").encode("utf-16"),
    "another encoding declared": _GOOD.replace("UTF-8", "ISO-8859-1").encode(),
    "no utf-8": _GOOD.encode().replace(b"M-1", b"M-\xff"),
    "a lone surrogate": _GOOD.encode().replace(b"M-1", b"M-\xed\xa0\x80"),
    "a nul": _GOOD.encode().replace(b"M-1", b"M-\x00"),
    "a control character": _GOOD.encode().replace(b"M-1", b"M-\x07"),
    "a control character by number": _GOOD.encode().replace(b"M-1", b"M-&#7;"),
    "another message": pain(tx(), version="pacs.008.001.08").encode(),
    "our own message": pain(tx(), version="pain.001.001.09").encode(),
    "a message of no version": pain(tx(), version="pain.002").encode(),
    "a namespace of somebody": _GOOD.replace(SPACE, "http://canary/").encode(),
    "no namespace": _GOOD.replace(f' xmlns="{SPACE}pain.002.001.10"', "").encode(),
    "another root": _GOOD.replace("Document", "Canary").encode(),
    "a page": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "no rows": pain().encode(),
    "rows of another message": camt(tx()).encode(),
    "rows of another namespace": pain(f'<x xmlns="canary">{tx()}</x>').encode(),
    "too deep": pain("<a>" * 60 + "</a>" * 60, tx()).encode(),
    "too deep elsewhere": pain('<a xmlns="x">' + "<a>" * 60 + "</a>" * 61, tx()).encode(),
    "an endless name": pain(f"<{'a' * 600_000}/>", tx()).encode(),
    "an endless attribute": pain(f'<a b="{"c" * 600_000}"/>', tx()).encode(),
    "an endless comment": pain(f"<!--{'c' * 600_000}-->", tx()).encode(),
}  # fmt: skip

# Rows that cannot be read or booked, each between two good ones: what is said of their line.
BAD_ROWS: Mapping[str, tuple[str, str]] = {
    "nothing in it": ("<TxInfAndSts/>", "no_reference"),
    "no reference": (tx(None), "no_reference"),
    "an empty reference": (tx(""), "no_reference"),
    "no reference provided": (tx("NOTPROVIDED"), "unknown_reference"),
    "a long reference": (tx("canary" * 2_000), "unknown_reference"),
    "a reference in braces": (tx(f"{{{KNOWN}}}"), "unknown_reference"),
    "a reference in Persian digits": (tx("۰۱۹۹a0c0-7b1e-5c3d-8f00-0123456789ab"),
                                      "unknown_reference"),
    "a reference twice": (tx(f"{KNOWN}</OrgnlEndToEndId><OrgnlEndToEndId>{KNOWN}"),
                          "repeated_field"),
    "no status": (tx(code=None), "no_status"),
    "an empty status": (tx(code=""), "no_status"),
    "a strange status": (tx(code="CANARY"), "unknown_status"),
    "a status in small letters": (tx(code="acsc"), "unknown_status"),
    "two statuses": (tx(code="ACSC</TxSts><TxSts>RJCT"), "repeated_field"),
    "a reason with spaces": (tx(status="returned", reason="canary of a bank"), "invalid_reason"),
    "an endless reason": (tx(status="returned", reason="c" * 9_000), "invalid_reason"),
    "a reason that is markup": (tx(status="returned", reason="&lt;b&gt;"), "invalid_reason"),
    "a trace with a quote": (tx(bank_ref="canary' OR 1=1"), "invalid_bank_ref"),
    "an empty trace": (tx(bank_ref=""), "invalid_bank_ref"),
    "half a Rial": (tx(amount="1000000.5"), "invalid_amount"),
    "an amount below nothing": (tx(amount="-1000000"), "invalid_amount"),
    "an amount of nothing": (tx(amount="0"), "invalid_amount"),
    "an amount with commas": (tx(amount="1,000,000"), "invalid_amount"),
    "an amount in a power": (tx(amount="1E6"), "invalid_amount"),
    "an amount that is none": (tx(amount="NaN"), "invalid_amount"),
    "more than there is": (tx(amount="9" * 30), "invalid_amount"),
    "an amount in Persian digits": (tx(amount="۱۰۰۰۰۰۰"), "invalid_amount"),
    "another currency": (tx(amount="1000000", currency="USD"), "other_currency"),
    "Toman": (tx(amount="100000", currency="IRT"), "other_currency"),
    "a day that is none": (tx(at="2026-02-30T08:00:00"), "invalid_at"),
    "a Jalali day": (tx(at="1405-08-31T08:00:00Z"), "invalid_at"),
    "a time in words": (tx(at="canary"), "invalid_at"),
}  # fmt: skip
