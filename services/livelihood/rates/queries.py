"""Reading rates, budgets and quotas: for whoever pays by them, and for whoever asks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from services.livelihood.rates import rules
from services.livelihood.rates.errors import BudgetMissing, RateMissing
from services.livelihood.rates.rules import Rate
from services.livelihood.rates.schemas import (
    BudgetOut,
    CostOut,
    DecileCostOut,
    ProvinceCostOut,
    QuotaOut,
    RateOut,
    SimulationOut,
    SizeCostOut,
)
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, period_of, tehran_date
from shared.web.page import Cursor, Page

MONTHS = 12

# For whoever pays


async def rates_within(tx: Transaction, first: int, last: int) -> list[Rate]:
    """Every rate that holds in one of these months (yyyymm, both inside), by size and month."""
    rows = await tx.fetch(
        "SELECT id, covered_size, amount_rial, from_period, to_period,"
        " $3 OR confirmed_by IS NOT NULL OR confidence = 'H' AS usable"
        " FROM livelihood.rate WHERE during && int4range($1, $2, '[]')"
        " ORDER BY covered_size, from_period",
        first,
        last,
        not tx.runtime.settings.production,
    )
    return [Rate(**row) for row in rows]


async def rate_on(tx: Transaction, size: int, period: int) -> Rate:
    """The monthly rate for so many covered members in a month (yyyymm), LV-12.

    Raises RateMissing: no row, or in production one that nobody has confirmed; ValueError for a
    size below one.
    """
    found = Rate.among(await rates_within(tx, period, period), size, period)
    if found is None or not found.usable:
        raise RateMissing(
            covered_size=rules.step_of(size),
            period=rules.text(period),
            unconfirmed=found is not None,
        )
    return found


async def budget_of(tx: Transaction, year: int, *, lock: bool = False) -> int:
    """The Rials that a Jalali year may cost, by its newest version (LV-05).

    With `lock` no other run and no new version of that year comes between until the transaction
    ends. Raises BudgetMissing: no row, or in production one that nobody has confirmed.
    """
    if lock:
        await lock_budget(tx, year)
    row = await tx.fetchrow(
        "SELECT amount_rial, confirmed_by, confidence FROM livelihood.budget WHERE year = $1"
        " ORDER BY version DESC LIMIT 1",
        year,
    )
    if row is None or not (confirmed(row) or not tx.runtime.settings.production):
        raise BudgetMissing(year=year, unconfirmed=row is not None)
    return int(row["amount_rial"])


async def lock_budget(tx: Transaction, year: int) -> None:
    """One at a time for a year's budget: the table is only added to, so no row can be locked."""
    await alone(tx, f"livelihood.budget/{year}")


async def alone(tx: Transaction, name: str) -> None:
    """Until the transaction ends, nobody else is in the section of this name."""
    await tx.begin()
    await tx.fetchrow("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


# For whoever asks


async def rates(
    tx: Transaction,
    *,
    covered_size: int | None,
    period: str | None,
    page: tuple[int, str | None],
) -> Page[RateOut]:
    """Rates, the newest month first: of one size, or those that hold in one month."""
    limit, cursor = page
    rows = await tx.fetch(
        """
        SELECT * FROM livelihood.rate
        WHERE ($1::int IS NULL OR covered_size = $1) AND ($2::int IS NULL OR during @> $2)
          AND ($3::bigint IS NULL OR from_period < $3
               OR (from_period = $3 AND covered_size > $4::bigint))
        ORDER BY from_period DESC, covered_size LIMIT $5
        """,
        covered_size,
        None if period is None else rules.number(period),
        *((None, None) if cursor is None else Cursor.decode(cursor, int, int)),
        limit + 1,
    )
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page[RateOut](
        items=[RateOut(**rate_fields(row)) for row in rows[:limit]],
        next_cursor=Cursor.encode([last["from_period"], last["covered_size"]]) if last else None,
    )


def rate_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table as RateOut shows it."""
    announced = row["announced_on"]
    month = None if announced is None else rules.number(period_of(announced))
    late = rules.months_late(row["from_period"], month)
    names = ("covered_size", "amount_rial", "approval_ref", "source_ref", "confidence")
    return {
        **{name: row[name] for name in names},
        "rate_id": row["id"],
        "from_period": rules.text(row["from_period"]),
        "to_period": None if row["to_period"] is None else rules.text(row["to_period"]),
        "confirmed": confirmed(row),
        "announced_on": announced,
        "announced_late": late > 0,
        "late_by_months": late,
    }


def confirmed(row: Mapping[str, Any]) -> bool:
    """Whether production may use a row."""
    return rules.confirmed(by=row["confirmed_by"], confidence=row["confidence"])


async def budgets(
    tx: Transaction, *, year: int | None, page: tuple[int, str | None]
) -> Page[BudgetOut]:
    """Budgets with all their versions, the newest first."""
    limit, cursor = page
    rows = await tx.fetch(
        """
        SELECT b.*, b.version = (SELECT max(version) FROM livelihood.budget n
                                 WHERE n.year = b.year) AS in_force
        FROM livelihood.budget b
        WHERE ($1::int IS NULL OR year = $1)
          AND ($2::bigint IS NULL OR (year, version) < ($2, $3::bigint))
        ORDER BY year DESC, version DESC LIMIT $4
        """,
        year,
        *((None, None) if cursor is None else Cursor.decode(cursor, int, int)),
        limit + 1,
    )
    items = [budget_out(row, in_force=row["in_force"]) for row in rows[:limit]]
    more = len(rows) > limit
    following = Cursor.encode([items[-1].year, items[-1].version]) if more else None
    return Page[BudgetOut](items=items, next_cursor=following)


def budget_out(row: Mapping[str, Any], *, in_force: bool) -> BudgetOut:
    """A version of a budget as it is shown."""
    names = ("year", "version", "amount_rial", "approval_ref", "source_ref", "confidence")
    shown = {name: row[name] for name in names}
    return BudgetOut(**shown, confirmed=confirmed(row), in_force=in_force)


async def quota_row(tx: Transaction, year: int, day: date) -> asyncpg.Record | None:
    """The policy row that says the quotas of a year: in force that day, else its newest one."""
    return await tx.fetchrow(
        """
        SELECT value, source_ref, confirmed_by, confidence FROM livelihood.policy
        WHERE key = 'livelihood.quota' AND (value->>'year')::int = $1
        ORDER BY valid @> $2::date DESC, effective_from DESC LIMIT 1
        """,
        year,
        day,
    )


async def quotas(tx: Transaction, year: int, *, page: tuple[int, str | None]) -> Page[QuotaOut]:
    """The quota of each province in a year and what is used of it, by the province's name."""
    limit, cursor = page
    row = await quota_row(tx, year, tehran_date(tx.now))
    if row is None:
        return Page[QuotaOut](items=[])
    after = "" if cursor is None else Cursor.decode(cursor, str)[0]
    awards: dict[str, int] = loads(row["value"])["awards"]
    used = {
        taken["province"]: taken["used"]
        for taken in await tx.fetch(
            "SELECT province, used FROM livelihood.quota WHERE year = $1", year
        )
    }
    names = sorted(name for name in awards if name > after)
    items = [
        QuotaOut(
            year=year,
            province=name,
            awards=awards[name],
            used=used.get(name, 0),
            left=max(0, awards[name] - used.get(name, 0)),
            source_ref=row["source_ref"],
            confirmed=confirmed(row),
        )
        for name in names[:limit]
    ]
    following = Cursor.encode([items[-1].province]) if len(names) > limit else None
    return Page[QuotaOut](items=items, next_cursor=following)


# What a table would cost. One statement: awards are counted first, then priced.

_COST = """
    WITH proposed AS (
        SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS t (size, amount_rial)
    ), counted AS (
        SELECT least(a.covered_size, 5) AS size, c.province, d.decile,
               count(*) AS awards, sum(a.covered_size) AS people
        FROM livelihood.award a
        JOIN livelihood."case" c ON c.id = a.case_id
        LEFT JOIN livelihood.decile d ON d.household_id = a.household_id
        WHERE a.status <> 'stopped' AND a.covered_size > 0
          AND (a.ends_on IS NULL OR a.ends_on >= $3)
        GROUP BY 1, 2, 3
    )
    SELECT grouping(n.size, n.province, n.decile) AS kind, n.size, n.province, n.decile,
           coalesce(sum(n.awards), 0) AS awards, coalesce(sum(n.people), 0) AS people,
           coalesce(sum(n.awards * p.amount_rial::numeric), 0) AS monthly,
           coalesce(sum(n.awards * r.amount_rial::numeric), 0) AS present,
           coalesce(bool_or(r.id IS NULL), false) AS unknown
    FROM counted n
    JOIN proposed p ON p.size = n.size
    LEFT JOIN livelihood.rate r ON r.covered_size = n.size AND r.during @> $4::int
         AND (NOT $5 OR r.confirmed_by IS NOT NULL OR r.confidence = 'H')
    GROUP BY GROUPING SETS ((), (n.size), (n.province), (n.decile))
    ORDER BY kind, n.size, n.province, n.decile
"""
# Bits of `kind`, from the left: not by size, not by province, not by decile.
_BY_SIZE, _BY_PROVINCE, _BY_DECILE, _TOTAL = 0b011, 0b101, 0b110, 0b111


async def simulate(tx: Transaction, proposed: Sequence[tuple[int, int]]) -> SimulationOut:
    """Twelve months of a proposed table, as (size, Rials), on the awards that are open today.

    The database itself refuses whatever would change a row meanwhile.
    """
    today = tehran_date(tx.now)
    await tx.begin()
    await tx.fetch("SET TRANSACTION READ ONLY")
    rows = await tx.fetch(
        _COST,
        [size for size, _ in proposed],
        [amount for _, amount in proposed],
        today,
        rules.number(period_of(today)),
        tx.runtime.settings.production,
    )
    by_size, by_province, by_decile, total = (
        [row for row in rows if row["kind"] == kind]
        for kind in (_BY_SIZE, _BY_PROVINCE, _BY_DECILE, _TOTAL)
    )
    return SimulationOut(
        on=today,
        on_jalali=jalali_text(today),
        total=CostOut(**_cost(total[0])),
        by_size=[SizeCostOut(covered_size=row["size"], **_cost(row)) for row in by_size],
        by_province=[
            ProvinceCostOut(province=row["province"], **_cost(row)) for row in by_province
        ],
        by_decile=[DecileCostOut(decile=row["decile"], **_cost(row)) for row in by_decile],
    )


def _cost(row: asyncpg.Record) -> dict[str, int | None]:
    return {
        "awards": int(row["awards"]),
        "people": int(row["people"]),
        "monthly_rial": int(row["monthly"]),
        "yearly_rial": MONTHS * int(row["monthly"]),
        "present_yearly_rial": None if row["unknown"] else MONTHS * int(row["present"]),
    }
