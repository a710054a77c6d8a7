"""A payment file as banks take it: ISO 20022 pain.001.001.03, one debit for many credits.

Written as text, batch by batch: a tree of a million rows would not fit, and is ten times slower.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from shared.values.identifiers import parse_sheba

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{namespace}">
<CstmrCdtTrfInitn>
<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{made_at}</CreDtTm><NbOfTxs>{rows}</NbOfTxs>\
<CtrlSum>{amount}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>{run}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>\
<NbOfTxs>{rows}</NbOfTxs><CtrlSum>{amount}</CtrlSum><ReqdExctnDt>{execute_on}</ReqdExctnDt>\
<Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>{sheba}</IBAN></Id></DbtrAcct>\
<DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>{payer_bank}</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>
"""
_ROW = """<CdtTrfTxInf><PmtId><EndToEndId>%s</EndToEndId></PmtId>\
<Amt><InstdAmt Ccy="IRR">%d</InstdAmt></Amt>\
<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{bank}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>\
<CdtrAcct><Id><IBAN>%s</IBAN></Id></CdtrAcct><RmtInf><Ustrd>%s</Ustrd></RmtInf></CdtTrfTxInf>
"""
_TAIL = b"</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n"


class Row(NamedTuple):
    """One credit: its end-to-end reference, Rials, account, and the month it is for."""

    reference: str
    amount_rial: int
    sheba: str
    month: str


@dataclass(frozen=True, slots=True)
class Order:
    """What stands above the rows. The run is named, so that a bank can answer to it."""

    file_id: UUID
    run_id: UUID
    bank_code: str
    rows: int
    amount_rial: int
    made_at: datetime
    execute_on: date
    payer_name: str
    payer_sheba: str

    def head(self) -> bytes:
        """Everything before the first row. A reference has 35 characters: ids go without dashes."""
        return _HEAD.format(
            namespace=NAMESPACE,
            message=self.file_id.hex,
            run=self.run_id.hex,
            made_at=self.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            rows=self.rows,
            amount=self.amount_rial,
            name=escape(self.payer_name),
            execute_on=self.execute_on.isoformat(),
            sheba=parse_sheba(self.payer_sheba),
            payer_bank=self.payer_sheba[4:7],
        ).encode()

    def body(self, rows: Iterable[Row]) -> bytes:
        """Some of the rows. Their values are ours: hex, digits and a parsed Sheba."""
        line = _ROW.format(bank=escape(self.bank_code))
        return "".join([line % row for row in rows]).encode()

    def tail(self) -> bytes:
        """Everything after the last row."""
        return _TAIL
