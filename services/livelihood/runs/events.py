"""What the run's own clock tells: a snapshot that is not finished goes on."""

from datetime import timedelta

from services.livelihood.runs.actions import snapshot
from services.livelihood.runs.actions.opening import SNAPSHOT
from shared.storage.db import Runtime
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged

REST = timedelta(seconds=1)


async def snapshot_due(runtime: Runtime, timer: Timer) -> None:
    """One turn of the snapshot; the next follows while there is something left."""
    if not await snapshot.take(runtime, timer.subject_id):
        async with runtime.transaction() as tx:
            await remind(tx, SNAPSHOT, subject_id=timer.subject_id, due_at=tx.now + REST)


TIMERS: dict[str, AnyTimerHandler] = {SNAPSHOT: staged(snapshot_due)}
