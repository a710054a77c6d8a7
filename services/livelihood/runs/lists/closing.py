"""The end of every list: its shard is done, with what was placed in it."""

# `placed` are the items of the shard; $1 the run, $2 the shard's number, $3 when it was taken.
CLOSE = """
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
"""
