"""The list of a month: every award that holds in it, less the offset of what was overpaid."""

from services.livelihood.runs import rules
from services.livelihood.runs.lists import due
from services.livelihood.runs.lists.closing import CLOSE

# Who is in the list: whose award had been made when the run was opened and stands in this month; as
# many count as the version says that was recorded by then. What was paid too much is kept back from
# it: what the household's plan says, else what policy says, within the month's cap, and never all.
TAKE = f"""
WITH months AS (
    SELECT award_id, period, -sum(delta_rial)::bigint AS rial FROM livelihood.adjustment
    WHERE award_id >= $8 AND ($9::uuid IS NULL OR award_id < $9)
    GROUP BY award_id, period HAVING sum(delta_rial) < 0
), debts AS (
    SELECT award_id, sum(rial)::bigint AS rial FROM months GROUP BY award_id
), rule AS (
    SELECT (recovery->>'unplanned_percent')::bigint AS unplanned,
        (recovery->>'cap_percent')::bigint AS cap, (recovery->>'keep_rial')::bigint AS keep
    FROM livelihood.run WHERE id = $1
), placed AS (
    INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
        covered_size, amount_rial, recovered_rial, payee_account_id, state, reason)
    SELECT $4, {due.item_id("$1", "$6")}, $1, $5, $6, a.id, a.household_id, counted.size,
        month.rial - recovered.rial, recovered.rial, a.payee_account_id,
        CASE WHEN held.reason IS NULL THEN 'planned' ELSE 'held' END, held.reason
    FROM livelihood.award a
    CROSS JOIN LATERAL (
        SELECT person_id FROM livelihood.payee_account WHERE id = a.payee_account_id
        LIMIT 1 -- one look for each award: whole, the table would be read anew for every shard
    ) p
    {due.ruling("$11", known_by="v.recorded_at <= $10")}
    CROSS JOIN LATERAL (SELECT coalesce(v.covered_size, a.covered_size) AS size) AS counted
    CROSS JOIN LATERAL (
        SELECT ($7::bigint[])[least(counted.size, {rules.TOP_SIZE})] AS rial
    ) AS month
    CROSS JOIN LATERAL (SELECT {due.held("$11")} AS reason) AS held
    CROSS JOIN rule
    LEFT JOIN debts d ON d.award_id = a.id
    LEFT JOIN LATERAL (
        SELECT month_rial, paused_until FROM livelihood.recovery_plan
        WHERE award_id = d.award_id ORDER BY version DESC LIMIT 1
    ) plan ON true
    CROSS JOIN LATERAL (SELECT CASE
        WHEN d.rial IS NULL OR plan.paused_until >= $11 THEN 0
        ELSE greatest(0, least(
            d.rial, coalesce(plan.month_rial, month.rial * rule.unplanned / 100),
            month.rial * rule.cap / 100, month.rial - greatest(rule.keep, 1)))
    END AS rial) AS recovered
    WHERE a.id >= $8 AND ($9::uuid IS NULL OR a.id < $9) AND counted.size > 0
      AND a.created_at <= $10 AND {due.stands("$11", "$12")}
      AND NOT {due.replaced("$4")}
    ORDER BY a.id
    RETURNING id, award_id, household_id, amount_rial, recovered_rial, state
), offsets AS (
    SELECT m.award_id, m.period, least(m.rial, p.recovered_rial - (
        sum(m.rial) OVER (PARTITION BY m.award_id ORDER BY m.period) - m.rial)) AS rial
    FROM months m JOIN placed p ON p.award_id = m.award_id
), recovered AS (
    INSERT INTO livelihood.adjustment
        (award_id, number, period, kind, cause, delta_rial, debt_rial, run_id, at)
    SELECT o.award_id, {due.NUMBER.format("o.award_id", "o.period")},
        o.period, 'offset', 'recovery', o.rial, -o.rial, $1, $3
    FROM offsets o WHERE o.rial > 0
)
{CLOSE}"""  # noqa: S608 - a constant
