"""The items of a run: in pages, and as a table of all of them."""

from collections.abc import AsyncIterator
from uuid import UUID

from services.livelihood.runs.models import Run
from services.livelihood.runs.schemas import ItemOut
from shared.storage.db import Runtime, Transaction
from shared.values import sheet
from shared.web.page import Cursor, InvalidCursor, Page

STATE_LABELS = {
    "planned": "برنامه‌ریزی‌شده",
    "held": "نگه‌داشته",
    "queued": "در فایل پرداخت",
    "requeued": "دوباره در فایل پرداخت",
    "sent": "فرستاده‌شده به بانک",
    "paid": "پرداخت‌شده",
    "unknown": "نامعلوم نزد بانک",
    "returned": "برگشتی بانک",
    "recovery_due": "در دست وصول",
}
TABLE_ROWS = 2_000
_TABLE = (
    *("period", "kind", "item_id", "tracking_code", "award_id", "household_id", "component"),
    *("covered_size", "amount_rial", "recovered_rial", "status", "reason"),
)


def _of_state(status: str | None) -> str:
    """A filter that stands in the statement as it is can use the index made for it."""
    if status is None:
        return ""
    if status not in STATE_LABELS:
        raise ValueError("no such state")
    return f"AND state = '{status}'"


async def items(
    tx: Transaction, run: Run, *, status: str | None, limit: int, cursor: str | None
) -> Page[ItemOut]:
    """The items of a run in the order of their ids."""
    after = [] if cursor is None else [_id(*Cursor.decode(cursor, str))]
    rows = await tx.fetch(
        f"""
        SELECT id AS item_id, award_id, household_id, component, covered_size, amount_rial,
               recovered_rial, state AS status, reason
        FROM livelihood.item WHERE period = $1 AND run_id = $2 {_of_state(status)}
        {"AND id > $4" if after else ""}
        ORDER BY id LIMIT $3
        """,  # noqa: S608 - of constants
        run.period,
        run.id,
        limit + 1,
        *after,
    )
    found = [ItemOut(**row, status_label=STATE_LABELS[row["status"]]) for row in rows[:limit]]
    following = Cursor.encode([str(found[-1].item_id)]) if len(rows) > limit else None
    return Page[ItemOut](items=found, next_cursor=following)


def item_table(
    runtime: Runtime, run: Run, *, status: str | None, cursor: str | None
) -> AsyncIterator[str]:
    """The items of a run as CSV, in pieces. Raises InvalidCursor at once, before any piece."""
    after = UUID(int=0) if cursor is None else _id(*Cursor.decode(cursor, str))
    return _pieces(runtime, run, status, after)


async def _pieces(
    runtime: Runtime, run: Run, status: str | None, after: UUID
) -> AsyncIterator[str]:
    """Between two pieces no connection is held, however slowly they are read."""
    yield sheet.BOM + sheet.lines([_TABLE])
    sql = f"""
        SELECT left(i.period::text, 4) || '-' || right(i.period::text, 2) AS period, i.kind,
            i.id::text AS item_id, a.tracking_code, i.award_id::text, i.household_id::text,
            i.component, i.covered_size, i.amount_rial, i.recovered_rial, i.state AS status,
            i.reason
        FROM (SELECT * FROM livelihood.item
              WHERE period = $1 AND run_id = $2 AND id > $3 {_of_state(status)}
              ORDER BY id LIMIT $4) AS i
        LEFT JOIN livelihood.paid_award a ON a.id = i.award_id ORDER BY i.id
        """  # noqa: S608 - of constants
    while True:
        async with runtime.transaction() as tx:
            rows = await tx.fetch(sql, run.period, run.id, after, TABLE_ROWS)
        if rows:
            yield sheet.lines(rows)
        if len(rows) < TABLE_ROWS:
            return
        after = UUID(rows[-1]["item_id"])


async def paid_people(
    tx: Transaction, run: Run, *, after: UUID | None, limit: int
) -> tuple[list[UUID], UUID | None]:
    """Who was paid in a run, a page in the order of the items, and where the next one begins."""
    beyond = "AND i.id > $4" if after else ""
    rows = await tx.fetch(
        f"""
        SELECT i.id, a.payee_id FROM livelihood.item i
        JOIN livelihood.paid_award a ON a.id = i.award_id
        WHERE i.period = $1 AND i.run_id = $2 AND i.state = 'paid' {beyond}
        ORDER BY i.id LIMIT $3
        """,  # noqa: S608 - one of two constants
        run.period,
        run.id,
        limit,
        *([after] if after else []),
    )
    following = rows[-1]["id"] if len(rows) == limit else None
    return [row["payee_id"] for row in rows], following


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidCursor from None
