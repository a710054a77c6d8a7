"""A snapshot that is killed, lost, doubled or kept waiting comes to the same list in the end."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

import asyncpg
import pytest

from services.livelihood.ledger.queries import balances
from services.livelihood.runs.actions import snapshot
from services.livelihood.runs.actions.opening import SNAPSHOT
from tests.livelihood.runs.month import RATES, Month

pytestmark = pytest.mark.req("LV-20")
HOUSEHOLDS = 400
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@pytest.fixture
async def many(month, monkeypatch) -> Month:
    """A month of many small shards, each of which takes its time."""
    taken = snapshot._take_shard

    async def take_shard(*args, **named):
        await asyncio.sleep(0.005)
        return await taken(*args, **named)

    monkeypatch.setattr(snapshot, "_take_shard", take_shard)
    monkeypatch.setattr(snapshot, "SHARD_ROWS", 10)
    month.awards = await month.households(HOUSEHOLDS, sizes=5)
    return month


async def shards(month, run_id):
    return await month.desk.eye.fetchrow(
        "SELECT count(*) AS cut, count(done_at) AS done,"
        " coalesce(sum(planned + held), 0)::int AS items"
        " FROM livelihood.run_shard WHERE run_id = $1",
        run_id,
    )


async def is_whole(month, run_id):
    """The list is that of the awards, each household once, and so are the books."""
    total = sum(RATES[award["covered_size"] - 1] for award in month.awards)
    run = await month.shown(run_id)
    assert run["status"] == "snapshot"
    assert run["counts"] == {"items": HOUSEHOLDS, "planned": HOUSEHOLDS, "held": 0}
    assert run["totals_rial"]["approved"] == total
    kept = await month.kept()
    assert Counter(row["household_id"] for row in kept) == Counter(
        award["household_id"] for award in month.awards
    )
    assert sum(row["amount_rial"] for row in kept) == total
    async with month.desk.runtime.transaction() as tx:
        assert await balances(tx, run_id=run_id) == {"support": total, "payable": total}
    assert [past["step"] for past in run["history"]] == ["open", "take_snapshot"]


async def killed_after(seconds, month, run_id):
    """A runner that ends in the middle of whatever it is doing."""
    runner = asyncio.create_task(snapshot.take(month.desk.runtime, run_id))
    await asyncio.sleep(seconds)
    runner.cancel()
    with suppress(asyncio.CancelledError):
        await runner


async def test_killed_at_any_moment_it_goes_on_where_it_stopped(many):
    run_id = await many.opened()
    await snapshot.take(many.desk.runtime, run_id, for_s=0)
    chance, seen = random.Random(1405), []
    for _ in range(60):
        await killed_after(chance.uniform(0.005, 0.06), many, run_id)
        stands = await shards(many, run_id)
        assert len(await many.kept()) == stands["items"]  # items and progress: both or neither
        seen.append(stands["done"])
        if stands["done"] and stands["done"] == stands["cut"]:
            break
    assert seen == sorted(seen), "what was done was done again"
    assert len({done for done in seen if 0 < done < stands["cut"]}) >= 2, seen
    while not await snapshot.take(many.desk.runtime, run_id):
        pass
    await is_whole(many, run_id)


async def test_a_runner_whose_connections_are_cut_is_followed_by_another(many):
    run_id = await many.opened()
    landed = 0
    for _ in range(6):
        runner = asyncio.create_task(snapshot.take(many.desk.runtime, run_id))
        await asyncio.sleep(0.1)
        landed += await many.desk.eye.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
            " WHERE usename = 'soha_livelihood_batch' LIMIT 1) AS one"
        )
        with suppress(*LOST):
            await runner
        assert len(await many.kept()) == (await shards(many, run_id))["items"]
    assert landed >= 2
    while not await snapshot.take(many.desk.runtime, run_id):
        pass
    await is_whole(many, run_id)


async def test_two_runners_at_once_do_no_harm(many):
    run_id = await many.opened()
    await asyncio.gather(*(snapshot.take(many.desk.runtime, run_id) for _ in range(2)))
    while not await snapshot.take(many.desk.runtime, run_id):
        pass
    await is_whole(many, run_id)


async def test_a_list_is_not_closed_while_somebody_has_a_shard_in_hand(many):
    run_id = await many.opened()
    assert not await snapshot.take(many.desk.runtime, run_id, for_s=0)
    async with many.desk.eye.acquire() as slow, slow.transaction():
        await slow.execute(
            "SELECT FROM livelihood.run_shard WHERE run_id = $1 AND number = 2 FOR UPDATE",
            run_id,
        )
        assert not await snapshot.take(many.desk.runtime, run_id)
        stands = await shards(many, run_id)
        assert stands["done"] == stands["cut"] - 1
        assert (await many.shown(run_id))["status"] == "open"
    assert await snapshot.take(many.desk.runtime, run_id)
    await is_whole(many, run_id)


async def test_it_is_closed_once_by_whoever_comes_first(many):
    run_id = await many.opened()
    while (stands := await shards(many, run_id))["done"] < stands["cut"] or not stands["cut"]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot, "freeze", never)
            await snapshot.take(many.desk.runtime, run_id)
    closed = await asyncio.gather(*(snapshot.freeze(many.desk.runtime, run_id) for _ in range(4)))
    assert closed == [True] * 4
    await is_whole(many, run_id)


async def never(*_):
    """As if the process had ended before this."""
    return False


async def test_the_reminder_outlives_the_process_that_had_it_in_hand(many):
    run_id = await many.opened()
    await killed_after(0.1, many, run_id)
    eye = many.desk.eye
    waits = "SELECT 1 FROM livelihood.timer WHERE kind = $1 AND subject_id = $2"
    assert await eye.fetchval(waits, SNAPSHOT, run_id)
    for _ in range(20):
        await many.desk.fire()
        if not await eye.fetchval(waits, SNAPSHOT, run_id):
            break
        await asyncio.sleep(0.2)
    await is_whole(many, run_id)


async def test_progress_is_told_while_it_goes_on(many):
    run_id = await many.opened()
    await killed_after(0.12, many, run_id)
    told = (await many.shown(run_id))["progress"]
    stands = await shards(many, run_id)
    assert told == {"shards": stands["cut"], "done": stands["done"], "taken": stands["items"]}
    assert stands["cut"] > HOUSEHOLDS // 10


async def test_it_is_taken_by_the_batch_role_with_few_connections(many):
    pool = await many.desk.runtime.batch()
    assert await pool.fetchval("SELECT current_user") == "soha_livelihood_batch"
    assert await many.desk.runtime.batch() is pool
    run_id = await many.opened()
    await snapshot.take(many.desk.runtime, run_id)
    assert 0 < pool.get_size() <= 2
