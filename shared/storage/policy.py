"""What was the rule on that day: amounts, ceilings, promised times and lists, as dated rows.

A number that people decide is read here for the day it is asked about, never written in code. What
has been in force is not rewritten: a new row closes the one before it.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from shared.storage.db import Runtime, Transaction, dumps

REMEMBER_S = 5.0
"""So long another process may still see the value from before a write."""
# A write is seen by others at its commit, later than its statement: so long nothing is remembered.
SETTLE_S = 10.0
_NAMES = UUID("5c3f2b86-5d0a-5f0e-9d0c-0d6a3c1b7e42")
_COLUMNS = "id, key, value, effective_from, effective_to, source_ref, confidence, confirmed_by"


class PolicyMissing(RuntimeError):
    """No rule is in force on that day, or none that may be used: the operator's fault."""

    status = 503
    code = "policy_missing"
    fa = "مقرره‌ای که این درخواست به آن نیاز دارد هنوز ثبت یا تأیید نشده است."
    en = "The rule that this request needs has not been entered or confirmed yet."

    def __init__(self, key: str, day: date, *, why: str = "nothing is in force") -> None:
        super().__init__(f"policy {key} on {day.isoformat()}: {why}")
        self.key = key
        self.day = day


class PolicyExists(ValueError):
    """This key has a row from that day already: what was in force is not rewritten."""

    status = 409
    code = "policy_exists"
    fa = "برای این مقرره از همین تاریخ مقداری ثبت شده است."
    en = "This policy already has a value from that day."


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One value of one key with its days (the last one excluded), its source and who confirmed it.

    `id` is the version: the same key from the same day has the same id in every installation.
    """

    id: UUID
    key: str
    text: str
    effective_from: date
    effective_to: date | None
    source_ref: str
    confidence: str
    confirmed_by: str | None

    @property
    def value(self) -> Any:
        """The value, made anew at each call: what one caller does to it reaches no other."""
        return json.loads(self.text)

    @property
    def confirmed(self) -> bool:
        """Whether production may use it: a person has confirmed it, or two sources agree (H)."""
        return self.confirmed_by is not None or self.confidence == "H"

    def holds(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


class _Memory:
    """The rows that this process has read lately, by key."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[float, PolicyRow]]] = {}
        self._settled_at = 0.0

    def find(self, key: str, day: date) -> PolicyRow | None:
        now = time.monotonic()
        for until, row in self._rows.get(key, ()):
            if until > now and row.holds(day):
                return row
        return None

    def keep(self, row: PolicyRow) -> None:
        now = time.monotonic()
        if now >= self._settled_at:
            others = [kept for kept in self._rows.get(row.key, ()) if kept[1].id != row.id]
            self._rows[row.key] = [*others, (now + REMEMBER_S, row)]

    def forget(self) -> None:
        self._rows.clear()
        self._settled_at = time.monotonic() + SETTLE_S


async def on(tx: Transaction, key: str, day: date) -> Any:
    """Return the value in force on that day (of Tehran). Raises PolicyMissing."""
    return (await row_on(tx, key, day)).value


async def row_on(
    tx: Transaction, key: str, day: date, *, unconfirmed: bool | None = None
) -> PolicyRow:
    """Return the row in force on that day, for decisions that name the version they stand on.

    `unconfirmed` allows rows that nobody confirmed; None allows them outside production only.
    Raises PolicyMissing.
    """
    memory = _memory(tx.runtime)
    row = memory.find(key, day)
    if row is None:
        record = await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM {_table(tx)} WHERE key = $1 AND valid @> $2::date",  # noqa: S608
            key,
            day,
        )
        if record is None:
            raise PolicyMissing(key, day)
        row = _row(record)
        memory.keep(row)
    allowed = not tx.runtime.settings.production if unconfirmed is None else unconfirmed
    if not (allowed or row.confirmed):
        raise PolicyMissing(key, day, why="nobody has confirmed the row that is in force")
    return row


async def put(
    tx: Transaction,
    key: str,
    value: Any,
    *,
    effective_from: date,
    source_ref: str,
    confidence: str,
    confirmed_by: str | None = None,
    effective_to: date | None = None,
) -> PolicyRow:
    """Put a value in force from a day, up to the next row of its key (or `effective_to`).

    The row before it ends that day. Raises PolicyExists when a row begins on the very day.
    """
    table = _table(tx)
    # Two that put the same key wait for each other instead of meeting at the constraint.
    await tx.begin()
    await tx.fetchrow("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{table}/{key}")
    near = await tx.fetch(
        f"SELECT id, effective_from FROM {table} WHERE key = $1 AND effective_from >= $2"  # noqa: S608
        " ORDER BY effective_from LIMIT 1",
        key,
        effective_from,
    )
    if near and near[0]["effective_from"] == effective_from:
        raise PolicyExists(f"policy {key} from {effective_from.isoformat()} is there already")
    ends = [day for day in (effective_to, near[0]["effective_from"] if near else None) if day]
    _memory(tx.runtime).forget()
    await tx.write(
        f"UPDATE {table} SET effective_to = $2 WHERE key = $1 AND valid @> $2::date",  # noqa: S608
        key,
        effective_from,
    )
    record = await tx.write(
        f"INSERT INTO {table} ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608
        f" RETURNING {_COLUMNS}",
        version_id(tx.schema, key, effective_from=effective_from),
        key,
        dumps(value),
        effective_from,
        min(ends, default=None),
        source_ref,
        confidence,
        confirmed_by,
    )
    if record is None:
        raise AssertionError("an INSERT that returns nothing")
    return _row(record)


async def confirm(tx: Transaction, version: UUID, *, by: str) -> PolicyRow | None:
    """Write down who confirmed a row; None when there is none to confirm."""
    await tx.begin()
    _memory(tx.runtime).forget()
    record = await tx.write(
        f"UPDATE {_table(tx)} SET confirmed_by = $2"  # noqa: S608
        f" WHERE id = $1 AND confirmed_by IS NULL RETURNING {_COLUMNS}",
        version,
        by,
    )
    return None if record is None else _row(record)


async def unconfirmed(tx: Transaction) -> list[PolicyRow]:
    """Return the rows that production would refuse, for the operator's list."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM {_table(tx)} ORDER BY key, effective_from")  # noqa: S608
    return [row for row in map(_row, rows) if not row.confirmed]


async def seed(tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> int:
    """Load a service's data/policies.json and return how many rows were new.

    A row that is there already (same key, same first day) stays as the agency has it, so loading
    twice changes nothing. Days may be ISO text. Raises KeyError for a row without source.
    """
    ordered = sorted(rows, key=lambda row: (row["key"], str(row["effective_from"])))
    added = 0
    for row in ordered:
        last = row.get("effective_to")
        try:
            await put(
                tx,
                row["key"],
                row["value"],
                effective_from=_day(row["effective_from"]),
                effective_to=None if last is None else _day(last),
                source_ref=row["source_ref"],
                confidence=row["confidence"],
                confirmed_by=row.get("confirmed_by"),
            )
        except PolicyExists:
            continue
        added += 1
    return added


async def seed_file(tx: Transaction, path: Path) -> int:
    """Load a file that holds such rows as a JSON list; returns how many were new."""
    return await seed(tx, json.loads(await asyncio.to_thread(path.read_text, "utf-8")))


def version_id(schema: str, key: str, *, effective_from: date) -> UUID:
    """Return the id of the row of this key that begins on this day."""
    return uuid5(_NAMES, f"{schema}/{key}/{effective_from.isoformat()}")


def _memory(runtime: Runtime) -> _Memory:
    found: _Memory = runtime.memory.setdefault("policy", _Memory())
    return found


def _table(tx: Transaction) -> str:
    return f'"{tx.schema}".policy'


def _row(record: asyncpg.Record) -> PolicyRow:
    return PolicyRow(*record)


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
