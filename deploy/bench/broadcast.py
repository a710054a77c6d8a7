"""B8: one closed month, and everybody who was paid in it has a message in the queue.

Livelihood, intake and notify are the real services in one process, without their loops: what is
measured is a page fetched from its owner, asked of intake, and written with its progress.
"""

import resource
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from deploy.bench.stage import BenchFault, Stage
from services.intake.app import service as intake
from services.livelihood.app import service as livelihood
from services.notify import broadcasts
from services.notify.app import service as notify
from services.notify.queries import broadcast
from services.notify.rules import Words
from shared.running.lifespan import Lifespan
from shared.storage.outbox import Event
from shared.values.identifiers import uuid7

TOPIC, PERIOD = "livelihood.month_paid", 159912
PEOPLE = """
INSERT INTO intake.person (id, code_index, code, mobile, known_at)
SELECT id, uuid_send(id), '\\x00', '\\x00', now() FROM (
    SELECT uuidv7() AS id FROM generate_series(1, $1::int)) AS p
RETURNING id
"""
PAID = """
WITH made AS MATERIALIZED (
    SELECT person_id, uuidv7() AS id, uuidv7() AS case_id, uuidv7() AS account_id,
           gen_random_uuid() AS household_id
    FROM unnest($1::uuid[]) AS person_id
), cases AS (
    INSERT INTO livelihood."case" (id, tracking_code, status, version, person_ids, holders, kin,
        opened_at, changed_at, application_id, origin, applicant_id, subject_id, applicant_index,
        submitted_on, reason, priority, address, household, members, sheba, account_state, award_id)
    SELECT case_id, 'B-' || case_id, 'active', 1, ARRAY[person_id], '{}', '{}', now(), now(),
        case_id, 'request', person_id, person_id, '\\x00', current_date, 'no_head', 1, '\\x00',
        '\\x00', 1, '\\x00', 'verified', id
    FROM made
), accounts AS (
    INSERT INTO livelihood.payee_account (id, person_id, sheba, verified_at, created_at)
    SELECT account_id, person_id, '\\x00', now(), now() FROM made
), awards AS (
    INSERT INTO livelihood.award (id, case_id, tracking_code, household_id, payee_id,
        payee_account_id, person_ids, status, version, reason, covered_size, start_period,
        started_on, created_at)
    SELECT id, case_id, 'B-' || case_id, household_id, person_id, account_id, ARRAY[person_id],
        'active', 1, 'no_head', 1, '1405-01', current_date, now()
    FROM made
)
INSERT INTO livelihood.item (period, id, run_id, kind, component, award_id, household_id,
    covered_size, amount_rial, payee_account_id, state)
SELECT $3, id, $2, 'regular', 'base', id, household_id, 1, 1000000, account_id, 'paid' FROM made
"""


@dataclass(frozen=True, slots=True)
class Queued:
    """Recipients and messages (an inbox item and an SMS each), seconds, and MiB of growth.

    `ours_us` and `database_us` are the processor time of one message.
    """

    recipients: int
    messages: int
    seconds: float
    grown_mib: float
    ours_us: float
    database_us: float

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds


async def queued(stage: Stage, *, recipients: int) -> Queued:
    """Queue a month's messages once; counted afterwards in the database itself."""
    owner = await stage.owner()
    apps = {one.name: one.create_app(stage.settings, loops=False)
            for one in (intake, livelihood, notify)}  # fmt: skip
    async with AsyncExitStack() as stack:
        stack.push_async_callback(owner.close)
        for name, app in apps.items():
            app.state.runtime.inside.apps.update(apps)
            await stack.enter_async_context(Lifespan(name, app))
        run_id = await _paid_month(owner, recipients)
        runtime = apps["notify"].state.runtime
        event = await _heard(runtime, run_id)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, ours, theirs = time.perf_counter(), time.process_time(), stage.database_cpu_s()
        told: Any = None
        while told is None or told["queued_at"] is None:
            async with runtime.transaction() as tx:
                told = await broadcast(tx, event.id)
            if told is not None and told["queued_at"] is None:
                await broadcasts.queue(runtime, told)
        seconds = time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        ours, theirs = time.process_time() - ours, stage.database_cpu_s() - theirs
        messages = await _counted(owner, event)
        each = 1_000_000 / messages
        return Queued(recipients, messages, seconds, grown / 1024, ours * each, theirs * each)


async def _paid_month(owner: asyncpg.Connection, recipients: int) -> UUID:
    run_id = uuid7()
    await owner.execute("SELECT livelihood.make_item_partition($1)", PERIOD)
    await owner.execute(
        "INSERT INTO livelihood.run (id, period, kind, status, version, opened_at, changed_at,"
        " rates, rate_version, snapshot_at, snapshot_hash, planned, held, planned_rial, held_rial)"
        " VALUES ($1, $2, 'regular', 'closed', 10, now(), now(), '[]', 'bench', now(), 'bench',"
        " $3, 0, $3::bigint * 1000000, 0)",
        run_id,
        PERIOD,
        recipients,
    )
    for begin in range(0, recipients, 100_000):
        people = await owner.fetch(PEOPLE, min(100_000, recipients - begin))
        await owner.execute(PAID, [row["id"] for row in people], run_id, PERIOD)
    await owner.execute("VACUUM ANALYZE livelihood.item, livelihood.award, intake.person")
    return run_id


async def _heard(runtime: Any, run_id: UUID) -> Event:
    at = runtime.clock.now()
    payload = {"run_id": str(run_id), "period": "1599-12"}
    event = Event(uuid7(), "livelihood", TOPIC, run_id, 10, payload, at, None)
    async with runtime.transaction(lone=False) as tx:
        await broadcasts.begin(tx, event, Words("پیام", "سها: پیام", "پرداخت این ماه واریز شد."))
    return event


async def _counted(owner: asyncpg.Connection, event: Event) -> int:
    found = await owner.fetchrow(
        "SELECT (SELECT count(*) FROM notify.inbox_item WHERE event_id = $1) AS items,"
        " (SELECT count(*) FROM notify.notice WHERE event_id = $1) AS notices, b.items AS said"
        " FROM notify.broadcast b WHERE event_id = $1",
        event.id,
    )
    if found is None or found["items"] != found["said"]:
        raise BenchFault("the queue is not what its progress says")
    return int(found["items"] + found["notices"])
