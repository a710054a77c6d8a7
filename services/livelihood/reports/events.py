"""What the report's own clock tells: a list that was closed is counted."""

from services.livelihood.reports.actions import count
from services.livelihood.runs.actions.snapshot import COUNT
from shared.storage.db import Runtime
from shared.storage.timers import AnyTimerHandler, Timer, staged


async def count_due(runtime: Runtime, timer: Timer) -> None:
    """A list has been closed."""
    await count(runtime, timer.subject_id)


TIMERS: dict[str, AnyTimerHandler] = {COUNT: staged(count_due)}
