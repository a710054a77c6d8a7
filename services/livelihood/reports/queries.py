"""Reads of reports: a month's figures as they were kept, and what was paid to one citizen."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

from services.livelihood.awards.workflow import AWARD
from services.livelihood.reports.errors import NotCovered, ReportNotReady
from services.livelihood.reports.schemas import (
    Figures,
    GroupOut,
    LineOut,
    PaidOut,
    PovertyOut,
    ProofOut,
    RateOfMonth,
    ReportOut,
    StatementOut,
    StateOut,
)
from services.livelihood.runs import rules
from services.livelihood.runs.models import Run
from services.livelihood.runs.workflow import RUN
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text, tehran_date
from shared.values.money import in_words

KINDS = {"regular": "مستمری ماهانه", "arrears": "معوقه", "emergency": "کمک اضطراری"}
REASONS = {
    "elderly": "سالمندی",
    "disabled": "ازکارافتادگی",
    "no_head": "نبود سرپرست",
    "illness": "بیماری",
    "other": "دلیل دیگر",
}
STATES = {
    "planned": "برنامه‌ریزی‌شده",
    "held": "نگه‌داشته",
    "queued": "در فایل پرداخت",
    "sent": "فرستاده‌شده به بانک",
    "paid": "پرداخت‌شده",
    "unknown": "نامعلوم نزد بانک",
    "returned": "برگشتی",
    "requeued": "در نوبت دوباره",
    "recovery_due": "در انتظار بازیافت",
}
UNKNOWN = "نامعلوم"
DECILES = ("اول", "دوم", "سوم", "چهارم", "پنجم", "ششم", "هفتم", "هشتم", "نهم", "دهم")
SIZES = ("یک نفره", "دو نفره", "سه نفره", "چهار نفره", "پنج نفره و بیشتر")

# The month-end report

_FIGURES = """
    SELECT grouping(covered_size, province, reason, decile) AS kind,
        covered_size, province, reason, decile,
        coalesce(sum(households), 0)::bigint AS households,
        coalesce(sum(people), 0)::bigint AS people,
        coalesce(sum(amount_rial), 0)::bigint AS amount_rial,
        coalesce(sum(held), 0)::bigint AS held,
        coalesce(sum(held_rial), 0)::bigint AS held_rial,
        coalesce(sum(known), 0)::bigint AS known,
        coalesce(sum(below), 0)::bigint AS below, coalesce(sum(lifted), 0)::bigint AS lifted
    FROM livelihood.run_group WHERE run_id = $1
    GROUP BY GROUPING SETS ((), (covered_size), (province), (reason), (decile))
    ORDER BY kind, covered_size, province, reason, decile
"""
# Bits of `kind`, from the left: not by size, not by province, not by reason, not by decile.
_TOTAL, _BY_SIZE, _BY_PROVINCE, _BY_REASON, _BY_DECILE = 0b1111, 0b0111, 0b1011, 0b1101, 0b1110


@cache
def provinces() -> Mapping[str, str]:
    """The provinces' names in Persian, by id."""
    data = Path(__file__).parents[1] / "data" / "provinces.json"
    found: dict[str, str] = json.loads(data.read_text(encoding="utf-8"))
    return found


async def report(tx: Transaction, run: Run) -> ReportOut:
    """The report of a list that has been counted. Raises ReportNotReady before that."""
    head = await tx.fetchrow("SELECT * FROM livelihood.run_report WHERE run_id = $1", run.id)
    if head is None or run.snapshot_at is None or run.snapshot_hash is None:
        raise ReportNotReady
    rows = await tx.fetch(_FIGURES, run.id)
    [total] = [row for row in rows if row["kind"] == _TOTAL]
    return ReportOut(
        run_id=run.id,
        period=rules.as_text(run.period),
        kind=run.kind,
        kind_label=KINDS[run.kind],
        status=run.status,
        status_label=RUN.labels[RUN.status(run.status)],
        snapshot_at=run.snapshot_at,
        snapshot_at_jalali=jalali_text(run.snapshot_at),
        snapshot_hash=run.snapshot_hash,
        counted_at=head["counted_at"],
        counted_at_jalali=jalali_text(head["counted_at"]),
        approval_ref=run.approval_ref,
        rate_version=run.rate_version,
        rates=[RateOfMonth(covered_size=rate[0], amount_rial=rate[1]) for rate in run.rates],
        totals=Figures(**_figures(total)),
        by_size=_groups(rows, _BY_SIZE, "covered_size", dict(enumerate(SIZES, start=1))),
        by_province=_by_weight(_groups(rows, _BY_PROVINCE, "province", provinces())),
        by_reason=_by_weight(_groups(rows, _BY_REASON, "reason", REASONS)),
        by_decile=_groups(rows, _BY_DECILE, "decile", _DECILES),
        poverty=_poverty(head, total),
        payments=await _payments(tx, run),
    )


def _figures(row: asyncpg.Record) -> dict[str, int]:
    return {name: row[name] for name in Figures.model_fields}


def _groups(
    rows: Sequence[asyncpg.Record], kind: int, column: str, labels: Mapping[Any, str]
) -> list[GroupOut]:
    """The groups of one kind in the order of their keys; those nobody knew come last."""
    of_kind = sorted((row for row in rows if row["kind"] == kind), key=lambda row: not row[column])
    return [
        GroupOut(
            key=str(row[column]) if row[column] else None,
            label=labels.get(row[column], str(row[column])) if row[column] else UNKNOWN,
            **_figures(row),
        )
        for row in of_kind
    ]


def _by_weight(groups: list[GroupOut]) -> list[GroupOut]:
    return sorted(groups, key=lambda one: (one.key is None, -one.amount_rial, one.key))


_DECILES = {number: f"دهک {name}" for number, name in enumerate(DECILES, start=1)}


def _poverty(head: asyncpg.Record, total: asyncpg.Record) -> PovertyOut | None:
    if head["line_rial"] is None:
        return None
    line = LineOut(
        per_person_rial=head["line_rial"],
        effective_from=head["line_from"],
        effective_from_jalali=jalali_text(head["line_from"]),
        source=head["line_source"],
        confirmed=head["line_confirmed"],
    )
    return PovertyOut(
        line=line,
        known=total["known"],
        unknown=total["households"] - total["known"],
        below=total["below"],
        lifted=total["lifted"],
        still_below=total["below"] - total["lifted"],
    )


async def _payments(tx: Transaction, run: Run) -> list[StateOut]:
    """Where the money stands now, in the order of a payment's life."""
    rows = await tx.fetch(
        "SELECT state, count(*) AS items, sum(amount_rial)::bigint AS amount_rial"
        " FROM livelihood.item WHERE period = $1 AND run_id = $2 GROUP BY state",
        run.period,
        run.id,
    )
    by_state = {row["state"]: row for row in rows}
    return [
        StateOut(
            status=state,
            status_label=label,
            items=by_state[state]["items"],
            amount_rial=by_state[state]["amount_rial"],
        )
        for state, label in STATES.items()
        if state in by_state
    ]


# A citizen's own

# Who is meant by a national code: the applicant of a case, or whom an award is paid to now.
_ME = """
    SELECT applicant_id AS id FROM livelihood."case" WHERE applicant_index = $1
    UNION SELECT payee_id FROM livelihood.award WHERE payee_index = $1
"""
# Found by the household, which the index of each month begins with; paid into an account of theirs.
_PAID = f"""
    WITH me AS MATERIALIZED ({_ME}), mine AS MATERIALIZED (
        SELECT id FROM livelihood.payee_account WHERE person_id IN (SELECT id FROM me)
    ), homes AS MATERIALIZED (
        SELECT household_id FROM livelihood.paid_award WHERE payee_id IN (SELECT id FROM me)
        UNION SELECT a.household_id FROM livelihood."case" c
        JOIN livelihood.paid_award a ON a.case_id = c.id WHERE c.applicant_index = $1
    )
    SELECT i.period, i.kind, i.covered_size, i.amount_rial, a.tracking_code
    FROM homes JOIN livelihood.item i USING (household_id)
    JOIN livelihood.paid_award a ON a.id = i.award_id
    WHERE i.period BETWEEN $2 * 100 + 1 AND $2 * 100 + 12 AND NOT i.reversed
      AND i.kind = ANY ('{{regular,arrears,emergency}}') AND i.state = 'paid'
      AND i.payee_account_id IN (SELECT id FROM mine)
    ORDER BY i.period, i.kind, i.id
"""  # noqa: S608 - a constant
_COVERED = f"""
    SELECT c.started_on, c.file_status, home.people, a.tracking_code, a.status, a.start_period
    FROM livelihood.coverage c
    CROSS JOIN LATERAL (SELECT count(DISTINCT o.person_id) AS people FROM livelihood.coverage o
        WHERE o.household_id = c.household_id AND o.state = 'active') AS home
    LEFT JOIN livelihood.award a ON a.household_id = c.household_id AND a.status <> 'stopped'
    WHERE c.state = 'active' AND c.person_id IN ({_ME})
    ORDER BY c.started_on LIMIT 1
"""  # noqa: S608 - a constant


async def statement(tx: Transaction, national_code: str, *, year: int) -> StatementOut:
    """What was paid to this citizen for the months of a year."""
    rows = await tx.fetch(_PAID, tx.runtime.crypto.index(national_code), year)
    payments = [
        PaidOut(
            period=rules.as_text(row["period"]),
            kind=row["kind"],
            kind_label=KINDS[row["kind"]],
            covered_size=row["covered_size"],
            amount_rial=row["amount_rial"],
            tracking_code=row["tracking_code"],
        )
        for row in rows
    ]
    total = sum(one.amount_rial for one in payments)
    return StatementOut(
        year=year,
        national_code=national_code,
        **_issued(tx),
        payments=payments,
        months=len({one.period for one in payments}),
        total_rial=total,
        total_words=in_words(total),
    )


async def proof(tx: Transaction, national_code: str) -> ProofOut:
    """That this citizen is covered today. Raises NotCovered."""
    row = await tx.fetchrow(_COVERED, tx.runtime.crypto.index(national_code))
    if row is None:
        raise NotCovered
    status = row["status"]
    return ProofOut(
        national_code=national_code,
        **_issued(tx),
        covered_since=row["started_on"],
        covered_since_jalali=jalali_text(row["started_on"]),
        file_current=row["file_status"] == "current",
        covered_people=row["people"],
        tracking_code=row["tracking_code"],
        support_status=status,
        support_status_label=AWARD.labels[AWARD.status(status)] if status else None,
        support_from_period=row["start_period"],
    )


def _issued(tx: Transaction) -> dict[str, Any]:
    today = tehran_date(tx.now)
    return {"issued_on": today, "issued_on_jalali": jalali_text(today)}
