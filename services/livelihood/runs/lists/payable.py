"""What goes into the payment files of a run, and into which: two statements for each shard.

The first takes the run's own items, the second what earlier runs still owe (held or returned). Both
take $1 the run, $2 and $3 the shard's ids (the last one outside, or null), $4 when, $5 the cycle,
$6 and $7 bank codes and who pays for each, $8 rows and $9 Rials that a file may have, $10 Rials of
one instruction; then $11 the run's month, or $11 the states of a run whose files are built.
"""

_RANGE = "i.id >= $2 AND ($3::uuid IS NULL OR i.id < $3)"
_MONTH = "(o.period / 100 || '-' || lpad((o.period % 100)::text, 2, '0'))"

_OWN = f"""
    SELECT i.period, i.id, i.run_id, i.award_id, i.amount_rial, i.state FROM livelihood.item i
    WHERE i.period = $11 AND i.run_id = $1 AND i.state = 'planned' AND {_RANGE}
"""  # noqa: S608 - a constant
_OWED = f"""
    SELECT i.period, i.id, i.run_id, i.award_id, i.amount_rial, i.state FROM livelihood.item i
    JOIN livelihood.run r ON r.id = i.run_id
    WHERE i.state IN ('held', 'returned') AND NOT i.reversed AND i.run_id <> $1
      AND r.status = ANY ($11) AND {_RANGE}
"""  # noqa: S608 - a constant

# Why an item cannot be paid now. Nothing goes to the account of somebody who has died (H02), nor
# again to the account that gave it back (H17).
_HELD_OWN = f"""
    a.status = 'suspended' AND (a.ground IS NOT DISTINCT FROM 'head_died'
        OR coalesce(a.held_from_period, {_MONTH}) <= {_MONTH})
"""
_HELD_OWED = """
    a.status = 'suspended' OR EXISTS (
        SELECT FROM livelihood.instruction x WHERE x.period = o.period AND x.item_id = o.id
          AND x.state = 'returned' AND x.reason IS DISTINCT FROM 'file_rejected'
          AND x.payee_account_id = a.payee_account_id)
"""

# An item above what one instruction may carry is cut into parts (H16). What came back goes out
# again as it was cut then, under the number of its next attempt.
_JUDGED = ", ".join(
    f"j.{name}"
    for name in (
        *("period", "id", "run_id", "award_id", "amount_rial", "state"),
        *("payee_account_id", "bank", "why"),
    )
)
_CUT = f"""
    SELECT {_JUDGED}, part::smallint, 1::smallint AS attempt,
        least($10::bigint, j.amount_rial - $10::bigint * (part - 1)) AS rial
    FROM judged j
    CROSS JOIN LATERAL generate_series(1, (j.amount_rial - 1) / $10::bigint + 1) AS part
    WHERE j.why IS NULL
"""  # noqa: S608 - a constant
_CUT_AGAIN = f"""
    SELECT c.* FROM ({_CUT}) AS c
    WHERE NOT EXISTS (
        SELECT FROM livelihood.instruction x
        WHERE x.period = c.period AND x.item_id = c.id AND x.state = 'returned')
    UNION ALL
    SELECT {_JUDGED}, x.part, (max(x.attempt) + 1)::smallint AS attempt,
        (array_agg(x.amount_rial ORDER BY x.attempt DESC))[1] AS rial
    FROM judged j JOIN livelihood.instruction x
      ON x.period = j.period AND x.item_id = j.id AND x.state = 'returned'
    WHERE j.why IS NULL AND NOT EXISTS (
        SELECT FROM livelihood.instruction y WHERE y.period = x.period
          AND y.item_id = x.item_id AND y.part = x.part AND y.state <> 'returned')
    GROUP BY {_JUDGED}, x.part
"""  # noqa: S608 - a constant

# A month's tables are new and not analysed yet: the lists in between are never joined with each
# other, only with tables by their keys, so that a wrong guess of their size costs little.
#
# Files of a bank are filled one after the other, by count and by Rial: a file begins anew wherever
# either limit would be passed. What a shard adds follows on what the shards before it have filled.
_QUEUE = """
WITH owed AS MATERIALIZED ({due}), judged AS MATERIALIZED (
    SELECT o.*, a.payee_account_id, b.pays AS bank, CASE
        WHEN {held} THEN 'suspended'
        WHEN p.person_id <> a.payee_id THEN 'account_missing'
        WHEN b.pays IS NULL THEN 'bank_unknown'
    END AS why
    FROM owed o
    JOIN livelihood.paid_award a ON a.id = o.award_id
    JOIN livelihood.payee_account p ON p.id = a.payee_account_id
    LEFT JOIN unnest($6::text[], $7::text[]) AS b (code, pays) ON b.code = p.bank_code
), cut AS MATERIALIZED ({cut}), counted AS (
    SELECT c.*, coalesce(f.rows, 0) + row_number() OVER w - 1 AS before,
        coalesce(f.rial, 0) + sum(c.rial) OVER w - c.rial AS before_rial
    FROM cut c LEFT JOIN (
        SELECT bank_code, sum(rows) AS rows, sum(amount_rial) AS rial
        FROM livelihood.bank_file WHERE run_id = $1 GROUP BY bank_code
    ) AS f ON f.bank_code = c.bank
    WINDOW w AS (PARTITION BY c.bank ORDER BY c.period, c.id, c.part)
), filed AS MATERIALIZED (
    SELECT *, md5(concat_ws('/', $1::uuid, bank, before / $8::int,
        trunc(before_rial / ($9::bigint - $10::bigint))))::uuid AS file_id
    FROM counted
), files AS (
    INSERT INTO livelihood.bank_file AS f
        (id, run_id, number, bank_code, cycle_at, rows, amount_rial, state, built_at)
    SELECT n.file_id, $1, coalesce(there.number, (
            SELECT coalesce(max(number), 0) FROM livelihood.bank_file WHERE run_id = $1
        ) + row_number() OVER (ORDER BY there.number IS NOT NULL, n.bank, n.first)),
        n.bank, $5, n.rows, n.rial, 'filling', $4
    FROM (SELECT file_id, bank, min(before) AS first, count(*) AS rows, sum(rial) AS rial
          FROM filed GROUP BY file_id, bank) AS n
    LEFT JOIN livelihood.bank_file there ON there.id = n.file_id
    ON CONFLICT (id) DO UPDATE SET rows = f.rows + excluded.rows,
        amount_rial = f.amount_rial + excluded.amount_rial
), placed AS (
    INSERT INTO livelihood.instruction (period, id, item_id, part, attempt, run_id, file_id,
        payee_account_id, bank_code, amount_rial, state)
    SELECT period, (left(id::text, 15)
            || right(md5(concat_ws('/', id, part, attempt)), 19))::uuid,
        id, part, attempt, run_id, file_id, payee_account_id, bank, rial, 'queued'
    FROM filed ORDER BY period, id, part
), moved AS (
    UPDATE livelihood.item i SET state = t.becomes, reason = t.why
    FROM ({moves}) AS t
    WHERE i.period = t.period AND i.id = t.id {month}
)
SELECT count(*) AS rows, coalesce(sum(rial), 0)::bigint AS rial FROM filed
"""
QUEUE_OWN = _QUEUE.format(
    due=_OWN,
    held=_HELD_OWN,
    cut=_CUT,
    moves="SELECT period, id, why, CASE WHEN why IS NULL THEN 'queued' ELSE 'held' END AS becomes"
    " FROM judged",
    month="AND i.period = $11",
)
QUEUE_OWED = _QUEUE.format(
    due=_OWED,
    held=_HELD_OWED,
    cut=_CUT_AGAIN,
    moves="SELECT DISTINCT period, id, why, 'requeued' AS becomes FROM cut",
    month="",
)
