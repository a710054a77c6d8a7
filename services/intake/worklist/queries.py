"""What waits for a caller: by role and province, the oldest promise first."""

from datetime import date
from typing import Any

from services.intake.workflow import APPLICATION, Status
from services.intake.worklist.schemas import WorklistRow
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, parse_day, tehran_date
from shared.web.auth import STAFF, Actor, Role
from shared.web.page import Cursor, InvalidCursor, Page

# A claim holds while its time runs and the case still waits for the role in which it was taken.
_LINE = """
SELECT a.id, a.tracking_code, a.service, a.status, a.case_status, a.case_label, a.waits_for,
  a.office_code, a.due_on, a.paused_on, c.holder, c.until
FROM intake.application a LEFT JOIN intake.claim c ON c.application_id = a.id AND c.until > $1
  AND (a.waits_for ? c.role OR (a.status = 'visit_required' AND c.role = 'intake_officer'))
"""
_VISIT = (Role.INTAKE_OFFICER, Status.VISIT_REQUIRED)


def waits_for(status: str, told: list[str]) -> list[str]:
    """The roles that a case waits for: those its service named, and intake's own for a visit."""
    role, visit = _VISIT
    return sorted({*told, role} if status == visit else {*told})


async def waiting(
    tx: Transaction,
    actor: Actor,
    *,
    service: str | None,
    office_code: str | None,
    limit: int,
    cursor: str | None,
) -> Page[WorklistRow]:
    """Open cases of the caller's province that wait for one of their roles."""
    due, code = _after(cursor)
    rows = await tx.fetch(
        f"{_LINE} WHERE a.stopped_on IS NULL AND a.due_on IS NOT NULL AND a.province = $2"
        " AND (a.waits_for ?| $3::text[] OR ($4 AND a.status = 'visit_required'))"
        " AND ($5::text IS NULL OR a.service = $5) AND ($6::text IS NULL OR a.office_code = $6)"
        " AND ($7::date IS NULL OR (a.due_on, a.tracking_code) > ($7, $8::text))"
        " ORDER BY a.due_on, a.tracking_code LIMIT $9",
        tx.now,
        actor.province,
        sorted(actor.roles & STAFF),
        actor.has(Role.INTAKE_OFFICER),
        service,
        office_code,
        due,
        code,
        limit + 1,
    )
    found = [line(tx, dict(row), actor) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return Page[WorklistRow](
        items=found,
        next_cursor=Cursor.encode([last.due_on.isoformat(), last.tracking_code]) if last else None,
    )


async def one(tx: Transaction, tracking_code: str) -> dict[str, Any]:
    """The line of one case. Raises LookupError for a case that is not there."""
    row = await tx.fetchrow(f"{_LINE} WHERE a.tracking_code = $2", tx.now, tracking_code)
    if row is None:
        raise LookupError("a case that was just read is not there")
    return dict(row)


def line(tx: Transaction, row: dict[str, Any], actor: Actor) -> WorklistRow:
    """A line as this caller sees it: who else holds a case is not said, until when is."""
    status = Status(row["status"])
    return WorklistRow(
        tracking_code=row["tracking_code"],
        service=row["service"],
        status=status,
        case_status=row["case_status"],
        label=row["case_label"] or APPLICATION.labels[status],
        waits_for=waits_for(status, loads(row["waits_for"])),
        office_code=row["office_code"],
        due_on=row["due_on"],
        due_on_jalali=jalali_text(row["due_on"]),
        overdue=row["paused_on"] is None and row["due_on"] < tehran_date(tx.now),
        claimed_by_me=row["holder"] == actor.sub,
        claimed_until=row["until"],
    )


def _after(cursor: str | None) -> tuple[date | None, str | None]:
    if cursor is None:
        return None, None
    due, code = Cursor.decode(cursor, str, str)
    try:
        return parse_day(due), code
    except ValueError:
        raise InvalidCursor from None
