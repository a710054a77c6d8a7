"""What the banks have: files by their message id, transfers by their end-to-end reference.

Held in memory and read back from the bank's journal at start; the journal is the witness.
"""

import hashlib
import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.sandbox.desk import PartyRefusal
from deploy.sandbox.lines import Line, Lines, timestamp

NS: Final = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.03}"
RETURN_REASONS: Final = ("AC04", "AC06", "BE01")  # closed, blocked, holder differs


@dataclass(slots=True)
class Transfer:
    """One credit as its bank has it; `ref` is the bank's own trace of its latest state."""

    reference: str
    file_id: str
    sheba: str
    amount_rial: int
    state: str = "accepted"
    reason: str | None = None
    ref: str = ""
    at: str = ""

    def shown(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "file_id": self.file_id,
            "sheba": self.sheba,
            "amount_rial": self.amount_rial,
            "status": self.state,
            "reason": self.reason,
            "bank_ref": self.ref or None,
            "at": self.at or None,
        }


@dataclass(slots=True)
class File:
    """A file that has been taken."""

    file_id: str
    bank: str
    run_id: str
    rows: int
    amount_rial: int
    sha256: str
    bank_ref: str
    at: str
    transfers: list[Transfer] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        names = ("file_id", "bank", "run_id", "rows", "amount_rial", "sha256", "bank_ref", "at")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it was handed in: what its own words say, not yet believed."""

    message_id: str
    bank: str
    content: bytes


class Books:
    """Every file once by its message id, for ever; every transfer in exactly one file."""

    def __init__(self, journal: Lines) -> None:
        self._journal = journal
        self.files: dict[str, File] = {}
        self.transfers: dict[str, Transfer] = {}
        for line in journal.read():
            self._replay(line)

    def take(self, given: Given) -> dict[str, Any]:
        """Take a file, or repeat the answer to it. Raises PartyRefusal."""
        sha256 = hashlib.sha256(given.content).hexdigest()
        known = self.files.get(given.message_id)
        if known is not None:
            if known.sha256 != sha256:
                raise PartyRefusal(422, 409, "permanent", "another file has this message id")
            self._journal.note(line="repeat", reference=given.message_id)
            return answer_of(known)
        try:
            file = _read(given, sha256)
        except (ET.ParseError, ValueError, AttributeError, TypeError):
            raise PartyRefusal(422, 400, "permanent", "no pain.001 file that holds") from None
        if not self.transfers.keys().isdisjoint(one.reference for one in file.transfers):
            raise PartyRefusal(422, 410, "permanent", "a reference has been used before")
        transfers = [[t.reference, t.sheba, t.amount_rial] for t in file.transfers]
        self._journal.note(
            line="effect", reference=file.file_id, file=file.shown(), transfers=transfers
        )
        self._keep(file)
        return answer_of(file)

    def settle(self, file: File, *, returned: float, unknown: float, late: float) -> list[Transfer]:
        """Decide what has not been decided (and with `late`, give back some that were paid)."""
        settled = []
        for transfer in file.transfers:
            chance = random.random()
            if transfer.state in {"accepted", "unknown"}:
                open_ = transfer.state == "accepted"
                to = "returned" if chance < returned else "paid"
                if open_ and returned <= chance < returned + unknown:
                    to = "unknown"
            elif transfer.state == "paid" and chance < late:
                to = "returned"
            else:
                continue
            self._move(transfer, to, random.choice(RETURN_REASONS) if to == "returned" else None)
            settled.append(transfer)
        return settled

    def _move(self, transfer: Transfer, state: str, reason: str | None) -> None:
        ref = f"{transfer.reference[:12]}-{state}"
        line = self._journal.note(
            line="settled", reference=transfer.reference, state=state, reason=reason, ref=ref
        )
        self._replay(line)

    def _replay(self, line: Line) -> None:
        if line["line"] == "effect":
            file = File(**line["file"])
            file.transfers = [Transfer(row[0], file.file_id, *row[1:]) for row in line["transfers"]]
            self._keep(file)
        elif line["line"] == "settled":
            transfer = self.transfers[line["reference"]]
            transfer.state, transfer.reason = line["state"], line["reason"]
            transfer.ref, transfer.at = line["ref"], line["at"]

    def _keep(self, file: File) -> None:
        self.files[file.file_id] = file
        self.transfers |= {one.reference: one for one in file.transfers}


def answer_of(file: File) -> dict[str, Any]:
    """What the bank says of a file that it has."""
    return {
        "status": "accepted",
        "messageId": file.file_id,
        "bankRef": file.bank_ref,
        "rows": file.rows,
        "amountRial": file.amount_rial,
        "sha256": file.sha256,
    }


def _read(given: Given, sha256: str) -> File:
    """Read a file and believe it only if its count and sum are those of its rows."""
    root = ET.fromstring(given.content)  # noqa: S314 expat here refuses entities that blow up
    head, order = root.find(f".//{NS}GrpHdr"), root.find(f".//{NS}PmtInf")
    file = File(
        file_id=_text(head, "MsgId"),
        bank=given.bank,
        run_id=_text(order, "PmtInfId"),
        rows=int(_text(head, "NbOfTxs")),
        amount_rial=int(_text(head, "CtrlSum")),
        sha256=sha256,
        bank_ref=f"{given.bank}-{given.message_id[:12]}",
        at=timestamp(),
    )
    file.transfers = list(_transfers(order, file))
    count, total = len(file.transfers), sum(one.amount_rial for one in file.transfers)
    if (file.file_id, file.rows, file.amount_rial) != (given.message_id, count, total):
        raise ValueError("not what it says")
    if len({one.reference for one in file.transfers}) != count:
        raise ValueError("a reference twice")
    return file


def _transfers(order: ET.Element | None, file: File) -> Iterator[Transfer]:
    if order is None:
        raise ValueError("PmtInf")
    for row in order.iter(f"{NS}CdtTrfTxInf"):
        yield Transfer(
            reference=_text(row, "EndToEndId"),
            file_id=file.file_id,
            sheba=_text(row.find(f"{NS}CdtrAcct"), "IBAN"),
            amount_rial=int(_text(row, "InstdAmt")),
        )


def _text(element: ET.Element | None, name: str) -> str:
    found = None if element is None else element.findtext(f".//{NS}{name}")
    if not found:
        raise ValueError(name)
    return found
