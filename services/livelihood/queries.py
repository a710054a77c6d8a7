"""Reads longer than one select: the waiting list in its order, awards that a caller may see."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood.models import AdmissionCase
from services.livelihood.schemas import AwardOut, WaitingRow
from shared.cases import SEES_ALL
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text, parse_day
from shared.web.auth import STAFF, Actor, Role
from shared.web.page import Cursor, InvalidCursor, Page

CASE = "livelihood.case"
LABELS = {"active": "برقرار"}
_AWARD = """
    a.id AS award_id, a.tracking_code, a.case_id, a.household_id, a.payee_id, a.person_ids,
    a.status, a.version, a.reason, a.covered_size, a.start_period, a.started_on, a.ends_on,
    a.review_on
"""
_AWARDS = f'SELECT {_AWARD} FROM livelihood.award a JOIN livelihood."case" c ON c.id = a.case_id'  # noqa: S608 - constants


def opened(tx: Transaction, row: AdmissionCase, column: str) -> Any:
    """What is sealed in a column of a case."""
    return tx.runtime.crypto.open_json(getattr(row, column), table=CASE, column=column, row=row.id)


async def visit(tx: Transaction, row: AdmissionCase) -> asyncpg.Record | None:
    """The case's last visit, if it was made."""
    return await tx.fetchrow(
        "SELECT score, report FROM livelihood.visit"
        " WHERE case_id = $1 AND number = $2 AND outcome = 'done'",
        row.id,
        row.visit_number,
    )


async def has_open_award(tx: Transaction, household_id: UUID | None) -> bool:
    """Whether this household has an award that has not been stopped."""
    return household_id is not None and None is not await tx.fetchrow(
        "SELECT 1 FROM livelihood.award WHERE household_id = $1 AND status <> 'stopped'",
        household_id,
    )


async def waiting_before(tx: Transaction, row: AdmissionCase) -> int:
    """How many with a good account wait before this case in its province."""
    found = await tx.fetchrow(
        """
        SELECT count(*) AS ahead FROM livelihood."case"
        WHERE status = 'waiting_list' AND province = $1 AND account_state = 'verified'
          AND (priority, submitted_on, id) < ($2, $3, $4)
        """,
        row.province,
        row.priority,
        row.submitted_on,
        row.id,
    )
    return int(found["ahead"]) if found else 0


async def confirmed_of(
    tx: Transaction, household_id: UUID, person_ids: Sequence[UUID]
) -> list[UUID]:
    """The confirmed cases of a household, found by it or by the person served."""
    rows = await tx.fetch(
        "SELECT id FROM livelihood.\"case\" WHERE status = 'confirmed'"
        " AND (household_id = $1 OR subject_id = ANY ($2::uuid[])) ORDER BY id",
        household_id,
        list(person_ids),
    )
    return [row["id"] for row in rows]


async def waiting_list(
    tx: Transaction, province: str | None, *, limit: int, cursor: str | None
) -> Page[WaitingRow]:
    """Who waits in a province, first come last: by priority, then by the day of the request."""
    after: list[Any] = []
    if cursor is not None:
        priority, submitted_on, row_id = Cursor.decode(cursor, int, str, str)
        after = [_small(priority), *_key(submitted_on, row_id)]
    rows = await tx.fetch(
        f"""
        SELECT tracking_code, id AS case_id, reason, priority, submitted_on, waiting_since,
               province, county, office_code, account_state
        FROM livelihood."case" WHERE status = 'waiting_list' AND province = $1
        {"AND (priority, submitted_on, id) > ($3, $4, $5)" if after else ""}
        ORDER BY priority, submitted_on, id LIMIT $2
        """,  # noqa: S608 - one of two constants
        province,
        limit + 1,
        *after,
    )
    items = [
        WaitingRow(
            **row,
            submitted_on_jalali=jalali_text(row["submitted_on"]),
            waiting_since_jalali=jalali_text(row["waiting_since"]),
        )
        for row in rows[:limit]
    ]
    if len(rows) <= limit:
        return Page[WaitingRow](items=items)
    last = items[-1]
    key: list[str | int] = [last.priority, last.submitted_on.isoformat(), str(last.case_id)]
    return Page[WaitingRow](items=items, next_cursor=Cursor.encode(key))


async def awards(
    tx: Transaction,
    actor: Actor,
    *,
    tracking_code: str | None,
    person_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[AwardOut]:
    """Awards that this caller may see, newest first."""
    where, values = _scope(tx, actor)
    for condition, value in (
        ("a.tracking_code = ${n}", tracking_code),
        ("a.person_ids @> ARRAY[${n}::uuid]", person_id),
        ("a.id < ${n}", None if cursor is None else _id(*Cursor.decode(cursor, str))),
    ):
        if value is not None:
            values.append(value)
            where.append(condition.format(n=len(values)))
    values.append(limit + 1)
    rows = await tx.fetch(
        f"{_AWARDS} WHERE {' AND '.join(where)} ORDER BY a.id DESC LIMIT ${len(values)}", *values
    )
    items = [award_out(row) for row in rows[:limit]]
    more = len(rows) > limit
    following = Cursor.encode([str(items[-1].award_id)]) if more else None
    return Page[AwardOut](items=items, next_cursor=following)


async def award(tx: Transaction, actor: Actor, award_id: UUID) -> AwardOut | None:
    """One award, if this caller may see it."""
    where, values = _scope(tx, actor)
    row = await tx.fetchrow(
        f"{_AWARDS} WHERE {' AND '.join(where)} AND a.id = ${len(values) + 1}", *values, award_id
    )
    return None if row is None else award_out(row)


def award_out(row: asyncpg.Record) -> AwardOut:
    """An award as it is shown."""
    days = {
        f"{name}_jalali": jalali_text(row[name]) if row[name] else None
        for name in ("started_on", "ends_on", "review_on")
    }
    return AwardOut(**row, **days, status_label=LABELS[row["status"]])


def _scope(tx: Transaction, actor: Actor) -> tuple[list[str], list[Any]]:
    """The rows that a caller may see, as `may_see` says of their case."""
    if actor.roles & SEES_ALL:
        return ["true"], []
    seen, values = [], []
    for condition, value in (
        ("c.province = ${n}", actor.province if actor.roles & STAFF else None),
        ("c.filed_by = ${n}", actor.office_code if actor.has(Role.COUNTER) else None),
        (
            "${n}::bytea = ANY (c.holders)",
            tx.runtime.crypto.index(actor.national_code)
            if actor.has(Role.CITIZEN) and actor.national_code
            else None,
        ),
    ):
        if value:
            values.append(value)
            seen.append(condition.format(n=len(values)))
    return [f"({' OR '.join(seen)})" if seen else "false"], values


def _key(day: str, row_id: str) -> tuple[date, UUID]:
    try:
        return parse_day(day), UUID(row_id)
    except ValueError:
        raise InvalidCursor from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidCursor from None


def _small(number: int) -> int:
    if not 0 <= number < 2**15:
        raise InvalidCursor
    return number
