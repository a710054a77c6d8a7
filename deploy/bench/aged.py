"""B9: the same requests on a database that has grown old, beside what they took on a fresh one.

Old means households with awards, their payments of many months, and the applications and cases that
went before, all with their history. Sequential scans of large tables are counted while it is asked.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import asyncpg

from deploy.bench.stage import Stage
from deploy.bench.work import Figures, Work, send
from deploy.data.laying import Order, lay, workers

LARGE = 1_000
FLUSHED_S = 2.0
"""What a connection has counted is seen by others within about a second."""
EACH = 10
"""Applications of each household, one in five of them for livelihood."""
AGED_ROUNDS = 3

_APPLICATIONS = """
WITH pattern AS (SELECT * FROM intake.application WHERE tracking_code = $1),
made AS MATERIALIZED (
    SELECT uuidv7(interval '-1 day' * (30 + n * 90)) AS id, h.id AS household_id, h.head_id,
        h.province, h.county, h.office_code, n, now() - interval '1 day' * (30 + n * 90) AS at
    FROM (SELECT * FROM intake.household ORDER BY id LIMIT $2) h, generate_series(1, $3::int) n
), written AS (
    INSERT INTO intake.application (
        id, tracking_code, status, version, person_ids, holders, kin, province, office_code,
        filed_by, opened_at, changed_at, service, channel, applicant_id, subject_id, subject_index,
        mobile_index, content, county, filed_by_sub, statement_version, household_id, submitted_at,
        promise, due_on, stopped_on, case_status, case_version, waits_for)
    SELECT made.id, 'OLD-' || made.id, 'closed', 3, ARRAY[head_id],
        ARRAY[sha256(uuid_send(head_id))], ARRAY[sha256(uuid_send(head_id))], made.province,
        made.office_code, p.filed_by, at, at, p.service, p.channel, head_id, head_id,
        sha256(uuid_send(made.id)), p.mobile_index, p.content, made.county, p.filed_by_sub,
        p.statement_version, made.household_id, at, p.promise, at::date, at::date, 'active', 9, '[]'
    FROM made, pattern p
)
INSERT INTO intake.history (subject_id, version, step, status, actor_sub, actor_role, at)
SELECT made.id, v, (ARRAY['submit', 'route', 'close'])[v],
    (ARRAY['submitted', 'routed', 'closed'])[v], 'old', 'system', at
FROM made, generate_series(1, 3) v
"""
_CASES = """
WITH pattern AS (SELECT * FROM livelihood."case" WHERE tracking_code = $1),
made AS MATERIALIZED (
    SELECT uuidv7(interval '-1 day' * (30 + n * 90)) AS id, c.household_id, c.applicant_id,
        c.province, c.office_code, now() - interval '1 day' * (30 + n * 90) AS at
    FROM (SELECT * FROM livelihood."case" WHERE status = 'taken_over' ORDER BY id LIMIT $2) c,
        generate_series(1, $3::int) n
), written AS (
    INSERT INTO livelihood."case" (
        id, tracking_code, status, version, person_ids, holders, kin, province, office_code,
        opened_at, changed_at, application_id, origin, household_id, applicant_id, subject_id,
        applicant_index, submitted_on, reason, priority, address, household, members, sheba,
        account_state)
    SELECT made.id, 'OLD-' || made.id, 'refused', 5, ARRAY[made.applicant_id],
        ARRAY[p.applicant_index], ARRAY[p.applicant_index], made.province, made.office_code, at, at,
        made.id, 'request', made.household_id, made.applicant_id, made.applicant_id,
        p.applicant_index, at::date, p.reason, p.priority, p.address, p.household, p.members,
        p.sheba, 'unchecked'
    FROM made, pattern p
)
INSERT INTO livelihood.history (subject_id, version, step, status, actor_sub, actor_role, at)
SELECT made.id, v, (ARRAY['open', 'review', 'plan_visit', 'record_visit', 'refuse'])[v],
    (ARRAY['routed', 'under_review', 'visit_planned', 'visited', 'refused'])[v], 'old', 'system', at
FROM made, generate_series(1, 5) v
"""
_MONTH = """
INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
    covered_size, amount_rial, payee_account_id, state)
SELECT $1, id, uuidv7(), 'regular', 'base', id, household_id, covered_size, 1000000 * covered_size,
    payee_account_id, 'paid'
FROM (SELECT * FROM livelihood.award ORDER BY id LIMIT $2) a
"""
MONTHS = [year * 100 + month for year in (1402, 1403) for month in range(1, 13)]


@dataclass(frozen=True, slots=True)
class Aged:
    """The p99 of each route, fresh and aged, in milliseconds; and which large tables were scanned
    from end to end while it was asked, how often.
    """

    households: int
    fresh_ms: Mapping[str, float]
    aged_ms: Mapping[str, float]
    scanned: Mapping[str, int]

    @property
    def worst(self) -> float:
        return max(self.aged_ms[name] / self.fresh_ms[name] for name in self.fresh_ms)


def aged(
    stage: Stage,
    work: Mapping[str, Work],
    fresh: Mapping[str, Figures],
    *,
    requests: int,
    households: int,
    seed: int,
) -> Aged:
    """Let the database grow old, then ask again what was asked of it when it was fresh."""
    lay(Order(stage.settings, seed, households), workers=workers(), laid=lambda _: None)
    asyncio.run(_grow(stage, households))
    before = asyncio.run(_scans(stage))
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(AGED_ROUNDS):
        for name, one in work.items():
            run = send(stage, one, stage.workers["measured"], one.ours, count=requests)
            found[name].append(run["p99_ms"])
    after = asyncio.run(_scans(stage))
    return Aged(
        households,
        {name: figures.middle()["p99_ms"] for name, figures in fresh.items()},
        {name: median(all_of_it) for name, all_of_it in found.items()},
        {name: after[name] - count for name, count in before.items() if after.get(name, 0) > count},
    )


async def _grow(stage: Stage, households: int) -> None:
    owner = await stage.owner()
    try:
        code = await owner.fetchval(
            "SELECT a.tracking_code FROM intake.application a"
            ' JOIN livelihood."case" c ON c.tracking_code = a.tracking_code LIMIT 1'
        )
        await owner.execute(_APPLICATIONS, code, households, EACH)
        await owner.execute(_CASES, code, households, EACH // 5)
        for month in MONTHS:
            await owner.execute("SELECT livelihood.make_item_partition($1)", month)
            await owner.execute(_MONTH, month, households)
        await owner.execute("ANALYZE")
        await owner.execute("CHECKPOINT")
    finally:
        await owner.close()


async def _scans(stage: Stage) -> dict[str, int]:
    """How often each large table has been read from end to end so far."""
    await asyncio.sleep(FLUSHED_S)
    owner: asyncpg.Connection = await stage.owner()
    try:
        rows = await owner.fetch(
            "SELECT format('%s.%s', s.schemaname, s.relname) AS name, s.seq_scan"
            " FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid"
            " WHERE c.reltuples > $1 ORDER BY 1",
            LARGE,
        )
    finally:
        await owner.close()
    return {row["name"]: row["seq_scan"] for row in rows}
