"""pain.002 and camt.053: which of their elements say what became of a payment.

pain.002 reports the instructions of a file one by one; camt.053 is the account's statement, where a
payment is a booked debit and its return a credit. Every version of both is read alike.
"""

from typing import ClassVar

from services.livelihood.runs.errors import StatementMalformed, TooManyResults
from services.livelihood.runs.statements.rows import Answers, Raw, Source
from services.livelihood.runs.statements.xml import Begin, End, Path, Reader

MAX_ROWS = 10_000
"""So many are judged and booked in one transaction within its time; a longer answer comes in parts.
"""

# ExternalPaymentTransactionStatus1Code: what is still under way is not known yet, as pending is.
_SETTLED = dict.fromkeys(("ACSC", "ACCC"), "paid")
_REFUSED = dict.fromkeys(("RJCT", "CANC"), "returned")
_UNDER_WAY = dict.fromkeys(("PDNG", "ACSP", "ACTC", "ACCP", "ACWC", "RCVD"), "unknown")
STATUS = _SETTLED | _REFUSED | _UNDER_WAY
_REASON = frozenset({("Rsn", "Cd"), ("Rsn", "Prtry")})


class Statement:
    """Reads an answer as its bytes come. Raises StatementMalformed, TooManyResults."""

    def __init__(self) -> None:
        self._message: _Report | _Account | None = None
        self._reader = Reader(self._start)

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        self._reader.feed(chunk)

    def close(self) -> Answers:
        """Everything that it said; an answer that says nothing is none."""
        self._reader.close()
        if self._message is None or not self._message.answers:
            raise StatementMalformed
        return self._message.answers

    def _start(self, kind: str) -> tuple[Begin, End]:
        self._message = _Report() if kind == "pain.002" else _Account()
        return self._message.begin, self._message.end


class _Message:
    """Rows as their elements end."""

    source: Source

    def __init__(self) -> None:
        self.answers = Answers(self.source)

    def take(self, row: Raw) -> None:
        if len(self.answers) >= MAX_ROWS:
            raise TooManyResults(most=MAX_ROWS)
        self.answers.add(row)


def _once(row: Raw, name: str, text: str) -> None:
    """Said twice, nobody knows which one is meant."""
    if getattr(row, name) is not None:
        row.wrong = "repeated_field"
    setattr(row, name, text)


class _Report(_Message):
    """pain.002: CstmrPmtStsRpt / OrgnlPmtInfAndSts / TxInfAndSts."""

    source = "pain.002"
    row_at: Path = ("CstmrPmtStsRpt", "OrgnlPmtInfAndSts", "TxInfAndSts")
    fields: ClassVar[dict[Path, str]] = {
        ("OrgnlEndToEndId",): "reference",
        ("TxSts",): "said",
        ("AcctSvcrRef",): "bank_ref",
        ("AccptncDtTm",): "at",
    }

    def __init__(self) -> None:
        super().__init__()
        self._row: Raw | None = None
        self._made_at: str | None = None

    def begin(self, path: Path, line: int) -> None:
        if path == self.row_at:
            self._row = Raw(line)

    def end(self, path: Path, text: str, currency: str | None) -> None:
        row, depth = self._row, len(self.row_at)
        if path == ("CstmrPmtStsRpt", "GrpHdr", "CreDtTm"):
            self._made_at = text
        if row is None:
            return
        if path == self.row_at:
            self._row = None
            row.at = row.at or self._made_at
            if row.said:
                row.said = STATUS.get(row.said, "?")
            self.take(row)
            return
        within = path[depth:]
        if within in self.fields:
            _once(row, self.fields[within], text)
        elif within[:1] == ("StsRsnInf",) and within[1:] in _REASON:
            row.reason = row.reason or text  # several may be given: the first is the bank's own
        elif within == ("OrgnlTxRef", "Amt", "InstdAmt"):
            _once(row, "amount", text)
            row.currency = currency


class _Account(_Message):
    """camt.053: BkToCstmrStmt / Stmt / Ntry, and its NtryDtls / TxDtls."""

    source = "camt.053"
    entry_at: Path = ("BkToCstmrStmt", "Stmt", "Ntry")
    row_at: Path = (*entry_at, "NtryDtls", "TxDtls")
    fields: ClassVar[dict[Path, str]] = {
        ("Refs", "EndToEndId"): "reference",
        ("Refs", "AcctSvcrRef"): "bank_ref",
    }
    entry_fields: ClassVar[dict[Path, str]] = {
        ("Amt",): "amount",
        ("CdtDbtInd",): "side",
        ("Sts",): "booked",
        ("Sts", "Cd"): "booked",
        ("BookgDt", "Dt"): "at",
        ("BookgDt", "DtTm"): "at",
        ("AcctSvcrRef",): "bank_ref",
    }

    def __init__(self) -> None:
        super().__init__()
        self._entry: dict[str, str] = {}
        self._entry_line = 0
        self._rows: list[tuple[Raw, str | None]] = []
        self._row: Raw | None = None
        self._side: str | None = None

    def begin(self, path: Path, line: int) -> None:
        if path == self.entry_at:
            self._entry, self._rows, self._entry_line = {}, [], line
        elif path == self.row_at:
            self._row, self._side = Raw(line), None

    def end(self, path: Path, text: str, currency: str | None) -> None:
        if path == self.entry_at:
            self._close_entry()
        elif path == self.row_at and self._row is not None:
            self._rows.append((self._row, self._side))
            self._row = None
            if len(self._rows) > MAX_ROWS:
                raise TooManyResults(most=MAX_ROWS)
        elif self._row is not None:
            self._within_row(path[len(self.row_at) :], text, currency)
        elif path[: len(self.entry_at)] == self.entry_at:
            self._within_entry(path[len(self.entry_at) :], text, currency)

    def _within_row(self, within: Path, text: str, currency: str | None) -> None:
        row = self._row
        if row is None:
            return
        if within in self.fields:
            _once(row, self.fields[within], text)
        elif within in {("Amt",), ("AmtDtls", "TxAmt", "Amt")}:
            if row.amount is None:  # the newer versions may say it in both places
                row.amount, row.currency = text, currency
            elif (row.amount, row.currency) != (text, currency):
                row.wrong = "repeated_field"
        elif within == ("CdtDbtInd",):
            self._side = text
        elif within[:1] == ("RtrInf",) and within[1:] in _REASON:
            row.reason = row.reason or text

    def _within_entry(self, within: Path, text: str, currency: str | None) -> None:
        name = self.entry_fields.get(within)
        if name is None or (name == "booked" and not text):
            return
        if name in self._entry:
            name = "twice"
        self._entry[name] = text
        if name == "amount":
            self._entry["currency"] = currency or ""

    def _close_entry(self) -> None:
        entry = self._entry
        for row, side in self._rows or [(Raw(self._entry_line), None)]:
            if "twice" in entry:
                row.wrong = "repeated_field"
            row.said = _booked(entry.get("booked"), side or entry.get("side"), row.reason)
            row.at = entry.get("at")
            if row.bank_ref is None:
                row.bank_ref = entry.get("bank_ref")
            if row.amount is None and len(self._rows) == 1:
                row.amount, row.currency = entry.get("amount"), entry.get("currency")
            self.take(row)


def _booked(status: str | None, side: str | None, reason: str | None) -> str | None:
    """What a booking says: a debit is a payment made, a credit one that came back."""
    if status is None or side is None:
        return None
    if status == "PDNG":
        return "unknown"
    if status != "BOOK":
        return "?"
    if side == "DBIT" and reason is None:
        return "paid"
    return "returned" if side == "CRDT" else "?"
