"""The hand-over as it is read: rows of an award, what waits, batches with their lines."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.livelihood.handovers import rules
from services.livelihood.handovers.models import HandoverRow
from services.livelihood.handovers.schemas import HandoverLineOut, HandoverOut, HandoverView
from services.livelihood.handovers.workflow import HANDOVER, WAITING
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text
from shared.web.errors import NotFound
from shared.web.page import Cursor, Page

_ROW = ", ".join(f"r.{column.name}" for column in HandoverRow.__table__.columns)
_COUNTED = """
    SELECT h.*, (SELECT json_object_agg(outcome, n) FROM (
        SELECT coalesce(a.outcome, 'waiting') AS outcome, count(*) AS n
        FROM livelihood.handover_line l
        LEFT JOIN livelihood.handover_answer a USING (handover_id, row_id)
        WHERE l.handover_id = h.id GROUP BY 1) AS o)::text AS counts
    FROM livelihood.handover h
"""


async def award(tx: Transaction, award_id: UUID) -> asyncpg.Record | None:
    """What the hand-over needs to know of an award, and whether it is supported now."""
    return await tx.fetchrow(
        "SELECT a.id, a.tracking_code, a.payee_id, c.province,"
        " a.status NOT IN ('stopped', 'objection_open') AS supported"
        ' FROM livelihood.award a JOIN livelihood."case" c ON c.id = a.case_id WHERE a.id = $1',
        award_id,
    )


async def award_of_case(tx: Transaction, case_id: UUID) -> UUID | None:
    """The award that a case came to."""
    row = await tx.fetchrow("SELECT id FROM livelihood.award WHERE case_id = $1", case_id)
    return row["id"] if row else None


async def rows_of_award(tx: Transaction, award_id: UUID) -> list[HandoverRow]:
    """The rows of an award, oldest first; they stay as they are until this transaction ends."""
    rows = await tx.fetch(
        f"SELECT {_ROW} FROM livelihood.handover_row r"  # noqa: S608 - our own columns
        " WHERE r.award_id = $1 ORDER BY r.number FOR UPDATE",
        award_id,
    )
    return [_row(row) for row in rows]


async def row(tx: Transaction, handover_id: UUID, row_id: UUID) -> HandoverRow | None:
    """A row that has been in this batch."""
    found = await tx.fetchrow(
        f"SELECT {_ROW} FROM livelihood.handover_row r JOIN livelihood.handover_line l"  # noqa: S608 - our own columns
        " ON l.row_id = r.id WHERE l.handover_id = $1 AND r.id = $2",
        handover_id,
        row_id,
    )
    return None if found is None else _row(found)


async def still_to_send(tx: Transaction, handover_id: UUID) -> list[HandoverRow]:
    """The rows of a batch of which nobody has noted yet that they went out."""
    rows = await tx.fetch(
        f"SELECT {_ROW} FROM livelihood.handover_row r"  # noqa: S608 - our own columns
        " WHERE r.handover_id = $1 AND r.status = ANY ($2) ORDER BY r.id",
        handover_id,
        sorted(WAITING),
    )
    return [_row(row) for row in rows]


def _row(record: asyncpg.Record) -> HandoverRow:
    made = HandoverRow()
    made.__dict__.update(record)
    return made


class Waits(NamedTuple):
    """A row that the next batch takes, with the award as it stands today."""

    line: rules.Line
    person_id: UUID


async def waiting(tx: Transaction, *, limit: int) -> list[Waits]:
    """What the next batch takes, first come first; of an award one row at a time, in order."""
    rows = await tx.fetch(
        """
        SELECT r.id, r.kind, a.covered_size, a.start_period, a.last_period, a.payee_id
        FROM livelihood.handover_row r JOIN livelihood.award a ON a.id = r.award_id
        WHERE r.handover_id IS NULL AND r.status IN ('ready', 'corrected') AND NOT EXISTS (
            SELECT FROM livelihood.handover_row e WHERE e.award_id = r.award_id
                AND e.number < r.number AND e.status IN ('ready', 'corrected'))
        ORDER BY r.id LIMIT $1 FOR UPDATE OF r
        """,
        limit,
    )
    return [
        Waits(
            rules.Line(
                row["id"],
                row["kind"],
                row["covered_size"],
                row["start_period"],
                row["last_period"] if row["kind"] == rules.REMOVAL else None,
            ),
            row["payee_id"],
        )
        for row in rows
    ]


async def lines(tx: Transaction, handover_id: UUID) -> list[Waits]:
    """The lines of a batch as they were frozen."""
    rows = await tx.fetch(
        "SELECT row_id, kind, covered_size, from_period, last_period, person_id"
        " FROM livelihood.handover_line WHERE handover_id = $1 ORDER BY line",
        handover_id,
    )
    return [Waits(rules.Line(*tuple(row)[:5]), row["person_id"]) for row in rows]


# Batches


async def batch(tx: Transaction, handover_id: UUID) -> asyncpg.Record:
    """A batch with its counts. Raises NotFound."""
    found = await tx.fetchrow(f"{_COUNTED} WHERE h.id = $1", handover_id)
    if found is None:
        raise NotFound
    return found


async def batches(tx: Transaction, *, limit: int, cursor: str | None) -> Page[HandoverOut]:
    """Every batch, the newest first."""
    before = [] if cursor is None else Cursor.decode(cursor, int)
    rows = await tx.fetch(
        f"{_COUNTED} {'WHERE h.number < $2' if before else ''} ORDER BY h.number DESC LIMIT $1",
        limit + 1,
        *before,
    )
    items = [shown(row) for row in rows[:limit]]
    following = Cursor.encode([items[-1].number]) if len(rows) > limit else None
    return Page[HandoverOut](items=items, next_cursor=following)


def shown(row: asyncpg.Record) -> HandoverOut:
    """A batch as its readers see it."""
    return HandoverOut(**_head(row))


def _head(row: asyncpg.Record) -> dict[str, Any]:
    return {
        **{name: value for name, value in row.items() if name in HandoverOut.model_fields},
        "handover_id": row["id"],
        "counts": loads(row["counts"]),
        "built_at_jalali": jalali_text(row["built_at"]),
    }


async def view(
    tx: Transaction, handover_id: UUID, *, limit: int, cursor: str | None
) -> tuple[HandoverView, list[UUID]]:
    """A batch with a page of its lines, and of whom they speak. Raises NotFound."""
    found = await batch(tx, handover_id)
    after = [] if cursor is None else Cursor.decode(cursor, int)
    rows = await tx.fetch(
        f"""
        SELECT l.row_id AS reference, l.line, l.kind, l.covered_size, l.from_period, l.last_period,
            l.person_id, a.outcome, a.code, r.status
        FROM livelihood.handover_line l JOIN livelihood.handover_row r ON r.id = l.row_id
        LEFT JOIN livelihood.handover_answer a
            ON a.handover_id = l.handover_id AND a.row_id = l.row_id
        WHERE l.handover_id = $1 {"AND l.line > $3" if after else ""} ORDER BY l.line LIMIT $2
        """,  # noqa: S608 - one of two constants
        handover_id,
        limit + 1,
        *after,
    )
    items = [
        HandoverLineOut(
            **{name: value for name, value in row.items() if name != "person_id"},
            status_label=HANDOVER.labels[HANDOVER.status(row["status"])],
        )
        for row in rows[:limit]
    ]
    following = Cursor.encode([items[-1].line]) if len(rows) > limit else None
    out = HandoverView(**_head(found), items=items, next_cursor=following)
    return out, [row["person_id"] for row in rows[:limit]]
