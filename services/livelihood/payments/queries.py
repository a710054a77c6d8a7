"""Payments of the awards that a caller may see, the latest month first."""

from collections.abc import Mapping, Sequence
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

# Three questions instead of one: months are partitions, and a plan over every month there ever was
# would take longer than its answer.
_MINE = """
SELECT a.id, a.household_id FROM livelihood.paid_award a
JOIN livelihood."case" c ON c.id = a.case_id WHERE {seen}
"""
_MONTHS = "SELECT DISTINCT period FROM livelihood.run WHERE period <= $1 ORDER BY period DESC"
AT_ONCE = 24
"""Months that are looked into at a time."""
_ITEMS = """
SELECT i.period, i.id AS payment_id, i.award_id, i.kind, i.component, i.amount_rial,
    i.state AS status, i.reason
FROM livelihood.item i
WHERE i.period = ANY (ARRAY[{months}]) AND i.household_id = ANY ($1) AND i.award_id = ANY ($2)
    AND NOT i.reversed AND (i.period, i.id) < ($3, $4)
ORDER BY i.period DESC, i.id DESC LIMIT $5
"""
_LIVE = """
SELECT n.item_id, max(f.cycle_at) AS cycle_at, max(n.settled_at) AS settled_at
FROM livelihood.instruction n JOIN livelihood.bank_file f ON f.id = n.file_id
WHERE n.period = ANY (ARRAY[{months}]) AND n.item_id = ANY ($1) AND n.state <> 'returned'
GROUP BY n.item_id
"""
_LAST = (2**31 - 1, UUID(int=2**128 - 1))


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
    after = _LAST if cursor is None else _after(*Cursor.decode(cursor, int, str))
    mine = await tx.fetch(_MINE.format(seen=" AND ".join(seen)), *values)
    items = await _items(tx, mine, after=after, most=limit + 1) if mine else []
    live = await _live(tx, items[:limit])
    cycles = await cycles_on(tx, tehran_date(tx.now))
    found = [_shown({**row, **live.get(row["payment_id"], _NOT_YET)}, cycles) for row in items]
    following = None
    if len(items) > limit:
        following = Cursor.encode([items[limit - 1]["period"], str(found[limit - 1].payment_id)])
    return Page[PaymentOut](items=found[:limit], next_cursor=following)


_NOT_YET = {"cycle_at": None, "settled_at": None}


async def _items(
    tx: Transaction,
    mine: Sequence[Mapping[str, Any]],
    *,
    after: tuple[int, UUID],
    most: int,
) -> list[dict[str, Any]]:
    """So many payments of these awards, the latest month first."""
    homes, awards = [row["household_id"] for row in mine], [row["id"] for row in mine]
    months = [row["period"] for row in await tx.fetch(_MONTHS, after[0])]
    found: list[dict[str, Any]] = []
    for start in range(0, len(months), AT_ONCE):
        sql = _ITEMS.format(months=_listed(months[start : start + AT_ONCE]))
        rows = await tx.fetch(sql, homes, awards, *after, most - len(found))
        found += [dict(row) for row in rows]
        if len(found) == most:
            break
    return found


async def _live(
    tx: Transaction, items: Sequence[Mapping[str, Any]]
) -> dict[UUID, Mapping[str, Any]]:
    """On which cycle each payment is on its way, and when a bank said that it was made."""
    if not items:
        return {}
    sql = _LIVE.format(months=_listed(sorted({row["period"] for row in items})))
    rows = await tx.fetch(sql, [row["payment_id"] for row in items])
    return {row["item_id"]: row for row in rows}


def _listed(months: Sequence[int]) -> str:
    """Months as they stand in a statement, so that no other partition is planned for."""
    return ", ".join(str(int(month)) for month in months)


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


def _after(period: int, payment_id: str) -> tuple[int, UUID]:
    if not 0 <= period < 2**31:
        raise InvalidCursor
    return period, parse_id(payment_id)
