"""Payment files are built once: killed at any moment, by two at once, or long after the order."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

import pytest

from services.livelihood.runs import routes
from services.livelihood.runs.actions import building, snapshot
from tests.livelihood.runs.paying import a_paid_month, limited


@pytest.fixture
async def month(desk):
    return await a_paid_month(desk)


@pytest.mark.req("H20")
async def test_killed_at_any_moment_the_files_are_the_same(month, monkeypatch):
    monkeypatch.setattr(snapshot, "SHARD_ROWS", 30)
    monkeypatch.setattr(building, "BATCH", 7)
    limited(monkeypatch, rows_per_file=8)
    await month.paid_households(120, sizes=5, banks=("017", "013", "012"))
    run_id = UUID(await month.funded())
    async with month.desk.runtime.transaction() as tx:
        run = await building.queries.find_run(tx, run_id)
    actor = building.builder_of(run)
    async with month.desk.runtime.transaction() as tx:
        await building.order(tx, run, actor, due_at=tx.now)
    chance, seen = random.Random(1420), set()
    for turn in range(200):  # later and later, however long a turn takes to begin here
        runner = asyncio.create_task(building.build(month.desk.runtime, run_id))
        await asyncio.sleep(chance.uniform(0.002, 0.03 + 0.003 * turn))
        runner.cancel()
        with suppress(asyncio.CancelledError):
            await runner
        stands = await progress_of(month, run_id)
        assert stands["placed"] == stands["queued"] == stands["filed"]
        seen.add((stands["queued"], stands["built"]))
        if stands["built"] and stands["built"] == stands["files"]:
            break
    assert len(seen) > 2, seen
    while not await building.build(month.desk.runtime, run_id):
        pass
    first = await kept_files(month, run_id)
    assert sum(file["rows"] for file in first) == 120
    # Dying after the file was written and before that was written down:
    await month.desk.eye.execute(
        "UPDATE livelihood.bank_file SET state = 'filling', sha256 = NULL, place = NULL"
        " WHERE run_id = $1",
        run_id,
    )
    assert await building.build(month.desk.runtime, run_id)
    assert await kept_files(month, run_id) == first


async def progress_of(month, run_id):
    return await month.desk.eye.fetchrow(
        "SELECT (SELECT count(*) FROM livelihood.instruction WHERE period = $2) AS placed,"
        " (SELECT coalesce(sum(queued), 0) FROM livelihood.run_shard WHERE run_id = $1) AS queued,"
        " count(*) AS files, count(*) FILTER (WHERE state = 'built') AS built,"
        " coalesce(sum(rows), 0) AS filed FROM livelihood.bank_file WHERE run_id = $1",
        *(run_id, month.as_number),
    )


async def kept_files(month, run_id):
    return await month.desk.eye.fetch(
        "SELECT * FROM livelihood.bank_file WHERE run_id = $1 ORDER BY number", run_id
    )


async def test_two_builders_at_once_do_no_harm(month, monkeypatch):
    monkeypatch.setattr(snapshot, "SHARD_ROWS", 5)
    await month.paid_households(40, banks=("017", "013"))
    run_id = await month.funded()
    answers = await asyncio.gather(*(month.build(run_id) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {200, 202, 409}
    await month.wholly_built(run_id)
    placed = await month.instructions(run_id)
    assert len({one["item_id"] for one in placed}) == len(placed) == 40
    assert sum(file["rows"] for file in await month.files(run_id)) == 40


async def test_a_large_month_goes_on_by_itself_for_whoever_ordered_it(month, monkeypatch):
    monkeypatch.setattr(routes, "BUILD_FOR_S", -1.0)
    await month.paid_households(3)
    run_id = await month.funded()
    sender = month.desk.caller("finance_sender", sub=f"patient-{month.year}")
    asked = await month.build(run_id, sender)
    assert (asked.status_code, asked.json()["status"]) == (202, "funded")
    await month.desk.fire()
    run = await month.shown(run_id)
    assert run["status"] == "file_built"
    assert run["history"][-1]["step"] == "build_file"
    by = await month.desk.eye.fetchval(
        "SELECT actor_sub FROM livelihood.history WHERE subject_id = $1 AND version = $2",
        *(UUID(run_id), run["version"]),
    )
    assert by == f"patient-{month.year}"


async def test_nobody_takes_back_an_instruction_or_a_result(month):
    await month.paid_households()
    run_id = await month.built()
    pool = month.desk.runtime.pool
    for refused in (
        "DELETE FROM livelihood.instruction",
        "UPDATE livelihood.instruction SET amount_rial = 1",
        "DELETE FROM livelihood.bank_file",
        "UPDATE livelihood.bank_result SET status = 'paid'",
        "DELETE FROM livelihood.bank_result",
        "UPDATE livelihood.item SET amount_rial = 1",
    ):
        with pytest.raises(building.asyncpg.InsufficientPrivilegeError):
            await pool.execute(refused)
    assert len(await month.instructions(run_id)) == 1
