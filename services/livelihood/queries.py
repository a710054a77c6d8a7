"""Reads longer than one select: the waiting list in its order, and what a caller may see."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood.models import AdmissionCase
from services.livelihood.schemas import WaitingRow
from services.livelihood.workflow import OPEN, Status
from shared.cases import SEES_ALL, find
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text, parse_day
from shared.web.auth import STAFF, Actor, Role
from shared.web.errors import NotFound
from shared.web.page import Cursor, InvalidCursor, Page

CASE = "livelihood.case"


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


async def has_case_or_award(tx: Transaction, person_id: UUID, household_id: UUID | None) -> bool:
    """Whether this person, or the household, has a case under way or an award."""
    found = await tx.fetchrow(
        """
        SELECT 1 FROM livelihood."case" WHERE status = ANY ($3)
            AND ($1 IN (subject_id, applicant_id) OR household_id = $2)
        UNION ALL
        SELECT 1 FROM livelihood.award WHERE status <> 'stopped'
            AND (payee_id = $1 OR household_id = $2 OR person_ids @> ARRAY[$1::uuid])
        LIMIT 1
        """,
        person_id,
        household_id,
        sorted({*OPEN, Status.EMERGENCY_ACTIVE}),
    )
    return found is not None


async def begun_by_us(tx: Transaction, tracking_code: str) -> dict[str, Any]:
    """What intake needs to give an identified case its application. Raises NotFound."""
    row = await find(tx, AdmissionCase, tracking_code)
    if row is None or row.origin != "identified":
        raise NotFound
    others = [one["person_id"] for one in opened(tx, row, "household")["members"]]
    return {
        "application_id": row.application_id,
        "person_id": row.subject_id,
        "members": [one for one in others if one != str(row.subject_id)],
        "reason": row.reason,
        "address": opened(tx, row, "address"),
        "province": row.province,
        "county": row.county,
        "office_code": row.office_code,
    }


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


def seen_by(tx: Transaction, actor: Actor, *, also: str) -> tuple[list[str], list[Any]]:
    """The rows that a caller may see, as `may_see` says of their case `c`.

    `also` is one more condition under which a citizen sees a row, on their blind index `${n}`.
    """
    if actor.roles & SEES_ALL:
        return ["true"], []
    seen, values = [], []
    citizen = actor.national_code if actor.has(Role.CITIZEN) else None
    mine = tx.runtime.crypto.index(citizen) if citizen else None
    for condition, value in (
        ("c.province = ${n}", actor.province if actor.roles & STAFF else None),
        ("c.filed_by = ${n}", actor.office_code if actor.has(Role.COUNTER) else None),
        (f"(${{n}}::bytea = ANY (c.holders) OR {also})", mine),
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


def award_id(text: str) -> UUID:
    """The id in a cursor. Raises InvalidCursor."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidCursor from None


def _small(number: int) -> int:
    if not 0 <= number < 2**15:
        raise InvalidCursor
    return number
