"""Awards as they are read: one with its history, those of a person, pages, and who is payable."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood.awards import rules
from services.livelihood.awards.models import Award
from services.livelihood.awards.schemas import AdjustmentOut, AwardOut, AwardView, VersionOut
from services.livelihood.awards.workflow import AWARD
from services.livelihood.queries import award_id as parse_id
from services.livelihood.queries import seen_by
from shared.cases import from_record, may_see, past_step
from shared.storage.db import Transaction
from shared.values.calendar import jalali_text
from shared.web.auth import STAFF, Actor
from shared.web.errors import NotFound
from shared.web.page import Cursor, Page

AMONG_COLLEAGUES = "declare_conflict"
SHOWN = 100
"""So many adjustments are shown with an award; the books have them all."""
_OF_CASE = """
    coalesce(a.payee_index, c.applicant_index) AS payee_index, c.kin, c.province, c.office_code,
    c.filed_by, c.channel,
    array_append(c.holders, coalesce(a.payee_index, c.applicant_index)) AS holders
"""
# What stands open of closed months, each for itself, and by which plan it is recovered.
_MONEY = "open.owed_rial, open.debt_rial, plan.month_rial, plan.paused_until"
_OF_MONEY = """
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(m.rial) FILTER (WHERE m.rial > 0), 0)::bigint AS owed_rial,
            coalesce(-sum(m.rial) FILTER (WHERE m.rial < 0), 0)::bigint AS debt_rial
        FROM (SELECT sum(d.delta_rial) AS rial FROM livelihood.adjustment d
              WHERE d.award_id = a.id GROUP BY d.period) m
    ) open
    LEFT JOIN LATERAL (
        SELECT month_rial, paused_until FROM livelihood.recovery_plan
        WHERE award_id = a.id ORDER BY version DESC LIMIT 1
    ) plan ON true
"""
_WHOLE = f"""
    SELECT a.*, {_OF_CASE}, {_MONEY},
        (SELECT json_agg(h ORDER BY h.version) FROM livelihood.history h
         WHERE h.subject_id = a.id) AS past
    FROM livelihood.award a JOIN livelihood."case" c ON c.id = a.case_id {_OF_MONEY}
"""  # noqa: S608 - constants

# Who is to be paid for a month ($1), with which size: `held` months are owed but not paid yet. What
# an emergency has paid in place of it is not owed (H27).
PAYABLE = """
    SELECT a.id AS award_id, a.household_id, a.payee_id, a.payee_account_id,
        coalesce(v.covered_size, a.covered_size) AS covered_size,
        a.status = 'suspended' AND coalesce(a.held_from_period, $1) <= $1 AS held
    FROM livelihood.award a
    LEFT JOIN LATERAL (
        SELECT covered_size FROM livelihood.award_version v
        WHERE v.award_id = a.id AND v.effective_from_period <= $1
        ORDER BY v.version DESC LIMIT 1
    ) v ON true
    WHERE a.start_period <= $1
      AND (a.ends_period IS NULL OR $1 <= a.ends_period)
      AND (a.status NOT IN ('stopped', 'objection_open') OR $1 <= a.last_period)
      AND coalesce(v.covered_size, a.covered_size) > 0
      AND NOT EXISTS (SELECT 1 FROM livelihood.item e
                      WHERE e.period = replace($1, '-', '')::int AND e.household_id = a.household_id
                        AND e.kind = 'emergency' AND e.component = 'base' AND NOT e.reversed)
"""


async def find(tx: Transaction, award_id: UUID) -> Award | None:
    """An award with its history and what it has of its case."""
    row = await tx.fetchrow(f"{_WHOLE} WHERE a.id = $1", award_id)
    return None if row is None else from_record(Award, row)  # type: ignore[type-var]


async def get_or_refuse(tx: Transaction, award_id: UUID, *, actor: Actor) -> Award:
    """The award, if this caller may see it. Raises NotFound alike for absent and for not theirs."""
    row = await find(tx, award_id)
    if row is None or not may_see(tx, row, actor):  # type: ignore[arg-type]
        raise NotFound
    return row


async def of_people(tx: Transaction, people: Sequence[UUID]) -> list[UUID]:
    """Every award in which one of these people counts or ever counted, or who is paid by it."""
    rows = await tx.fetch(
        "SELECT id FROM livelihood.award"
        " WHERE person_ids && $1::uuid[] OR members ?| $2::text[] OR payee_id = ANY ($1)"
        " ORDER BY id",
        list(people),
        [str(person) for person in people],
    )
    return [row["id"] for row in rows]


async def of_household(tx: Transaction, household_id: UUID) -> UUID | None:
    """The household's open award."""
    row = await tx.fetchrow(
        "SELECT id FROM livelihood.award WHERE household_id = $1 AND status <> 'stopped'",
        household_id,
    )
    return row["id"] if row else None


async def cases_in(
    tx: Transaction, household_id: UUID, statuses: Collection[StrEnum]
) -> list[UUID]:
    """The household's cases that stand in one of these statuses."""
    rows = await tx.fetch(
        'SELECT id FROM livelihood."case" WHERE household_id = $1 AND status = ANY ($2::text[])'
        " ORDER BY id",
        household_id,
        sorted(statuses),
    )
    return [row["id"] for row in rows]


async def is_listed(tx: Transaction, period: str) -> bool:
    """Whether the list of this month has been opened: an award of today is not in it."""
    row = await tx.fetchrow(
        "SELECT 1 FROM livelihood.run WHERE kind = 'regular' AND period = $1",
        int(period.replace("-", "")),
    )
    return row is not None


async def account(tx: Transaction, account_id: UUID) -> asyncpg.Record:
    """An account by its id. Raises LookupError where there is none."""
    row = await tx.fetchrow("SELECT * FROM livelihood.payee_account WHERE id = $1", account_id)
    if row is None:
        raise LookupError("an award without its account")
    return row


async def taken_over(tx: Transaction, source: str) -> tuple[int, int]:
    """How many awards there are of a file, and for how many people they began."""
    return await _held(tx, source, "awards", "sum(v.covered_size)")


async def changed_over(tx: Transaction, source: str) -> tuple[int, int]:
    """How many awards have an account of a file, and how many accounts they are."""
    return await _held(tx, source, "accounts", "count(*)")


async def _held(tx: Transaction, source: str, kind: str, weight: str) -> tuple[int, int]:
    row = await tx.fetchrow(
        f"SELECT count(*) AS lines, coalesce({weight}, 0)::bigint AS weight"  # noqa: S608
        " FROM livelihood.import_line l JOIN livelihood.award a ON a.id = l.subject_id"
        " JOIN livelihood.award_version v ON v.award_id = a.id AND v.version = 1"
        " WHERE l.source = $1 AND l.kind = $2",
        source,
        kind,
    )
    return (row["lines"], row["weight"]) if row else (0, 0)


async def previous(tx: Transaction, household_id: UUID, payee_id: UUID) -> asyncpg.Record | None:
    """The last award of this household or payee that was stopped."""
    return await tx.fetchrow(
        "SELECT id, last_period, stopped_on, return_opened_on FROM livelihood.award"
        " WHERE (household_id = $1 OR payee_id = $2) AND status = 'stopped'"
        " ORDER BY last_period DESC NULLS LAST, id DESC LIMIT 1",
        household_id,
        payee_id,
    )


async def facts(tx: Transaction, people: Sequence[UUID]) -> list[rules.Fact]:
    """Everything that was told of these people's lives."""
    rows = await tx.fetch(
        "SELECT person_id, kind, occurred_on, version, heard_on, event_id, code"
        " FROM livelihood.life_fact WHERE person_id = ANY ($1::uuid[])",
        list(people),
    )
    return [rules.Fact(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Cover:
    """Since when, and until when, somebody is covered with a household, as last told."""

    started_on: date
    ended_on: date | None


async def coverage_of(tx: Transaction, household_id: UUID) -> dict[UUID, Cover]:
    """Everybody who is or was covered with a household; whoever is covered again is covered."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (person_id) person_id, started_on, ended_on FROM livelihood.coverage"
        " WHERE household_id = $1 ORDER BY person_id, ended_on DESC NULLS FIRST, started_on DESC",
        household_id,
    )
    return {row["person_id"]: Cover(row["started_on"], row["ended_on"]) for row in rows}


async def account_is_payees(tx: Transaction, row: Award) -> bool:
    """Whether the account belongs to whom the award is paid to now."""
    found = await tx.fetchrow(
        "SELECT person_id FROM livelihood.payee_account WHERE id = $1", row.payee_account_id
    )
    return found is not None and found["person_id"] == row.payee_id


async def versions(tx: Transaction, award_id: UUID) -> list[asyncpg.Record]:
    """The versions of an award, oldest first."""
    return await tx.fetch(
        "SELECT version, effective_from_period, covered_size, reason, recorded_at"
        " FROM livelihood.award_version WHERE award_id = $1 ORDER BY version",
        award_id,
    )


async def adjustments(tx: Transaction, award_id: UUID) -> list[AdjustmentOut]:
    """What was adjusted of closed months and how it was made good, the last first."""
    rows = await tx.fetch(
        "SELECT period, kind, cause, delta_rial, at FROM livelihood.adjustment"
        " WHERE award_id = $1 ORDER BY number DESC LIMIT $2",
        award_id,
        SHOWN,
    )
    return [
        AdjustmentOut(**{**row, "period": f"{row['period'] // 100}-{row['period'] % 100:02d}"})
        for row in rows
    ]


async def payable(tx: Transaction, period: str) -> list[asyncpg.Record]:
    """Every award that a month's payment is for, held ones marked."""
    return await tx.fetch(PAYABLE, period)


def members_of(row: Award) -> rules.Members:
    """Who ever counted; an award that was brought in without them counts its people from the first
    month.
    """
    if row.members:
        return {
            UUID(person): [rules.Stint.read(one) for one in stints]
            for person, stints in row.members.items()
        }
    return {person: [rules.Stint(row.start_period, row.started_on)] for person in row.person_ids}


# Showing


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    tracking_code: str | None,
    person_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[AwardOut]:
    """Awards that this caller may see, newest first."""
    where, values = seen_by(tx, actor, also="${n}::bytea = a.payee_index")
    for condition, value in (
        ("a.tracking_code = ${n}", tracking_code),
        ("a.person_ids @> ARRAY[${n}::uuid]", person_id),
        ("a.id < ${n}", None if cursor is None else parse_id(*Cursor.decode(cursor, str))),
    ):
        if value is not None:
            values.append(value)
            where.append(condition.format(n=len(values)))
    values.append(limit + 1)
    rows = await tx.fetch(
        f'SELECT a.*, {_MONEY} FROM livelihood.award a JOIN livelihood."case" c ON c.id = a.case_id'  # noqa: S608
        f" {_OF_MONEY} WHERE {' AND '.join(where)} ORDER BY a.id DESC LIMIT ${len(values)}",
        *values,
    )
    items = [AwardOut(**_shown(row)) for row in rows[:limit]]
    more = len(rows) > limit
    following = Cursor.encode([str(items[-1].award_id)]) if more else None
    return Page[AwardOut](items=items, next_cursor=following)


def show(
    row: Award, past_versions: Sequence[Any], actor: Actor, *, adjustments: Sequence[AdjustmentOut]
) -> AwardView:
    """An award for this caller; what colleagues say among themselves stays there."""
    status = AWARD.status(row.status)
    done = {past["step"] for past in row.past if past["actor_sub"] == actor.sub}
    history = [past_step(AWARD, past) for past in row.past]
    if not actor.roles & STAFF:
        history = [one for one in history if one.step != AMONG_COLLEAGUES]
    return AwardView(
        **_shown(row.__dict__),
        adjustments=adjustments,
        next_step=AWARD.next_step.get(status),
        actions=AWARD.actions(status, actor.roles, done),
        history=history,
        versions=[VersionOut.model_validate(dict(one)) for one in past_versions],
    )


def _shown(row: Any) -> dict[str, Any]:
    days: dict[str, date | None] = {
        name: row[name] for name in ("started_on", "ends_on", "review_on", "stopped_on")
    }
    return {
        **{name: row[name] for name in AwardOut.model_fields if name in dict(row)},
        **{f"{name}_jalali": jalali_text(day) if day else None for name, day in days.items()},
        "award_id": row["id"],
        "money": {
            "owed_rial": row["owed_rial"],
            "debt_rial": row["debt_rial"],
            "month_rial": row["month_rial"],
            "paused_until": row["paused_until"],
        },
        "status_label": AWARD.labels[AWARD.status(row["status"])],
    }


def stored(members: rules.Members) -> dict[str, Any]:
    """Members as the award keeps them."""
    found = {str(person): [one.as_json() for one in stints] for person, stints in members.items()}
    return dict(json.loads(json.dumps(found)))
