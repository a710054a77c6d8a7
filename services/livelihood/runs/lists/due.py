"""Who is due a month's base support and with how many: asked alike of one month and of many.

A month is an expression of the statement in hand; `a` is the award, `p` its account.
"""


def stands(month: str, first_day: str) -> str:
    """Whether the award has begun by a month and has not ended or stopped before it."""
    return f"""(a.start_period <= {month}
      AND (a.ends_period IS NULL OR {month} <= a.ends_period)
      AND (a.ends_on IS NULL OR a.ends_on >= {first_day})
      AND (a.status NOT IN ('stopped', 'objection_open') OR {month} <= a.last_period))"""


def ruling(month: str, *, known_by: str = "true") -> str:
    """The version `v` that rules a month: the last one recorded from it or from before it."""
    return f"""LEFT JOIN LATERAL (
        SELECT covered_size, reason, recorded_at FROM livelihood.award_version v
        WHERE v.award_id = a.id AND v.effective_from_period <= {month} AND {known_by}
        ORDER BY v.version DESC LIMIT 1
    ) v ON true"""  # noqa: S608 - constants


def held(month: str) -> str:
    """Why a payment of this month is held, if it is: suspended (H02), no account (LV-22, H22).

    An account counts that was verified for the payee whom the award has now.
    """
    return f"""CASE
        WHEN a.status = 'suspended' AND coalesce(a.held_from_period, {month}) <= {month}
            THEN 'suspended'
        WHEN p.person_id <> a.payee_id THEN 'account_missing'
    END"""


def item_id(run: str, component: str) -> str:
    """The id of an award's item in a run: the same whenever it is made again."""
    return f"""(left(a.id::text, 15)
        || right(md5({run}::uuid::text || a.id::text || {component}), 19))::uuid"""


def replaced(month: str) -> str:
    """Whether an emergency has paid in place of a month (a number), by an item of its own (H27)."""
    return f"""EXISTS (
        SELECT FROM livelihood.item e WHERE e.period = {month} AND e.kind = 'emergency'
          AND e.household_id = a.household_id AND e.component = 'base' AND NOT e.reversed)"""


# The next numbers of an award's adjustments, in the order of their months. Whoever else adds to the
# same award meanwhile takes the same number: one of the two begins anew.
NUMBER = """(SELECT coalesce(max(number), 0) FROM livelihood.adjustment n WHERE n.award_id = {0})
        + row_number() OVER (PARTITION BY {0} ORDER BY {1})"""
