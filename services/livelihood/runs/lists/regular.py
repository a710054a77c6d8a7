"""The list of a month: every award that holds in it."""

from services.livelihood.runs import rules

# Who is in the list: whose award had been made when the run was opened, has begun by this month and
# has not ended before it; as many count as the version says that was recorded by then and holds in
# this month. Who is held in it, and why: a suspension that holds this month back (H02), or there is
# no account that was verified for the payee whom it has now (LV-22, H22).
TAKE = f"""
WITH placed AS (
    INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
        covered_size, amount_rial, payee_account_id, state, reason)
    SELECT $4, (left(a.id::text, 15) || right(md5($1::uuid::text || a.id::text || $6), 19))::uuid,
        $1, $5, $6, a.id, a.household_id, counted.size,
        ($7::bigint[])[least(counted.size, {rules.TOP_SIZE})], a.payee_account_id,
        CASE WHEN held.reason IS NULL THEN 'planned' ELSE 'held' END, held.reason
    FROM livelihood.award a
    CROSS JOIN LATERAL (
        SELECT person_id FROM livelihood.payee_account WHERE id = a.payee_account_id
        LIMIT 1 -- one look for each award: whole, the table would be read anew for every shard
    ) p
    LEFT JOIN LATERAL (
        SELECT covered_size FROM livelihood.award_version v
        WHERE v.award_id = a.id AND v.effective_from_period <= $11 AND v.recorded_at <= $10
        ORDER BY v.version DESC LIMIT 1
    ) v ON true
    CROSS JOIN LATERAL (SELECT coalesce(v.covered_size, a.covered_size) AS size) AS counted
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.status = 'suspended' AND coalesce(a.held_from_period, $11) <= $11 THEN 'suspended'
        WHEN p.person_id <> a.payee_id THEN 'account_missing'
    END AS reason) AS held
    WHERE a.id >= $8 AND ($9::uuid IS NULL OR a.id < $9) AND counted.size > 0
      AND a.created_at <= $10 AND a.start_period <= $11
      AND (a.ends_period IS NULL OR $11 <= a.ends_period)
      AND (a.ends_on IS NULL OR a.ends_on >= $12)
      AND (a.status NOT IN ('stopped', 'objection_open') OR $11 <= a.last_period)
    ORDER BY a.id
    RETURNING id, household_id, amount_rial, state
)
UPDATE livelihood.run_shard AS s
SET done_at = $3, planned = t.planned, held = t.held, digest = t.digest,
    planned_rial = t.planned_rial, held_rial = t.held_rial
FROM (
    SELECT count(*) FILTER (WHERE state = 'planned') AS planned,
        count(*) FILTER (WHERE state = 'held') AS held,
        coalesce(sum(amount_rial) FILTER (WHERE state = 'planned'), 0) AS planned_rial,
        coalesce(sum(amount_rial) FILTER (WHERE state = 'held'), 0) AS held_rial,
        sha256(coalesce(string_agg(
            uuid_send(id) || uuid_send(household_id) || int8send(amount_rial), '' ORDER BY id
        ), '')) AS digest
    FROM placed
) AS t
WHERE s.run_id = $1 AND s.number = $2
"""  # noqa: S608 - a constant
