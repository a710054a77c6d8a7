"""What is due in closed months by what is known now, beside what was approved.

Of every award that may differ, and of all where a rate was entered late (H13). A difference is
written down once: reckoning again finds nothing new. Mostly a shard has nothing of the kind, which
is asked first, without the items.
"""

from services.livelihood.runs import rules
from services.livelihood.runs.lists import due

# Which awards of a shard may differ ($1 and $2 their ids, the last one outside, or null): where
# something was marked, resized, stopped, or began after its first month's list; once for each
# version and month ($3 as a number, $4 as it is written, $5 when its list was opened), and every
# one where rates have changed ($6). And of which anything is to be recovered.
TOUCHED = """
SELECT a.id, true AS may_differ
FROM livelihood.award a
LEFT JOIN livelihood.reckoned k ON k.award_id = a.id
LEFT JOIN unnest($3::int[], $4::text[], $5::timestamptz[]) AS b (period, month, opened_at)
    ON b.month = a.start_period
WHERE a.id >= $1 AND ($2::uuid IS NULL OR a.id < $2)
  AND a.start_period <= (SELECT max(month) FROM unnest($4::text[]) AS m (month))
  AND ($6::bool
    OR ((a.recompute_from_period IS NOT NULL OR a.last_period IS NOT NULL
            OR EXISTS (SELECT FROM livelihood.award_version v
                       WHERE v.award_id = a.id AND v.version > 1))
        AND (k.version = a.version AND k.months @> $3::int[]) IS NOT TRUE)
    OR (b.opened_at < a.created_at + interval '1 hour'
        AND (k.version = a.version AND k.months @> ARRAY[b.period]) IS NOT TRUE))
UNION ALL
SELECT DISTINCT award_id, false FROM (
    SELECT award_id FROM livelihood.adjustment
    WHERE award_id >= $1 AND ($2::uuid IS NULL OR award_id < $2)
    GROUP BY award_id, period HAVING sum(delta_rial) < 0
) d
"""

# $1 the run, $2 when, $3 the awards. Of the closed months $4 the numbers, $5 as they are written,
# $6 their first days, $7 their runs, $8 when those were opened, $9 the rates of now (five for each
# month), $10 where they have changed.
DIFFERENCES = f"""
WITH closed AS (
    SELECT * FROM unnest($4::int[], $5::text[], $6::date[], $7::uuid[], $8::timestamptz[],
        $10::bool[]) WITH ORDINALITY
        AS c (period, month, first_day, run_id, opened_at, anew, place)
), touched AS MATERIALIZED (
    SELECT a.id, a.version,
        CASE WHEN k.version = a.version THEN k.months ELSE '{{}}'::int[] END AS seen
    FROM unnest($3::uuid[]) AS t (id)
    JOIN livelihood.award a ON a.id = t.id
    LEFT JOIN livelihood.reckoned k ON k.award_id = a.id
), looked AS (
    SELECT a.id, a.version, c.period, c.opened_at, stands.it, v.reason, v.recorded_at,
        CASE WHEN stands.it AND counted.size > 0 THEN ($9::bigint[])[
            (c.place - 1) * {rules.TOP_SIZE} + least(counted.size, {rules.TOP_SIZE})]
            ELSE 0 END AS due,
        coalesce(i.rial, 0) AS approved, e.differences, e.open, e.last_at
    FROM touched t
    JOIN livelihood.award a ON a.id = t.id
    JOIN closed c ON a.start_period <= c.month AND (c.anew OR c.period <> ALL (t.seen))
    CROSS JOIN LATERAL (
        SELECT {due.stands("c.month", "c.first_day")} IS TRUE
            AND NOT {due.replaced("c.period")} AS it
    ) AS stands
    {due.ruling("c.month")}
    CROSS JOIN LATERAL (SELECT coalesce(v.covered_size, a.covered_size) AS size) AS counted
    LEFT JOIN LATERAL (
        SELECT amount_rial + recovered_rial AS rial FROM livelihood.item
        WHERE period = c.period AND id = {due.item_id("c.run_id", "'base'")} LIMIT 1
    ) i ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(d.delta_rial) FILTER (WHERE d.kind = 'difference'), 0)::bigint
                AS differences,
            coalesce(sum(d.delta_rial), 0)::bigint AS open,
            max(d.at) FILTER (WHERE d.kind = 'difference') AS last_at
        FROM livelihood.adjustment d WHERE d.award_id = a.id AND d.period = c.period
    ) e
), found AS (
    SELECT id, period, open, due - approved - differences AS rial, CASE
        WHEN recorded_at > coalesce(last_at, opened_at) THEN reason
        WHEN NOT it THEN 'stopped'
        WHEN approved + differences = 0 THEN 'given_back'
        ELSE 'rate' END AS cause
    FROM looked
), written AS (
    INSERT INTO livelihood.adjustment
        (award_id, number, period, kind, cause, delta_rial, debt_rial, run_id, at)
    SELECT id, {due.NUMBER.format("id", "period")}, period, 'difference', cause, rial,
        greatest(0, -(open + rial)) - greatest(0, -open), $1, $2
    FROM found WHERE rial <> 0
)
INSERT INTO livelihood.reckoned AS k (award_id, version, months)
SELECT t.id, t.version, array_agg(DISTINCT m.period)
FROM touched t CROSS JOIN LATERAL (
    SELECT unnest(t.seen) AS period UNION SELECT unnest($4::int[])
) m
GROUP BY t.id, t.version
ON CONFLICT (award_id) DO UPDATE SET version = EXCLUDED.version, months = EXCLUDED.months
WHERE k.version <= EXCLUDED.version
"""  # noqa: S608 - a constant

# What was approved and is still held is withdrawn where nothing of it is due any more: it is
# neither paid nor recovered. $1 the run, $2 when, $3 the awards, $4 and $5 the closed months and
# their runs.
WITHDRAWN = f"""
WITH open AS (
    SELECT d.award_id, d.period, sum(d.delta_rial)::bigint AS rial,
        coalesce(sum(d.delta_rial) FILTER (WHERE d.kind = 'difference'), 0)::bigint AS differences
    FROM livelihood.adjustment d WHERE d.award_id = ANY ($3::uuid[])
    GROUP BY d.award_id, d.period HAVING sum(d.delta_rial) < 0
), unpaid AS (
    SELECT o.*, i.id FROM open o
    JOIN unnest($4::int[], $5::uuid[]) AS c (period, run_id) ON c.period = o.period
    JOIN livelihood.award a ON a.id = o.award_id
    CROSS JOIN LATERAL (
        SELECT id FROM livelihood.item
        WHERE period = c.period AND id = {due.item_id("c.run_id", "'base'")} AND NOT reversed
          AND state = 'held' AND amount_rial + recovered_rial + o.differences = 0
        LIMIT 1
    ) i
), gone AS (
    UPDATE livelihood.item i SET reversed = true FROM unpaid u
    WHERE i.period = u.period AND i.id = u.id AND i.state = 'held' AND NOT i.reversed
    RETURNING u.award_id, u.period, u.rial, i.amount_rial, i.state
)
INSERT INTO livelihood.adjustment
    (award_id, number, period, kind, cause, delta_rial, debt_rial, run_id, at)
SELECT award_id, {due.NUMBER.format("award_id", "period")}, period, 'withdrawn', state, amount_rial,
    -least(amount_rial, -rial), $1, $2
FROM gone
"""  # noqa: S608 - a constant
