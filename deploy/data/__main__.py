"""`python -m deploy.data --households N --seed S`: as many households as asked for, and no more.

Stopped, it goes on where it was. One seed to an installation: another seed's people would be
other people with the same national codes.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from deploy.data.laying import Order, lay, workers
from shared.running import roles
from shared.running.cli import settings
from shared.running.embedded import LaunchError, Postgres
from shared.running.runner import load
from shared.running.settings import SERVICES, Settings
from shared.storage.migrate import upgrade_all


def main() -> int:
    """Lay them out; return the exit code."""
    parser = argparse.ArgumentParser(prog="data", description=__doc__)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1405)
    given = parser.parse_args()
    console = Console(highlight=False)
    try:
        with _database(settings(), console) as known:
            _fill(Order(known, given.seed, given.households), console)
    except LaunchError as fault:
        console.print(f"data: {fault}")
        return 1
    return 0


@contextmanager
def _database(known: Settings, console: Console) -> Iterator[Settings]:
    """Yield the settings with a database that runs: the one that is named, or the embedded one."""
    if known.production:
        raise LaunchError("made-up households never go into ENV=production")
    if known.database_url is not None:
        yield known
        return
    server = Postgres(known.data_dir, say=console.print)
    server.start()
    try:
        yield known.model_copy(update={"database_url": server.dsn})
    finally:
        server.stop()


def _fill(order: Order, console: Console) -> None:
    asyncio.run(made_ready(order.settings))
    began = time.monotonic()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("households", total=order.households)
        lay(order, workers=workers(), laid=lambda count: progress.advance(bar, count))
    took = time.monotonic() - began
    console.print(
        f"{order.households:,} households of seed {order.seed} after {took:.0f} s"
        f" ({order.households / took:,.0f}/s)"
    )


async def made_ready(known: Settings) -> None:
    """Roles and schemas as they are now, whatever was there."""
    await roles.prepare(known, SERVICES)
    services, _ = load()
    await upgrade_all(known, services)


if __name__ == "__main__":
    sys.exit(main())
