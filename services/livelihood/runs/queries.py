"""Reads of runs: the run with its history and progress, its files, the rates and the budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.livelihood.runs import rules
from services.livelihood.runs.models import BankFile, Run
from services.livelihood.runs.rules import TOP_SIZE, Closed, Cycles, Rate
from services.livelihood.runs.schemas import FileOut, Progress, RunOut, RunRow
from services.livelihood.runs.workflow import FUNDED, RUN
from shared.cases import past_step
from shared.storage import policy
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, tehran_date
from shared.web.auth import Actor
from shared.web.page import Cursor, InvalidCursor, Page

_RUN = ", ".join(f"r.{column.name}" for column in Run.__table__.columns)
_WITH_PAST = f"""
SELECT {_RUN}, (SELECT json_agg(h ORDER BY h.version) FROM livelihood.history h
                WHERE h.subject_id = r.id) AS past
FROM livelihood.run r WHERE r.id = $1
"""  # noqa: S608 - columns of the model


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


async def closed_months(tx: Transaction, until: int) -> list[Closed]:
    """The months up to this one whose regular list is closed, with the rates of now.

    Those last reckoned by are its own, or the ones of a list that was closed since. A month for
    which not every size has a rate any more is left as it is.
    """
    rows = await tx.fetch(
        """
        SELECT r.id, r.period, r.opened_at, now.amounts,
            coalesce(r.reckoned, (SELECT array_agg((x ->> 1)::bigint ORDER BY x -> 0)
                                  FROM jsonb_array_elements(r.rates) x)) AS before
        FROM livelihood.run r
        CROSS JOIN LATERAL (
            SELECT array_agg(amount_rial ORDER BY covered_size) AS amounts FROM livelihood.rate
            WHERE from_period <= r.period AND (to_period IS NULL OR to_period >= r.period)
              AND ($2 OR confirmed_by IS NOT NULL OR confidence = 'H')
        ) now
        WHERE r.kind = 'regular' AND r.status <> 'open' AND r.period <= $1 ORDER BY r.period
        """,
        until,
        not tx.runtime.settings.production,
    )
    return [
        Closed(row["period"], row["id"], row["opened_at"], row["amounts"],
               anew=row["amounts"] != row["before"])
        for row in rows if len(row["amounts"] or ()) == TOP_SIZE
    ]  # fmt: skip


async def note_reckoned(tx: Transaction, run: Run) -> None:
    """The closed months that this run has compared by other rates stand by those from now on."""
    for one in (Closed.read(stored) for stored in run.reckons if stored["anew"]):
        statement = "UPDATE livelihood.run SET reckoned = $2 WHERE id = $1"
        await tx.write(statement, one.run_id, one.amounts)


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
    stored = {name: loads(values[name]) for name in ("rates", "reckons", "recovery", "worth")}
    run.__dict__.update(values, **stored)
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


class Figure(NamedTuple):
    """So many items with so many Rials."""

    items: int
    amount_rial: int


async def figures(tx: Transaction, run: Run) -> dict[str, Figure]:
    """How many items of a run stand in each state now, and with how much."""
    rows = await tx.fetch(
        "SELECT CASE WHEN reversed THEN 'withdrawn' ELSE state END AS state,"
        " count(*) AS items, sum(amount_rial)::bigint AS amount"
        " FROM livelihood.item WHERE period = $1 AND run_id = $2 GROUP BY 1",
        run.period,
        run.id,
    )
    return {row["state"]: Figure(row["items"], row["amount"]) for row in rows}


def run_out(
    run: Run, actor: Actor, *, how_far: Progress, now: Mapping[str, Figure] | None = None
) -> RunOut:
    """A run as this caller sees it, with what they may do now.

    `now` is how its items stand; without it, it is shown as its snapshot froze it.
    """
    status = RUN.status(run.status)
    done = {past["step"] for past in run.past if past["actor_sub"] == actor.sub}
    columns = {column.name: getattr(run, column.name) for column in Run.__table__.columns}
    shown = _shown(columns | {"run_id": run.id})
    if now:
        shown["counts"] = {"items": shown["counts"]["items"], **_stand(now, 0)}
        shown["totals_rial"] = {"approved": shown["totals_rial"]["approved"], **_stand(now, 1)}
    return RunOut(
        **shown,
        next_step=RUN.next_step.get(status),
        snapshot_at=run.snapshot_at,
        snapshot_at_jalali=jalali_text(run.snapshot_at) if run.snapshot_at else None,
        approval_ref=run.approval_ref,
        progress=how_far,
        actions=RUN.actions(status, actor.roles, done),
        history=[past_step(RUN, past) for past in run.past],
    )


_STANDS = {
    "planned": ("planned",),
    "held": ("held",),
    "queued": ("queued", "requeued", "sent"),
    "paid": ("paid", "recovery_due"),
    "returned": ("returned",),
    "unknown": ("unknown",),
    "withdrawn": ("withdrawn",),
}


def _stand(now: Mapping[str, Figure], which: int) -> dict[str, int]:
    """Counts (0) or Rials (1) as they are shown."""
    none = Figure(0, 0)
    return {
        name: sum(now.get(state, none)[which] for state in states)
        for name, states in _STANDS.items()
    }


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


def _month_and_kind(period: int, kind: str) -> list[Any]:
    if not 0 <= period < 2**31:
        raise InvalidCursor
    return [period, kind]


# Payment files

_FILE_LABELS = {
    "filling": "در دست ساخت",
    "built": "آماده",
    "sending": "در راه بانک",
    "accepted": "پذیرفتهٔ بانک",
    "unknown": "نامعلوم؛ از بانک پرسیده می‌شود",
    "rejected": "نپذیرفتهٔ بانک",
}


async def files(tx: Transaction, run: Run, *, limit: int, cursor: str | None) -> Page[FileOut]:
    """The payment files of a run in the order of their numbers."""
    after = 0 if cursor is None else Cursor.decode(cursor, int)[0]
    rows = await tx.fetch(
        "SELECT * FROM livelihood.bank_file WHERE run_id = $1 AND number > $2::bigint"
        " ORDER BY number LIMIT $3",
        *(run.id, after, limit + 1),
    )
    found = [await _file_out(tx, row) for row in rows[:limit]]
    following = Cursor.encode([found[-1].number]) if len(rows) > limit else None
    return Page[FileOut](items=found, next_cursor=following)


async def _file_out(tx: Transaction, row: asyncpg.Record) -> FileOut:
    cycles = await cycles_on(tx, tehran_date(row["built_at"]))
    promised_on = cycles.promised_on(row["cycle_at"])
    given = {name: row[name] for name in FileOut.model_fields if name in row}
    return FileOut(
        **given,
        file_id=row["id"],
        status=row["state"],
        status_label=_FILE_LABELS[row["state"]],
        promised_on=promised_on,
        promised_on_jalali=jalali_text(promised_on),
    )


async def written_file(tx: Transaction, run_id: UUID, number: int) -> BankFile | None:
    """One file of a run that has been written."""
    row = await tx.fetchrow(
        "SELECT * FROM livelihood.bank_file WHERE run_id = $1 AND number = $2"
        " AND state <> 'filling'",
        *(run_id, number),
    )
    return BankFile(**row) if row else None


async def file_of(tx: Transaction, file_id: UUID) -> BankFile | None:
    """One file by its message id."""
    row = await tx.fetchrow("SELECT * FROM livelihood.bank_file WHERE id = $1", file_id)
    return BankFile(**row) if row else None


@dataclass(frozen=True, slots=True)
class Terms:
    """The dated policies that payment files are made by, as they were on one day."""

    rows_per_file: int
    rial_per_file: int
    rial_per_instruction: int
    payer_name: str
    payer_sheba: str
    pays: Mapping[str, str]
    cycles: Cycles

    def banks(self) -> tuple[list[str], list[str]]:
        """Bank codes of a Sheba, and beside each the bank that pays for it now."""
        return list(self.pays), list(self.pays.values())


async def terms_on(tx: Transaction, day: date) -> Terms:
    """What was in force on a day. Raises PolicyMissing."""
    limits = await policy.on(tx, "livelihood.bank_limits", day)
    payer = await policy.on(tx, "livelihood.payer", day)
    banks = await policy.on(tx, "livelihood.banks", day)
    return Terms(
        **limits,
        payer_name=payer["name"],
        payer_sheba=payer["sheba"],
        pays=banks["pays"],
        cycles=await cycles_on(tx, day),
    )


async def cycles_on(tx: Transaction, day: date) -> Cycles:
    """The cycles and holidays as known on a day. Raises PolicyMissing."""
    holidays = await policy.on(tx, "calendar.holidays", day)
    weekend = await policy.on(tx, "calendar.weekend", day)
    closed = frozenset(date.fromisoformat(one["on"]) for one in holidays["days"])
    return Cycles.of(await policy.on(tx, "livelihood.paya", day), closed, weekend["weekdays"])
