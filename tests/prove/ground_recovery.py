"""Where the recovery of what was paid too much can be planned."""

from typing import Any

from shared.values.calendar import period_of
from tests.prove.ground import REASON
from tests.prove.ground_livelihood import Livelihood
from tests.prove.sending import Ready


async def indebted(stage: Livelihood) -> Ready:
    """An award of which a closed month has been paid too much."""
    here = period_of(stage.today)
    body: dict[str, Any] = {"month_rial": 1_000, "paused_until": here, "reason": REASON}
    ready = await stage.award("approver", body)
    await stage.agency.eye.execute(
        "INSERT INTO livelihood.adjustment"
        " (award_id, number, period, kind, cause, delta_rial, debt_rial, run_id, at)"
        " VALUES ($1, 1, $2, 'difference', 'death', -1000000, 1000000, $3, now())",
        ready.path["award_id"],
        int(here.replace("-", "")),
        (await stage.run()).path["run_id"],
    )
    return ready


RECIPES = {"POST /v1/livelihood/awards/{award_id}/set-recovery-plan": indebted}
