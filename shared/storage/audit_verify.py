"""Verifies the audit: `python -m shared.storage.audit_verify --dsn … --anchors … --keys …`.

A program apart from the services: it only reads, with a connection of its own, and trusts neither
them nor the database, but the public keys it is given. Exit: 0 clean, 1 tampered, 2 nothing seen.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.storage.audit_chain import (
    LATE,
    Anchor,
    AnchorForged,
    genesis,
    instant,
    made_at,
    parse,
    public_key,
    smallest_id,
)

AT_A_TIME = 5_000
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of tampering. `kind` is a stable word, `seq` and `audit_id` say where."""

    kind: str
    said: str
    seq: int | None = None
    audit_id: UUID | None = None


@dataclass(slots=True)
class Report:
    """What was found in the audit of one service; `notes` are facts that accuse nobody."""

    service: str
    links: int = 0
    anchors: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def find(
        self, kind: str, said: str, *, seq: int | None = None, audit_id: UUID | None = None
    ) -> None:
        """Count a finding, and keep the first hundred."""
        self.kinds[kind] += 1
        if len(self.findings) < SHOWN:
            self.findings.append(Finding(kind, said, seq, audit_id))


async def verify(
    connection: asyncpg.Connection, service: str, *, anchors: Path, key: Ed25519PublicKey
) -> Report:
    """Check every entry, every link and every signed head of one service.

    Kinds of findings: `changed` (an entry, or its place in the chain), `misplaced` (an entry that
    speaks of another id, time or service), `missing` (a link without entry), `gap` (links cut out),
    `rewritten` (the chain is not the one that was signed), `behind` (it ends before the last signed
    head: its tail was cut or an older backup restored), `forked` (two heads were signed for one
    place), `forged` (a line not signed by the service), `inserted` (an entry that came after its
    time and is in no link), `unsigned` (links, but not one signed head).
    """
    started = time.perf_counter()
    report = Report(service)
    # The heads are read first: whatever they tell was in the database before its snapshot is taken.
    heads = await asyncio.to_thread(_heads, anchors / f"{service}.jsonl", key, report)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SELECT set_config('statement_timeout', '0', true)")
        last = await _walk(connection, service, heads, report)
        await _loose(connection, service, last, report)
    report.seconds = time.perf_counter() - started
    return report


def _heads(path: Path, key: Ed25519PublicKey, report: Report) -> dict[int, Anchor]:
    """Return the signed heads by their place in the chain."""
    heads: dict[int, Anchor] = {}
    for number, line in _lines(path):
        try:
            head = parse(line, key=key)
        except AnchorForged:
            head = None
            report.find("forged", f"line {number} of {path.name} is not signed by the service")
        if head is None:
            continue
        report.anchors += 1
        if head.service != report.service:
            report.find("forged", f"line {number} of {path.name} speaks for {head.service}")
            continue
        if head.accepted is not None:
            aside = [seq for seq in heads if seq > head.seq]
            for seq in aside:
                del heads[seq]
            report.notes.append(
                f"a restored chain was accepted at link {head.seq} on {instant(head.at)}, "
                f"{len(aside)} signed heads after it set aside: {head.accepted}"
            )
        known = heads.setdefault(head.seq, head)
        if known.hash != head.hash:
            report.find("forked", "two different heads were signed for one place", seq=head.seq)
    return heads


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.exists():
        with path.open("rb") as file:
            yield from enumerate(file, 1)


async def _walk(
    connection: asyncpg.Connection, service: str, heads: dict[int, Anchor], report: Report
) -> datetime | None:
    """Follow the chain from its first link to its last; return when its last entry was made."""
    chain = connection.cursor(
        "SELECT l.seq, l.audit_id, l.hash, a.entry, a.at"  # noqa: S608
        f' FROM "{service}".audit_link AS l LEFT JOIN "{service}".audit AS a ON a.id = l.audit_id'
        " ORDER BY l.seq",
        prefetch=AT_A_TIME,
    )
    previous, before = genesis(service), 0
    _check_head(heads, 0, previous, report)
    async for seq, audit_id, stored, entry, at in chain:
        report.links += 1
        if seq != before + 1:
            report.find("gap", f"links {before + 1} to {seq - 1} are gone", seq=seq)
        if entry is None:
            report.find("missing", "the entry of this link is gone", seq=seq, audit_id=audit_id)
        else:
            expected = sha256(previous + sha256(entry).digest() + audit_id.bytes).digest()
            if expected != stored and seq == before + 1:
                report.find(
                    "changed", "not the entry that was linked here", seq=seq, audit_id=audit_id
                )
            if not _in_place(entry, service, str(audit_id), instant(at)):
                report.find(
                    "misplaced",
                    "the entry speaks of another id, time or service",
                    seq=seq,
                    audit_id=audit_id,
                )
        # Going on from what is stored, each fault is reported where it is, and once.
        previous, before = stored, seq
        if seq in heads:
            _check_head(heads, seq, stored, report)
    _check_end(heads, before, report)
    if not before:
        return None
    signed = max((head.at for head in heads.values()), default=None)
    return made_at(audit_id) if signed is None else min(signed, made_at(audit_id))


def _in_place(entry: bytes, service: str, audit_id: str, at: str) -> bool:
    try:
        body = json.loads(entry)
        return bool(body["id"] == audit_id and body["at"] == at and body["service"] == service)
    except (ValueError, KeyError, TypeError):
        return False


def _check_head(heads: dict[int, Anchor], seq: int, stored: bytes, report: Report) -> None:
    if (head := heads.get(seq)) is not None and head.hash != stored:
        report.find("rewritten", "the chain is not the one whose head was signed", seq=seq)


def _check_end(heads: dict[int, Anchor], last: int, report: Report) -> None:
    signed = max(heads, default=0)
    if last and not heads:
        report.find("unsigned", f"{last} links, but no signed head")
    elif signed > last:
        report.find(
            "behind",
            f"the chain ends at link {last}, but link {signed} was signed on "
            f"{instant(heads[signed].at)}: its tail was cut, or an older backup restored",
            seq=last,
        )
    elif signed < last:
        report.notes.append(f"{last - signed} links since the last signed head")


async def _loose(
    connection: asyncpg.Connection, service: str, looked: datetime | None, report: Report
) -> None:
    """Find entries in no link: waiting for the sealer, or come after it had looked there."""
    floor = UUID(int=0) if looked is None else smallest_id(looked, back=LATE)
    waiting = 0
    for (audit_id,) in await connection.fetch(
        f'SELECT id FROM "{service}".audit AS a WHERE NOT EXISTS'  # noqa: S608
        f' (SELECT FROM "{service}".audit_link AS l WHERE l.audit_id = a.id) ORDER BY id'
    ):
        if audit_id < floor:
            report.find("inserted", "came after its time, in no link", audit_id=audit_id)
        else:
            waiting += 1
    if waiting:
        report.notes.append(f"{waiting} entries wait for the sealer")


async def verify_all(
    dsn: str, *, anchors: Path, keys: Path, services: list[str] | None = None
) -> list[Report]:
    """Verify the named services, or all that have a chain in the database or a public key.

    Raises KeysMissing for a chain without public key.
    """
    connection = await asyncpg.connect(dsn)
    try:
        chains = await connection.fetch(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'audit_link'"
        )
        known = {path.stem for path in (keys / "anchor").glob("*.pub")}
        named = services or sorted(known | {schema for (schema,) in chains})
        return [
            await verify(connection, name, anchors=anchors, key=public_key(keys, name))
            for name in named
        ]
    finally:
        await connection.close()


def main() -> int:
    """Say for each service what was checked and what was found."""
    options = argparse.ArgumentParser(prog="audit_verify", description=__doc__)
    options.add_argument("--dsn", required=True, help="a login that may read the audit tables")
    options.add_argument("--anchors", type=Path, required=True, help="folder of the signed heads")
    options.add_argument("--keys", type=Path, required=True, help="folder that holds anchor/*.pub")
    options.add_argument("--service", action="append", help="one service; all when left out")
    given = options.parse_args()
    reports = asyncio.run(
        verify_all(given.dsn, anchors=given.anchors, keys=given.keys, services=given.service)
    )
    for report in reports:
        rate = report.links / report.seconds if report.seconds else 0
        sys.stdout.write(
            f"{report.service}: {report.links} entries against {report.anchors} signed heads, "
            f"{rate:,.0f}/s: {dict(report.kinds) or 'clean'}\n"
        )
        for finding in report.findings:
            sys.stdout.write(
                f"  {finding.kind} seq={finding.seq} id={finding.audit_id}: {finding.said}\n"
            )
        for note in report.notes:
            sys.stdout.write(f"  note: {note}\n")
    if not any(report.links for report in reports):
        return 2
    return 1 if any(report.kinds for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
