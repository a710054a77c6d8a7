"""Files from an older system: taken line by line, each in a transaction of its own.

What became of a line is written with what it did, so a killed import goes on where it stopped and
nothing is taken twice. A run takes every line that has not been taken: one that was refused is
tried again. Of a refused line the place and the code are kept, never what it said.
"""

import csv
import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, MetaData, Table, Text, Uuid

from shared.storage.db import Runtime, Transaction
from shared.web.errors import Refusal

LONGEST_LINE = 64 * 1024
KNOWN_AT_ONCE = 1_000
Row = dict[str, Any]
Take = Callable[[Transaction, Row], Awaitable[UUID]]
UNREADABLE = ("", "unreadable_line")


class TakenMeanwhile(Exception):
    """Another run of the same file has taken this line."""


class BadFile(ValueError):
    """The file is none that can be taken: not UTF-8, or no line of names at its head."""


def import_table(metadata: MetaData) -> Table:
    """The table in which a service keeps what became of every line of a file."""
    return Table(
        "import_line",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("source", Text, primary_key=True),  # the SHA-256 of the file
        Column("line", Integer, primary_key=True, autoincrement=False),
        Column("subject_id", Uuid),
        Column("pointer", Text),
        Column("fault", Text),
        Column("taken_by", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        CheckConstraint("(subject_id IS NULL) <> (fault IS NULL)", name="taken_or_refused"),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file by its number, the first being 1; `row` is None where it is unreadable."""

    number: int
    row: Row | None


@dataclass(slots=True)
class Report:
    """What became of the lines of a file; `before` were taken by an earlier run.

    `weight` is the sum over the source of what the kind weighs a line by (people, Rials), and
    `refused_weight` that over the lines that were refused.
    """

    lines: int = 0
    taken: int = 0
    before: int = 0
    refused: int = 0
    weight: int = 0
    refused_weight: int = 0

    @property
    def due(self) -> tuple[int, int]:
        """How many lines the database must hold of this file, and what they weigh together."""
        return self.lines - self.refused, self.weight - self.refused_weight


def source_of(file: Path) -> str:
    """The SHA-256 of a file, under which what became of its lines is kept."""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def lines(file: Path) -> Iterator[Line]:
    """The lines of a CSV file with a line of names, or of a file of one JSON object a line.

    Raises BadFile.
    """
    with file.open("rb") as raw:
        begins = raw.read(4).removeprefix(b"\xef\xbb\xbf").lstrip()
        raw.seek(0)
        yield from _objects(raw) if begins.startswith(b"{") else _cells(raw)


def _objects(raw: io.BufferedReader) -> Iterator[Line]:
    for number, text in _texts(raw):
        try:
            row = json.loads(text or "", object_pairs_hook=_once)
            json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            row = None
        yield Line(number, row if isinstance(row, dict) else None)


def _once(pairs: list[tuple[str, Any]]) -> Row:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _cells(raw: io.BufferedReader) -> Iterator[Line]:
    names: list[str] | None = None
    for number, text in _texts(raw):
        try:
            cells = next(csv.reader([text or ""], strict=True))
        except (csv.Error, StopIteration):
            cells = []
        if names is None:
            names = [cell.strip() for cell in cells]
            if not names or not all(names) or len(set(names)) != len(names):
                raise BadFile("the first line does not name the columns")
        elif len(cells) != len(names):
            yield Line(number, None)
        else:
            found = zip(names, (cell.strip() for cell in cells), strict=True)
            yield Line(number, {name: cell for name, cell in found if cell})


def _texts(raw: io.BufferedReader) -> Iterator[tuple[int, str | None]]:
    """Lines that are not empty; None for one that is too long, or no text."""
    number = 0
    while piece := raw.readline(LONGEST_LINE):
        number += 1
        whole = rest = piece
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            whole, rest = b"\xff", raw.readline(LONGEST_LINE)
        try:
            text = whole.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            yield number, None
        else:
            if text:
                yield number, text


@dataclass(frozen=True, slots=True)
class Import:
    """One kind of file for one service; `take` writes a row's effect, or raises a Refusal.

    `seen` is shown the report after each line, `faulty` each fault: line, pointer, code.
    """

    runtime: Runtime
    kind: str
    take: Take
    weigh: Callable[[Row], int]
    by: str
    seen: Callable[[Report], None]
    faulty: Callable[[int, str, str], None]

    async def run(self, file: Path, *, dry: bool = False) -> Report:
        """Take the file. A dry run does everything and then undoes it, line by line."""
        source, report, batch = source_of(file), Report(), []
        for line in lines(file):
            batch.append(line)
            if len(batch) == KNOWN_AT_ONCE:
                await self._batch(source, batch, report, dry=dry)
                batch = []
        await self._batch(source, batch, report, dry=dry)
        return report

    async def _batch(self, source: str, batch: list[Line], report: Report, *, dry: bool) -> None:
        known = await self._taken(source, [line.number for line in batch])
        for line in batch:
            weight = self._weight(line)
            report.lines += 1
            report.weight += weight
            if line.number in known:
                report.before += 1
            elif not await self._line(source, line, report, dry=dry):
                report.refused_weight += weight
            self.seen(report)

    def _weight(self, line: Line) -> int:
        try:
            return self.weigh(line.row or {})
        except (KeyError, TypeError, ValueError):
            return 0  # such a line is refused, and weighs nothing on either side

    async def _taken(self, source: str, numbers: list[int]) -> set[int]:
        async with self.runtime.transaction() as tx:
            rows = await tx.fetch(
                f'SELECT line FROM "{tx.schema}".import_line WHERE kind = $1 AND source = $2'  # noqa: S608
                " AND line = ANY ($3::int[]) AND subject_id IS NOT NULL",
                self.kind, source, numbers,
            )  # fmt: skip
        return {row["line"] for row in rows}

    async def _line(self, source: str, line: Line, report: Report, *, dry: bool) -> bool:
        """Take a line that is not taken yet; False where it is refused."""
        try:
            async with self.runtime.transaction(lone=False) as tx:
                subject_id = await self.take(tx, _readable(line))
                await self._keep(tx, source, line.number, subject_id=subject_id)
                if dry:
                    await tx.rollback()
        except TakenMeanwhile:
            report.before += 1
        except (Refusal, ValidationError, _Refused) as refused:
            found = faults_of(refused)
            report.refused += 1
            for fault in found:
                self.faulty(line.number, *fault)
            if not dry:
                async with self.runtime.transaction(lone=False) as tx:
                    await self._keep(tx, source, line.number, fault=found[0])
            return False
        else:
            report.taken += 1
        return True

    async def _keep(
        self,
        tx: Transaction,
        source: str,
        number: int,
        *,
        subject_id: UUID | None = None,
        fault: tuple[str, str] = ("", ""),
    ) -> None:
        await tx.flush()
        kept = await tx.write(
            f"""
            INSERT INTO "{tx.schema}".import_line AS l
                (kind, source, line, subject_id, pointer, fault, taken_by, at)
            VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), $7, $8)
            ON CONFLICT (kind, source, line) DO UPDATE
            SET subject_id = excluded.subject_id, pointer = excluded.pointer,
                fault = excluded.fault, taken_by = excluded.taken_by, at = excluded.at
            WHERE l.subject_id IS NULL RETURNING line
            """,  # noqa: S608 - the schema's name comes from code
            self.kind, source, number, subject_id, *fault, self.by, tx.now,
        )  # fmt: skip
        if kept is None and subject_id is not None:
            raise TakenMeanwhile


class _Refused(Exception):
    """Faults that the file itself has."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__()
        self.faults = faults


def _readable(line: Line) -> Row:
    if line.row is None:
        raise _Refused([UNREADABLE])
    return line.row


def faults_of(refused: Exception) -> list[tuple[str, str]]:
    """Where and with which code a line was refused; never what it said."""
    if isinstance(refused, _Refused):
        return refused.faults
    if isinstance(refused, ValidationError):
        told = refused.errors(include_input=False, include_url=False, include_context=False)
        return [(_pointer(one["loc"], one["type"]), one["type"]) for one in told]
    if isinstance(refused, Refusal) and refused.errors:
        return [(fault.pointer, fault.code) for fault in refused.errors]
    return [("", getattr(refused, "code", "refused"))]


def _pointer(place: tuple[int | str, ...], kind: str) -> str:
    """Where in the row; the name of a column that we do not know is the file's, not ours."""
    return "" if kind == "extra_forbidden" else "".join(f"/{part}" for part in place)
