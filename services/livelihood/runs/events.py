"""What the run's own clock tells: snapshots, files and sending that are not finished go on."""

from datetime import timedelta

from services.livelihood.runs import queries
from services.livelihood.runs.actions import building, sending, snapshot
from services.livelihood.runs.actions.building import BUILD
from services.livelihood.runs.actions.opening import SNAPSHOT
from services.livelihood.runs.actions.sending import SEND
from services.livelihood.runs.workflow import Status
from shared.storage.db import Runtime
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged

REST = timedelta(seconds=1)


async def snapshot_due(runtime: Runtime, timer: Timer) -> None:
    """One turn of the snapshot; the next follows while there is something left."""
    if not await snapshot.take(runtime, timer.subject_id):
        async with runtime.transaction() as tx:
            await remind(tx, SNAPSHOT, subject_id=timer.subject_id, due_at=tx.now + REST)


async def build_due(runtime: Runtime, timer: Timer) -> None:
    """One turn of building the files; when they are there, the run takes its step."""
    whole = await building.build(runtime, timer.subject_id)
    async with runtime.transaction(lone=False) as tx:
        run = await queries.find_run(tx, timer.subject_id)
        if run is None or run.status != Status.FUNDED:
            return
        if whole:
            await building.finish(tx, run, building.builder_of(run))
        else:
            await remind(tx, BUILD, subject_id=timer.subject_id, due_at=tx.now + REST)


async def send_due(runtime: Runtime, timer: Timer) -> None:
    """One file goes to its bank, or its bank is asked about it."""
    await sending.go_on(runtime, timer.subject_id)


TIMERS: dict[str, AnyTimerHandler] = {
    SNAPSHOT: staged(snapshot_due),
    BUILD: staged(build_due),
    SEND: staged(send_due),
}
