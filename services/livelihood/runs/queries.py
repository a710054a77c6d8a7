"""Reads of runs: the run with its history and progress, its items, the rates and the budget."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood.runs import rules
from services.livelihood.runs.models import Run
from services.livelihood.runs.rules import Rate
from services.livelihood.runs.schemas import ItemOut, Progress, RunOut, RunRow
from services.livelihood.runs.workflow import FUNDED, RUN
from shared.cases import past_step
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text
from shared.web.auth import Actor
from shared.web.page import Cursor, InvalidCursor, Page

_RUN = ", ".join(f"r.{column.name}" for column in Run.__table__.columns)
_WITH_PAST = f"""
SELECT {_RUN}, (SELECT json_agg(h ORDER BY h.version) FROM livelihood.history h
                WHERE h.subject_id = r.id) AS past
FROM livelihood.run r WHERE r.id = $1
"""  # noqa: S608 - columns of the model
# A filter that stands in the statement as it is can use the index made for it.
_OF_STATE = {None: "", "planned": "AND state = 'planned'", "held": "AND state = 'held'"}
_STATE_LABELS = {"planned": "برنامه‌ریزی‌شده", "held": "نگه‌داشته"}


# What a run stands on


async def rates_for(tx: Transaction, period: int) -> list[Rate]:
    """The rate of each covered size in a month, by size; sizes without one are not there.

    In production a rate that nobody has confirmed is none.
    """
    rows = await tx.fetch(
        "SELECT covered_size, amount_rial, from_period, to_period FROM livelihood.rate"
        " WHERE from_period <= $1 AND (to_period IS NULL OR to_period >= $1)"
        " AND ($2 OR confirmed_by IS NOT NULL OR confidence = 'H') ORDER BY covered_size",
        period,
        not tx.runtime.settings.production,
    )
    return [Rate(*row) for row in rows]


async def budget_locked(tx: Transaction, year: int) -> int:
    """The budget of a Jalali year in Rials, by its newest version.

    Nobody else binds any of it, nor changes it, until this transaction ends: it is only added to,
    so the lock is on the year. A year without a budget, or in production with one that nobody has
    confirmed, has none to give.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await tx.fetch(lock, f"livelihood.budget/{year}")
    row = await tx.fetchrow(
        "SELECT amount_rial, $2 OR confirmed_by IS NOT NULL OR confidence = 'H' AS usable"
        " FROM livelihood.budget WHERE year = $1 ORDER BY version DESC LIMIT 1",
        year,
        not tx.runtime.settings.production,
    )
    return int(row["amount_rial"]) if row and row["usable"] else 0


async def bound_in(tx: Transaction, year: int) -> int:
    """What the funded runs of a year come to, in Rials."""
    row = await tx.fetchrow(
        "SELECT coalesce(sum(planned_rial + held_rial), 0) AS bound FROM livelihood.run"
        " WHERE period BETWEEN $1 * 100 + 1 AND $1 * 100 + 12 AND status = ANY ($2)",
        year,
        list(FUNDED),
    )
    return int(row["bound"]) if row else 0


# Runs


async def find_run(tx: Transaction, run_id: UUID) -> Run | None:
    """The run with its history, ready for a step."""
    record = await tx.fetchrow(_WITH_PAST, run_id)
    if record is None:
        return None
    run = Run()
    values = dict(record)
    past = loads(values.pop("past")) or []
    run.__dict__.update(values, rates=loads(values["rates"]))
    run.past = past
    return run


async def run_of(tx: Transaction, period: int, kind: str) -> UUID | None:
    """The run of a month and kind."""
    row = await tx.fetchrow(
        "SELECT id FROM livelihood.run WHERE period = $1 AND kind = $2", period, kind
    )
    return row["id"] if row else None


async def shards(tx: Transaction, run_id: UUID) -> list[asyncpg.Record]:
    """The shards of a run in their order, with what each came to."""
    return await tx.fetch(
        "SELECT planned, held, planned_rial, held_rial, digest, done_at"
        " FROM livelihood.run_shard WHERE run_id = $1 ORDER BY number",
        run_id,
    )


async def progress(tx: Transaction, run_id: UUID) -> Progress:
    """How far the snapshot of a run has come."""
    row = await tx.fetchrow(
        "SELECT count(*) AS shards, count(done_at) AS done,"
        " coalesce(sum(planned + held), 0)::bigint AS taken"
        " FROM livelihood.run_shard WHERE run_id = $1",
        run_id,
    )
    return Progress(**row) if row else Progress(shards=0, done=0, taken=0)


async def runs(tx: Transaction, *, limit: int, cursor: str | None) -> Page[RunRow]:
    """Every run, the latest month first."""
    after = [] if cursor is None else _month_and_kind(*Cursor.decode(cursor, int, str))
    rows = await tx.fetch(
        f"""
        SELECT id AS run_id, period, kind, status, version, planned, held, planned_rial, held_rial,
               snapshot_hash, rate_version, opened_at
        FROM livelihood.run {"WHERE (period, kind) < ($2, $3)" if after else ""}
        ORDER BY period DESC, kind DESC LIMIT $1
        """,  # noqa: S608 - one of two constants
        limit + 1,
        *after,
    )
    items = [RunRow(**_shown(row)) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page[RunRow](items=items)
    last = rows[limit - 1]
    return Page[RunRow](items=items, next_cursor=Cursor.encode([last["period"], last["kind"]]))


def run_out(run: Run, actor: Actor, *, how_far: Progress) -> RunOut:
    """A run as this caller sees it, with what they may do now."""
    status = RUN.status(run.status)
    done = {past["step"] for past in run.past if past["actor_sub"] == actor.sub}
    columns = {column.name: getattr(run, column.name) for column in Run.__table__.columns}
    return RunOut(
        **_shown(columns | {"run_id": run.id}),
        next_step=RUN.next_step.get(status),
        snapshot_at=run.snapshot_at,
        snapshot_at_jalali=jalali_text(run.snapshot_at) if run.snapshot_at else None,
        approval_ref=run.approval_ref,
        progress=how_far,
        actions=RUN.actions(status, actor.roles, done),
        history=[past_step(RUN, past) for past in run.past],
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `RunRow`; before the snapshot nothing is counted yet."""
    counts = {name: row[name] or 0 for name in ("planned", "held")}
    totals = {name: row[f"{name}_rial"] or 0 for name in ("planned", "held")}
    return {
        "run_id": row["run_id"],
        "period": rules.as_text(row["period"]),
        "kind": row["kind"],
        "status": row["status"],
        "status_label": RUN.labels[RUN.status(row["status"])],
        "version": row["version"],
        "counts": {"items": sum(counts.values()), **counts},
        "totals_rial": {"approved": sum(totals.values()), **totals},
        "snapshot_hash": row["snapshot_hash"],
        "rate_version": row["rate_version"],
        "opened_at": row["opened_at"],
        "opened_at_jalali": jalali_text(row["opened_at"]),
    }


# Items


async def items(
    tx: Transaction, run: Run, *, status: str | None, limit: int, cursor: str | None
) -> Page[ItemOut]:
    """The items of a run in the order of their ids."""
    after = [] if cursor is None else [_id(*Cursor.decode(cursor, str))]
    rows = await tx.fetch(
        f"""
        SELECT id AS item_id, award_id, household_id, component, covered_size, amount_rial,
               state AS status, reason
        FROM livelihood.item WHERE period = $1 AND run_id = $2 {_OF_STATE[status]}
        {"AND id > $4" if after else ""}
        ORDER BY id LIMIT $3
        """,  # noqa: S608 - of constants
        run.period,
        run.id,
        limit + 1,
        *after,
    )
    found = [ItemOut(**row, status_label=_STATE_LABELS[row["status"]]) for row in rows[:limit]]
    following = Cursor.encode([str(found[-1].item_id)]) if len(rows) > limit else None
    return Page[ItemOut](items=found, next_cursor=following)


async def paid_people(
    tx: Transaction, run: Run, *, after: UUID | None, limit: int
) -> tuple[list[UUID], UUID | None]:
    """Who was paid in a run, a page in the order of the items, and where the next one begins."""
    beyond = "AND i.id > $4" if after else ""
    rows = await tx.fetch(
        f"""
        SELECT i.id, a.payee_id FROM livelihood.item i JOIN livelihood.award a ON a.id = i.award_id
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


def _month_and_kind(period: int, kind: str) -> list[Any]:
    if not 0 <= period < 2**31:
        raise InvalidCursor
    return [period, kind]
