"""Payments of the awards that a caller may see, the latest month first."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.livelihood.payments.schemas import PaymentOut
from services.livelihood.queries import award_id as parse_id
from services.livelihood.queries import seen_by
from services.livelihood.runs.items import STATE_LABELS
from services.livelihood.runs.queries import cycles_on
from services.livelihood.runs.rules import Cycles, as_text
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text, tehran_date
from shared.web.auth import Actor
from shared.web.page import Cursor, InvalidCursor, Page

# Month by month through the index of who is in a month once.
_PAYMENTS = """
SELECT i.period, i.id AS payment_id, i.award_id, i.kind, i.component, i.amount_rial,
    i.state AS status, i.reason, live.cycle_at, live.settled_at
FROM (
    SELECT a.id, a.household_id FROM livelihood.paid_award a
    JOIN livelihood."case" c ON c.id = a.case_id WHERE {seen}
) AS mine
CROSS JOIN livelihood.run r
JOIN livelihood.item i ON i.period = r.period AND i.kind = r.kind AND NOT i.reversed
    AND i.household_id = mine.household_id AND i.award_id = mine.id AND i.run_id = r.id
CROSS JOIN LATERAL (
    SELECT max(f.cycle_at) AS cycle_at, max(n.settled_at) AS settled_at
    FROM livelihood.instruction n JOIN livelihood.bank_file f ON f.id = n.file_id
    WHERE n.period = i.period AND n.item_id = i.id AND n.state <> 'returned'
) AS live
WHERE {after}
ORDER BY i.period DESC, i.id DESC LIMIT {limit}
"""


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    award_id: UUID | None,
    tracking_code: str | None,
    limit: int,
    cursor: str | None,
) -> Page[PaymentOut]:
    """The payments of the awards that this caller may see."""
    seen, values = seen_by(tx, actor, also="${n}::bytea = a.payee_index")
    for condition, value in (("a.id = ${n}", award_id), ("a.tracking_code = ${n}", tracking_code)):
        if value is not None:
            values.append(value)
            seen.append(condition.format(n=len(values)))
    after = "true"
    if cursor is not None:
        values += _after(*Cursor.decode(cursor, int, str))
        after = f"(i.period, i.id) < (${len(values) - 1}, ${len(values)})"
    values.append(limit + 1)
    sql = _PAYMENTS.format(seen=" AND ".join(seen), after=after, limit=f"${len(values)}")
    rows = await tx.fetch(sql, *values)
    cycles = await cycles_on(tx, tehran_date(tx.now))
    found = [_shown(row, cycles) for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        following = Cursor.encode([rows[limit - 1]["period"], str(found[-1].payment_id)])
    return Page[PaymentOut](items=found, next_cursor=following)


def _shown(row: Mapping[str, Any], cycles: Cycles) -> PaymentOut:
    promised_on = cycles.promised_on(row["cycle_at"]) if row["cycle_at"] else None
    paid_at = row["settled_at"] if row["status"] == "paid" else None
    given = {name: row[name] for name in PaymentOut.model_fields if name in dict(row)}
    return PaymentOut(
        **given | {"period": as_text(row["period"])},
        status_label=STATE_LABELS[row["status"]],
        promised_on=promised_on,
        promised_on_jalali=jalali_text(promised_on) if promised_on else None,
        paid_at=paid_at,
        paid_at_jalali=jalali_text(paid_at) if paid_at else None,
    )


def _after(period: int, payment_id: str) -> list[Any]:
    if not 0 <= period < 2**31:
        raise InvalidCursor
    return [period, parse_id(payment_id)]
