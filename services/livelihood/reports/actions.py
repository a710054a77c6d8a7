"""The figures of a closed list: counted once, by the batch role, and kept as they are."""

from datetime import date
from typing import Any
from uuid import UUID

from services.livelihood.reports.models import RunGroup, RunReport
from services.livelihood.runs import queries as runs
from services.livelihood.runs import rules
from services.livelihood.runs.workflow import Status
from shared.storage import policy
from shared.storage.db import Runtime, Transaction
from shared.storage.policy import PolicyMissing
from shared.values.calendar import period_bounds

LINE = "livelihood.poverty_line"
_GROUP = ", ".join(column.name for column in RunGroup.__table__.columns)
_REPORT = ", ".join(column.name for column in RunReport.__table__.columns)
_COUNTED = f"""
INSERT INTO livelihood.run_report ({_REPORT}) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING true
"""  # noqa: S608 - columns of the model

# Each household once, whatever number of items it has. What it lives on is the last that was told;
# whom the line is held against is everybody at home, not only who is covered.
_COUNT = f"""
INSERT INTO livelihood.run_group ({_GROUP})
SELECT $1, least(h.size, {rules.TOP_SIZE}), coalesce(c.province, ''),
    coalesce(a.reason, c.reason, ''),
    coalesce(d.decile, 0), count(*), sum(h.size), count(*) FILTER (WHERE h.held > 0),
    sum(h.amount), sum(h.held), count(means.before),
    count(*) FILTER (WHERE means.before < means.line),
    count(*) FILTER (WHERE means.before < means.line AND means.before + h.amount >= means.line)
FROM (
    SELECT award_id, household_id, max(covered_size) AS size, sum(amount_rial) AS amount,
        coalesce(sum(amount_rial) FILTER (WHERE state = 'held'), 0) AS held
    FROM livelihood.item WHERE period = $2 AND run_id = $1 GROUP BY award_id, household_id
) AS h
LEFT JOIN livelihood.award a ON a.id = h.award_id
LEFT JOIN livelihood.emergency_award e ON e.id = h.award_id
LEFT JOIN livelihood."case" c ON c.id = coalesce(a.case_id, e.case_id)
LEFT JOIN livelihood.decile d ON d.household_id = h.household_id
CROSS JOIN LATERAL (SELECT CASE WHEN $3::bigint IS NOT NULL THEN d.income_rial END AS before,
    $3::bigint * greatest(c.members, h.size) AS line) AS means
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - a constant


# A month that was written a moment ago is taken for a handful of rows, and each would be looked up.
_AS_A_WHOLE = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'"


async def count(runtime: Runtime, run_id: UUID) -> None:
    """Count a closed list, unless that has been done; an open one is left alone."""
    async with runtime.transaction() as tx:
        run = await runs.find_run(tx, run_id)
        if run is None or run.status == Status.OPEN:
            return
        line = await _line(tx, run.period)
    pool = await runtime.batch()
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(_COUNTED, run_id, runtime.clock.now(), *line):
            await connection.execute(_AS_A_WHOLE)
            await connection.execute(_COUNT, run_id, run.period, line[0])


async def _line(tx: Transaction, period: int) -> tuple[int | None, date | None, str | None, Any]:
    """The poverty line of a month's last day: Rials a head, since when, whose, and confirmed."""
    _, last = period_bounds(rules.as_text(period))
    try:
        row = await policy.row_on(tx, LINE, last)
    except PolicyMissing:
        return None, None, None, None
    return row.value["per_person_rial"], row.effective_from, row.source_ref, row.confirmed
