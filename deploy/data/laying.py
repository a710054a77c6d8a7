"""Households laid into a database, batch by batch: each in one transaction, by COPY.

A batch that is there is left alone, so whoever was stopped goes on where that was.
"""

import asyncio
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import asyncpg

from deploy.data.households import Area, household
from deploy.data.rows import TABLES, Sealed, award_id
from services.intake.catalogue.actions import DATA
from shared.running.settings import Settings
from shared.storage.encryption import Crypto

BATCH = 2_000
SERVICES = ("intake", "livelihood")


@dataclass(frozen=True, slots=True)
class Order:
    """How many households of which seed, into which installation."""

    settings: Settings
    seed: int
    households: int

    @property
    def batches(self) -> Sequence[range]:
        starts = range(0, self.households, BATCH)
        return [range(first, min(first + BATCH, self.households)) for first in starts]


def areas() -> list[Area]:
    """Every county of the country with the office that serves it."""
    offices = {
        county: office["code"]
        for office in json.loads((DATA / "offices.json").read_text())["offices"]
        for county in office["counties"]
    }
    return [
        Area(one["province"], one["id"], offices.get(one["id"]))
        for one in json.loads((DATA / "areas.json").read_text())["counties"]
    ]


def lay(order: Order, *, workers: int, laid: Callable[[int], None]) -> None:
    """Lay out every batch; `laid` hears how many households are there, batch by batch."""
    for service in SERVICES:  # keys are made once, before anybody seals
        Crypto(order.settings.keys_dir, service, may_create=True)
    if workers == 1:
        for numbers in order.batches:
            laid(_lay_batch(order, numbers))
    else:
        apart = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=apart) as pool:
            running = [pool.submit(_lay_batch, order, numbers) for numbers in order.batches]
            for done in as_completed(running):
                laid(done.result())
    asyncio.run(_looked_over(order))


def workers() -> int:
    """A process for each processor: sealing is what takes the time."""
    return os.cpu_count() or 1


def _lay_batch(order: Order, numbers: range) -> int:
    return asyncio.run(_lay(order, numbers))


async def _lay(order: Order, numbers: range) -> int:
    connection = await asyncpg.connect(order.settings.database_url)
    try:
        there = "SELECT 1 FROM livelihood.award WHERE id = $1"
        if await connection.fetchval(there, award_id(order.seed, numbers[0])):
            return len(numbers)
        keys = order.settings.keys_dir
        sealed = Sealed(Crypto(keys, "intake"), Crypto(keys, "livelihood"), seed=order.seed)
        known = areas()
        rows = sealed.rows(household(order.seed, number, known) for number in numbers)
        async with connection.transaction():
            for table, columns in TABLES.items():
                schema, name = table.split(".")
                await connection.copy_records_to_table(
                    name, schema_name=schema, columns=list(columns), records=rows[table]
                )
        return len(numbers)
    finally:
        await connection.close()


async def _looked_over(order: Order) -> None:
    """What the planner knows of the tables is what they hold now."""
    connection = await asyncpg.connect(order.settings.database_url)
    try:
        for table in TABLES:
            schema, name = table.split(".")
            await connection.execute(f'ANALYZE "{schema}"."{name}"')
    finally:
        await connection.close()
