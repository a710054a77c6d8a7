"""One month's list, taken by the service itself: `python -m deploy.bench.month 1405-08`.

A process of its own, so that its memory is its own; it prints how long it took and what it held.
"""

import asyncio
import json
import resource
import sys
import time
from uuid import UUID

from services.livelihood.app import service
from services.livelihood.runs.actions import opening, snapshot
from services.livelihood.runs.errors import RunExists
from services.livelihood.runs.schemas import OpenRunIn
from shared.running import log
from shared.running.settings import Settings
from shared.storage.db import Runtime
from shared.web.auth import Actor, Role

PREPARER = Actor(sub="bench", roles=frozenset({Role.FINANCE_PREPARER}))
MIB = 1024.0


async def taken(settings: Settings, period: str) -> dict[str, object]:
    """Open the month and take its list; then try both again."""
    runtime = service.runtime(settings)
    await runtime.open()
    try:
        began = time.perf_counter()
        run_id = await _open(runtime, period)
        while not await snapshot.take(runtime, run_id):
            pass
        seconds = time.perf_counter() - began
        again = await _again(runtime, run_id, period)
    finally:
        await runtime.clients.aclose()
        await runtime.close()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return {"run_id": str(run_id), "seconds": seconds, "mib": held, "again": again}


async def _open(runtime: Runtime, period: str) -> UUID:
    async with runtime.transaction() as tx:
        run = await opening.prepared(tx, OpenRunIn(period=period, kind="regular"))
        await opening.open_run(tx, run, PREPARER)
    return run.id


async def _again(runtime: Runtime, run_id: UUID, period: str) -> bool:
    """Whether a second run is refused, and taking the list once more is no work at all."""
    try:
        await _open(runtime, period)
    except RunExists:
        return await snapshot.take(runtime, run_id)
    return False


if __name__ == "__main__":
    given = Settings(_env_file=None)
    log.configure(given)
    print(json.dumps(asyncio.run(taken(given, sys.argv[1]))))
