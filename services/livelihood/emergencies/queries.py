"""Reads of emergencies: as they were declared, who is granted what, which months they pay."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood.emergencies import rules
from services.livelihood.emergencies.errors import WorthMissing
from services.livelihood.emergencies.rules import Declared, Granted
from services.livelihood.emergencies.schemas import (
    EmergencyAwardOut,
    EmergencyOut,
    EmergencyVersionOut,
)
from services.livelihood.queries import award_id as parse_id
from services.livelihood.queries import seen_by
from services.livelihood.rates.rules import number, text
from services.livelihood.workflow import ADMISSION, OPEN
from shared.storage import policy
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, period_bounds, tehran_date
from shared.web.auth import Actor
from shared.web.errors import NotFound
from shared.web.page import Cursor, Page

KINDS = "livelihood.emergency_kinds"
_VERSIONS = """
    (SELECT json_agg(v ORDER BY v.version) FROM livelihood.emergency_version v
     WHERE v.emergency_id = e.id) AS versions
"""
_WHOLE = f"SELECT e.id, e.kind, e.declared_at, {_VERSIONS} FROM livelihood.emergency e"  # noqa: S608
_OF_VISIT = {
    "waiting": "a.visited_on IS NULL AND c.status = 'emergency_active' AND a.visit_due_on >= ${n}",
    "overdue": "a.visited_on IS NULL AND c.status = 'emergency_active' AND a.visit_due_on < ${n}",
    "done": "a.visited_on IS NOT NULL AND a.visited_on <= ${n}",
}


async def kinds(tx: Transaction, day: date) -> dict[str, Any]:
    """The kinds of emergency that policy knows on a day, with name and worth (LV-33)."""
    found: dict[str, Any] = (await policy.on(tx, KINDS, day))["kinds"]
    return found


async def worth_in(tx: Transaction, period: str) -> dict[str, list[int]]:
    """What each kind is worth in a month, in percent of the rate: alone, and beside an award.

    Raises WorthMissing where an award of the month is of a kind that policy does not know.
    """
    worth = rules.worth_of(await policy.on(tx, KINDS, period_bounds(period)[0]))
    rows = await tx.fetch(
        "SELECT DISTINCT e.kind FROM livelihood.emergency_award a"
        " JOIN livelihood.emergency e ON e.id = a.emergency_id"
        " WHERE a.during @> $1::int ORDER BY e.kind",
        number(period),
    )
    if missing := [row["kind"] for row in rows if row["kind"] not in worth]:
        raise WorthMissing(kinds=missing)
    return worth


# Declarations


async def emergency(tx: Transaction, emergency_id: UUID) -> EmergencyOut:
    """One emergency with its versions. Raises NotFound."""
    row = await tx.fetchrow(f"{_WHOLE} WHERE e.id = $1", emergency_id)
    if row is None:
        raise NotFound
    return _emergency_out(row, await kinds(tx, tehran_date(tx.now)))


async def page(tx: Transaction, *, limit: int, cursor: str | None) -> Page[EmergencyOut]:
    """Every emergency, the newest first."""
    before = None if cursor is None else parse_id(*Cursor.decode(cursor, str))
    rows = await tx.fetch(
        f"{_WHOLE} WHERE $1::uuid IS NULL OR e.id < $1 ORDER BY e.id DESC LIMIT $2",
        before,
        limit + 1,
    )
    known = await kinds(tx, tehran_date(tx.now))
    items = [_emergency_out(row, known) for row in rows[:limit]]
    more = len(rows) > limit
    following = Cursor.encode([str(items[-1].emergency_id)]) if more else None
    return Page[EmergencyOut](items=items, next_cursor=following)


def _emergency_out(row: asyncpg.Record, known: Mapping[str, Any]) -> EmergencyOut:
    return EmergencyOut(
        emergency_id=row["id"],
        kind=row["kind"],
        kind_label=known.get(row["kind"], {}).get("fa", row["kind"]),
        declared_at=row["declared_at"],
        versions=[_version_out(one) for one in loads(row["versions"])],
    )


def _version_out(row: Mapping[str, Any]) -> EmergencyVersionOut:
    days = {name: date.fromisoformat(row[name]) for name in ("from_on", "to_on")}
    return EmergencyVersionOut(
        **{name: row[name] for name in ("version", "provinces", "counties", "decree_ref")},
        effective_from_period=text(row["effective_from_period"]),
        recorded_at=row["recorded_at"],
        **days,
        **{f"{name}_jalali": jalali_text(day) for name, day in days.items()},
    )


async def versions(tx: Transaction, emergency_id: UUID) -> list[Declared]:
    """The versions of a declaration, oldest first. Raises NotFound for none."""
    rows = await tx.fetch(
        "SELECT effective_from_period, provinces, counties, from_on, to_on"
        " FROM livelihood.emergency_version WHERE emergency_id = $1 ORDER BY version",
        emergency_id,
    )
    if not rows:
        raise NotFound
    return [
        Declared(
            text(row["effective_from_period"]),
            tuple(row["provinces"]),
            tuple(row["counties"]),
            row["from_on"],
            row["to_on"],
        )
        for row in rows
    ]


# Awards


async def of_case(tx: Transaction, case_id: UUID) -> asyncpg.Record | None:
    """The emergency award of a case."""
    return await tx.fetchrow("SELECT * FROM livelihood.emergency_award WHERE case_id = $1", case_id)


async def last_granted(tx: Transaction, household_id: UUID) -> int | None:
    """The last month (yyyymm) that a household is granted emergency support for."""
    row = await tx.fetchrow(
        "SELECT max(last_period) AS last FROM livelihood.emergency_award WHERE household_id = $1",
        household_id,
    )
    return row["last"] if row else None


async def paid_until(tx: Transaction, household_id: UUID, until: str) -> str | None:
    """The last month up to `until` that an emergency pays a household for (H26)."""
    rows = await tx.fetch(
        "SELECT * FROM livelihood.emergency_award WHERE household_id = $1 AND start_period <= $2"
        " ORDER BY start_period DESC",
        household_id,
        number(until),
    )
    for row in rows:
        declared = await versions(tx, row["emergency_id"])
        if last := rules.last_paid(granted(row), declared, until=until):
            return last
    return None


def granted(row: Mapping[str, Any]) -> Granted:
    """The place and months of an award."""
    months = text(row["start_period"]), text(row["last_period"])
    return Granted(row["province"], row["county"], *months)


async def no_longer_covered(
    tx: Transaction, emergency_id: UUID, period: str, *, limit: int
) -> list[UUID]:
    """Cases under an emergency that it does not cover in a month, though their time is not over."""
    rows = await tx.fetch(
        """
        SELECT c.id FROM livelihood.emergency_award a
        JOIN livelihood."case" c ON c.id = a.case_id AND c.status = 'emergency_active'
        CROSS JOIN LATERAL (
            SELECT * FROM livelihood.emergency_version v
            WHERE v.emergency_id = a.emergency_id AND v.effective_from_period <= $2
            ORDER BY v.version DESC LIMIT 1
        ) v
        WHERE a.emergency_id = $1 AND NOT (
            $2 BETWEEN v.from_period AND v.to_period
            AND (a.province = ANY (v.provinces) OR a.county = ANY (v.counties))
        ) IS TRUE
        ORDER BY c.id LIMIT $3
        """,
        emergency_id,
        number(period),
        limit,
    )
    return [row["id"] for row in rows]


async def stays_covered(tx: Transaction, household_id: UUID, subject_id: UUID) -> bool:
    """Whether a household has an award, or a request under way, when an emergency ends for it."""
    row = await tx.fetchrow(
        """
        SELECT EXISTS (SELECT 1 FROM livelihood.award
                       WHERE household_id = $1 AND status <> 'stopped')
            OR EXISTS (SELECT 1 FROM livelihood."case"
                       WHERE (household_id = $1 OR subject_id = $2) AND status = ANY ($3)) AS stays
        """,
        household_id,
        subject_id,
        sorted(OPEN),
    )
    return bool(row and row["stays"])


async def awards(
    tx: Transaction,
    actor: Actor,
    emergency_id: UUID,
    *,
    visit: str | None,
    page: tuple[int, str | None],
) -> Page[EmergencyAwardOut]:
    """Awards under an emergency that this caller may see, newest first. Raises NotFound."""
    await versions(tx, emergency_id)
    limit, cursor = page
    where, values = seen_by(tx, actor, also="false")
    for condition, value in (
        ("a.emergency_id = ${n}", emergency_id),
        (_OF_VISIT.get(visit or "", ""), tehran_date(tx.now) if visit else None),
        ("a.id < ${n}", None if cursor is None else parse_id(*Cursor.decode(cursor, str))),
    ):
        if value is not None:
            values.append(value)
            where.append(condition.format(n=len(values)))
    values.append(limit + 1)
    rows = await tx.fetch(
        "SELECT a.*, c.tracking_code, c.status FROM livelihood.emergency_award a"  # noqa: S608
        ' JOIN livelihood."case" c ON c.id = a.case_id'
        f" WHERE {' AND '.join(where)} ORDER BY a.id DESC LIMIT ${len(values)}",
        *values,
    )
    items = [award_out(row) for row in rows[:limit]]
    more = len(rows) > limit
    following = Cursor.encode([str(items[-1].emergency_award_id)]) if more else None
    return Page[EmergencyAwardOut](items=items, next_cursor=following)


def award_out(row: Mapping[str, Any]) -> EmergencyAwardOut:
    """An emergency award, with tracking code and status of its case."""
    names = ("emergency_id", "tracking_code", "case_id", "status", "household_id", "province")
    days = {name: row[name] for name in ("starts_on", "ends_on", "visit_due_on")}
    return EmergencyAwardOut(
        emergency_award_id=row["id"],
        **{name: row[name] for name in (*names, "county", "visited_on")},
        status_label=ADMISSION.labels[ADMISSION.status(row["status"])],
        people=len(row["person_ids"]),
        start_period=text(row["start_period"]),
        last_period=text(row["last_period"]),
        account_verified=row["payee_account_id"] is not None,
        **days,
        **{f"{name}_jalali": jalali_text(day) for name, day in days.items()},
    )
