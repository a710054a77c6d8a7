"""The payment files of a funded run: its items become instructions, these become files.

Shards are queued one at a time over all runs, each in one transaction with its progress, because a
file goes on where the shard before it stopped. Then each file is written once; whoever comes after
a crash makes the same instructions and the same bytes.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import asyncpg

from services.livelihood.runs import queries
from services.livelihood.runs.files import pain001, store
from services.livelihood.runs.lists.payable import QUEUE_OWED, QUEUE_OWN
from services.livelihood.runs.models import BankFile, Run
from services.livelihood.runs.queries import Terms
from services.livelihood.runs.rules import as_text
from services.livelihood.runs.workflow import FUNDED, Status
from shared.storage.db import Runtime, Transaction
from shared.storage.encryption import SealBroken
from shared.storage.timers import remind
from shared.values.calendar import tehran_date
from shared.web.auth import Actor, Role
from shared.workflow import advance, check

BUILD = "build_files"
FOR_S = 10.0
BATCH = 2_000
PAUSE_S = 0.05
ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(hashtextextended('livelihood.build', 0))"
BUILT = [status for status in FUNDED if status != Status.FUNDED]
_ACCOUNT = {"table": "livelihood.payee_account", "column": "sheba"}


async def order(tx: Transaction, run: Run, actor: Actor, *, due_at: datetime) -> None:
    """Note who wants the files; they are built whatever happens to this process.

    Raises what the step itself would.
    """
    check(tx, run, "build_file", actor)
    await tx.begin()
    await tx.write(
        "UPDATE livelihood.run SET builder = $2, build_at = $3 WHERE id = $1 AND builder IS NULL",
        run.id,
        actor.sub,
        tx.now,
    )
    await remind(tx, BUILD, subject_id=run.id, due_at=due_at)


async def build(runtime: Runtime, run_id: UUID, *, for_s: float = FOR_S) -> bool:
    """Go on for about so many seconds; return whether every file is there."""
    until = asyncio.get_running_loop().time() + for_s
    async with runtime.transaction() as tx:
        run = await queries.find_run(tx, run_id)
        if run is None or run.status != Status.FUNDED or run.build_at is None:
            return True
        terms = await queries.terms_on(tx, tehran_date(run.build_at))
    pool = await runtime.batch()
    async with pool.acquire() as connection:
        await _name_banks(runtime, connection)
        while await _queue_shard(connection, run, terms, at=run.build_at):
            if asyncio.get_running_loop().time() >= until:
                return False
    while file := await _next_file(pool, run_id):
        await write(runtime, pool, file, terms)
        if asyncio.get_running_loop().time() >= until:
            return False
    return True


async def finish(tx: Transaction, run: Run, actor: Actor) -> None:
    """The files are built: the run takes its step, by whoever ordered them."""
    await advance(tx, run, "build_file", actor)


def builder_of(run: Run) -> Actor:
    """Who ordered the files, for the step at the end of a long build."""
    return Actor(sub=run.builder or "", roles=frozenset({Role.FINANCE_SENDER}))


# Items to instructions


async def _name_banks(runtime: Runtime, connection: asyncpg.Connection) -> None:
    """Accounts from before the bank was kept with them; of one that does not open there is none."""
    while rows := await connection.fetch(
        "SELECT id, sheba FROM livelihood.payee_account WHERE bank_code IS NULL LIMIT $1", BATCH
    ):
        codes = await asyncio.to_thread(lambda: [_bank_of(runtime, row) for row in rows])
        await connection.execute(
            "UPDATE livelihood.payee_account p SET bank_code = n.code"
            " FROM unnest($1::uuid[], $2::text[]) AS n (id, code) WHERE p.id = n.id",
            [row["id"] for row in rows],
            codes,
        )


def _bank_of(runtime: Runtime, row: asyncpg.Record) -> str:
    try:
        sheba: str = runtime.crypto.open_json(row["sheba"], row=row["id"], **_ACCOUNT)
    except SealBroken:
        return ""
    return sheba[4:7]


async def _queue_shard(
    connection: asyncpg.Connection, run: Run, terms: Terms, *, at: datetime
) -> bool:
    """Queue one shard; False when there is none left."""
    async with connection.transaction():
        if not await connection.fetchval(ONE_AT_A_TIME):
            await asyncio.sleep(PAUSE_S)
            return True
        shard = await connection.fetchrow(
            "SELECT number, from_id, until_id FROM livelihood.run_shard"
            " WHERE run_id = $1 AND queued_at IS NULL ORDER BY number LIMIT 1 FOR UPDATE",
            run.id,
        )
        if shard is None:
            return False
        given = (
            *(run.id, shard["from_id"], shard["until_id"], at),
            *(terms.cycles.next(at), *terms.banks()),
            *(terms.rows_per_file, terms.rial_per_file, terms.rial_per_instruction),
        )
        own = await connection.fetchrow(QUEUE_OWN, *given, run.period)
        # Few rows of very many months: whole partitions must not be read to find them.
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        owed = await connection.fetchrow(QUEUE_OWED, *given, BUILT)
        await connection.execute(
            "UPDATE livelihood.run_shard SET queued_at = $3, queued = $4, queued_rial = $5"
            " WHERE run_id = $1 AND number = $2",
            *(run.id, shard["number"], at),
            *(own["rows"] + owed["rows"], own["rial"] + owed["rial"]),
        )
    return True


# Instructions to files


async def _next_file(pool: asyncpg.Pool, run_id: UUID) -> BankFile | None:
    row = await pool.fetchrow(
        "SELECT * FROM livelihood.bank_file WHERE run_id = $1 AND state = 'filling'"
        " ORDER BY number LIMIT 1",
        run_id,
    )
    return BankFile(**row) if row else None


async def write(runtime: Runtime, pool: asyncpg.Pool, file: BankFile, terms: Terms) -> None:
    """Write one file, whole or not at all; written again it is the same byte for byte (H20)."""
    place = store.place_of(file.run_id, file.id)
    order_ = pain001.Order(
        file_id=file.id,
        run_id=file.run_id,
        bank_code=file.bank_code,
        rows=file.rows,
        amount_rial=file.amount_rial,
        made_at=file.built_at,
        execute_on=tehran_date(file.cycle_at),
        payer_name=terms.payer_name,
        payer_sheba=terms.payer_sheba,
    )
    writer = await asyncio.to_thread(store.Writer, runtime, file.id, place)
    await asyncio.to_thread(writer.write, order_.head())
    rows = amount = 0
    async for batch in _instructions(pool, file.id):
        await asyncio.to_thread(_write_rows, runtime, writer, order_, batch)
        rows += len(batch)
        amount += sum(row["amount_rial"] for row in batch)
    if (rows, amount) != (file.rows, file.amount_rial):
        raise RuntimeError(f"payment file {file.id}: its rows are not those it was filled with")
    await asyncio.to_thread(writer.write, order_.tail(), last=True)
    sha256 = await asyncio.to_thread(writer.close)
    await pool.execute(
        "UPDATE livelihood.bank_file SET state = 'built', sha256 = $2, place = $3"
        " WHERE id = $1 AND state = 'filling'",
        *(file.id, sha256, place),
    )


def _write_rows(
    runtime: Runtime, writer: store.Writer, order_: pain001.Order, batch: list[asyncpg.Record]
) -> None:
    opened = runtime.crypto.open_json
    writer.write(
        order_.body(
            pain001.Row(
                row["id"].hex,
                row["amount_rial"],
                opened(row["sheba"], row=row["payee_account_id"], **_ACCOUNT),
                as_text(row["period"]),
            )
            for row in batch
        )
    )


async def _instructions(pool: asyncpg.Pool, file_id: UUID) -> AsyncIterator[list[asyncpg.Record]]:
    """The instructions of a file in their order, some at a time."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(
            "SELECT i.id, i.amount_rial, i.period, i.payee_account_id, p.sheba"
            " FROM livelihood.instruction i"
            " JOIN livelihood.payee_account p ON p.id = i.payee_account_id"
            " WHERE i.file_id = $1 ORDER BY i.period, i.id",
            file_id,
        )
        while batch := await cursor.fetch(BATCH):
            yield batch
