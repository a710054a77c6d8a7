"""The list of a month's emergencies: every award under a declaration that holds in it."""

from services.livelihood.runs import rules
from services.livelihood.runs.lists.closing import CLOSE

# Who is in the list: who was granted by the run's opening, for this month, and lives where the
# version that rules this month says (LV-34, LV-35, H28). With how much: a percent of the rate of
# those who live, beside a regular award only what policy adds, else in place of it (H27); whether
# there is one is seen from the award and, should it have changed meanwhile, from the month's items.
# Who is held: the payee has died, or the account is not verified as theirs (LV-22).
TAKE = f"""
WITH placed AS (
    INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
        covered_size, amount_rial, payee_account_id, state, reason)
    SELECT $4, (left(a.id::text, 15) || right(md5($1::uuid::text || a.id::text), 19))::uuid,
        $1, $5, CASE WHEN regular.stands THEN $6 ELSE 'base' END, a.id, a.household_id,
        living.size, due.rial, a.payee_account_id,
        CASE WHEN held.reason IS NULL THEN 'planned' ELSE 'held' END, held.reason
    FROM livelihood.emergency_award a
    JOIN livelihood.emergency e ON e.id = a.emergency_id
    JOIN livelihood.run r ON r.id = $1
    LEFT JOIN livelihood.payee_account p ON p.id = a.payee_account_id
    CROSS JOIN LATERAL (
        SELECT * FROM livelihood.emergency_version v
        WHERE v.emergency_id = a.emergency_id AND v.effective_from_period <= $4
          AND v.recorded_at <= $10
        ORDER BY v.version DESC LIMIT 1
    ) v
    CROSS JOIN LATERAL (
        SELECT array_agg(f.person_id) AS people FROM (
            SELECT DISTINCT ON (person_id) person_id, kind FROM livelihood.life_fact
            WHERE person_id = ANY (a.person_ids || a.payee_id)
              AND kind IN ('death', 'death_reversed')
            ORDER BY person_id, version DESC
        ) f WHERE f.kind = 'death'
    ) dead
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS size FROM unnest(a.person_ids) AS person
        WHERE (person = ANY (dead.people)) IS NOT TRUE
    ) living
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT 1 FROM livelihood.award g
        WHERE g.household_id = a.household_id AND g.start_period <= $11
          AND (g.ends_period IS NULL OR $11 <= g.ends_period)
          AND (g.ends_on IS NULL OR g.ends_on >= $12)
          AND (g.status NOT IN ('stopped', 'objection_open') OR $11 <= g.last_period)
    ) OR EXISTS (
        SELECT 1 FROM livelihood.item i
        WHERE i.period = $4 AND i.household_id = a.household_id AND i.component = 'base'
          AND NOT i.reversed
    ) AS stands) AS regular
    CROSS JOIN LATERAL (SELECT ($7::bigint[])[least(living.size, {rules.TOP_SIZE})]
        * (r.worth -> e.kind ->> CASE WHEN regular.stands THEN 1 ELSE 0 END)::int / 100 AS rial
    ) AS due
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.payee_id = ANY (dead.people) THEN 'payee_died'
        WHEN p.person_id IS DISTINCT FROM a.payee_id THEN 'account_missing'
    END AS reason) AS held
    WHERE a.id >= $8 AND ($9::uuid IS NULL OR a.id < $9) AND a.granted_at <= $10
      AND $4 BETWEEN a.start_period AND a.last_period
      AND $4 BETWEEN v.from_period AND v.to_period
      AND (a.province = ANY (v.provinces) OR a.county = ANY (v.counties))
      AND living.size > 0 AND due.rial > 0
    ORDER BY a.id
    RETURNING id, household_id, amount_rial, state
)
{CLOSE}
"""  # noqa: S608 - a constant
