"""The list of arrears: what a household is still owed of closed months, all in one item.

Its rows of `adjustment` say of which months; what was overpaid in others is recovered by offsets.
"""

from services.livelihood.runs.lists import due
from services.livelihood.runs.lists.closing import CLOSE

# A household has one item, by its newest award: what an earlier one is owed comes with it. A month
# that is held as an item of its own was approved, so it is not among the differences. Nothing goes
# to the account of somebody by whose death an award has ended. What this list does not ask stands
# in `unasked`, for every list is called alike.
TAKE = f"""
WITH unasked AS (
    SELECT $7::bigint[], $10::timestamptz, $12::date
), newest AS (
    SELECT a.* FROM livelihood.award a
    WHERE a.id >= $8 AND ($9::uuid IS NULL OR a.id < $9) AND NOT EXISTS (
        SELECT FROM livelihood.award n WHERE n.household_id = a.household_id AND n.id > a.id)
), sources AS (
    SELECT id, id AS source FROM newest
    UNION ALL
    SELECT a.id, o.id FROM newest a
    JOIN livelihood.award o ON o.household_id = a.household_id AND o.id < a.id
    WHERE a.previous_award_id IS NOT NULL
), open AS (
    SELECT s.id, s.source, m.period, m.rial FROM sources s
    CROSS JOIN LATERAL (
        SELECT d.period, sum(d.delta_rial)::bigint AS rial FROM livelihood.adjustment d
        WHERE d.award_id = s.source GROUP BY d.period HAVING sum(d.delta_rial) > 0
    ) m
), owed AS (
    SELECT id, sum(rial)::bigint AS rial FROM open GROUP BY id
), placed AS (
    INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
        covered_size, amount_rial, payee_account_id, state, reason)
    SELECT $4, {due.item_id("$1", "$6")}, $1, $5, $6, a.id, a.household_id, a.covered_size, o.rial,
        a.payee_account_id, CASE WHEN held.reason IS NULL THEN 'planned' ELSE 'held' END,
        held.reason
    FROM newest a JOIN owed o ON o.id = a.id
    JOIN livelihood.payee_account p ON p.id = a.payee_account_id
    CROSS JOIN LATERAL (SELECT coalesce({due.held("$11")}, CASE
        WHEN a.status IN ('stopped', 'objection_open') AND a.ground = 'death' THEN 'payee_died'
    END) AS reason) AS held
    ORDER BY a.id
    RETURNING id, household_id, amount_rial, state
), paid AS (
    INSERT INTO livelihood.adjustment
        (award_id, number, period, kind, cause, delta_rial, debt_rial, run_id, at)
    SELECT o.source, {due.NUMBER.format("o.source", "o.period")},
        o.period, 'arrears', 'arrears', -o.rial, 0, $1, $3
    FROM open o
)
{CLOSE}"""  # noqa: S608 - a constant
