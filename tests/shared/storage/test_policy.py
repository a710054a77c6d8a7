"""What was the rule on that day: dated values that nobody rewrites once they were in force."""

import asyncio
import json
from datetime import date

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from shared.storage import policy
from shared.storage.db import Runtime
from shared.storage.policy import PolicyExists, PolicyMissing
from shared.storage.tables import mechanisms, service_metadata

FIRST, SECOND, THIRD = date(2024, 3, 20), date(2025, 3, 21), date(2026, 3, 21)
SOURCE = {"source_ref": "circular 12", "confidence": "M"}


@pytest.fixture
async def eye(small_server):
    eye = await asyncpg.connect(small_server.database_url)
    table = mechanisms(service_metadata("ruled")).policy
    await eye.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    await eye.execute("DROP SCHEMA IF EXISTS ruled CASCADE; CREATE SCHEMA ruled")
    await eye.execute(str(CreateTable(table).compile(dialect=postgresql.dialect())))
    yield eye
    await eye.execute("DROP SCHEMA ruled CASCADE")
    await eye.close()


@pytest.fixture
async def open_runtime(small_server, eye, tmp_path):  # noqa: ARG001 - its table comes first
    opened = []

    async def open_it(**changes):
        settings = small_server.model_copy(
            update={
                "data_dir": tmp_path,
                "database_urls": {"ruled": small_server.database_url},
            }
        )
        runtime = Runtime(settings, service="ruled", metadata=service_metadata("ruled"))
        runtime.settings = settings.model_copy(update=changes)
        await runtime.open()
        opened.append(runtime)
        return runtime

    yield open_it
    for runtime in opened:
        await runtime.close()


@pytest.fixture
async def runtime(open_runtime):
    return await open_runtime()


async def put(runtime, value, day, key="loans.ceiling", **more):
    async with runtime.transaction() as tx:
        return await policy.put(tx, key, value, effective_from=day, **{**SOURCE, **more})


async def on(runtime, day, key="loans.ceiling"):
    async with runtime.transaction() as tx:
        return await policy.on(tx, key, day)


async def test_each_day_has_the_value_that_was_in_force(runtime):
    await put(runtime, 100, FIRST)
    await put(runtime, {"rial": 200}, SECOND)
    assert await on(runtime, FIRST) == 100
    assert await on(runtime, date(2025, 3, 20)) == 100
    assert await on(runtime, SECOND) == {"rial": 200}
    assert await on(runtime, date(2035, 1, 1)) == {"rial": 200}


async def test_before_the_first_row_nothing_is_in_force(runtime):
    await put(runtime, 100, FIRST)
    with pytest.raises(PolicyMissing) as refused:
        await on(runtime, date(2024, 3, 19))
    assert (refused.value.status, refused.value.code) == (503, "policy_missing")
    assert "loans.ceiling on 2024-03-19" in str(refused.value)


async def test_a_row_from_the_past_ends_where_the_next_one_begins(runtime):
    await put(runtime, 1, FIRST)
    await put(runtime, 3, THIRD)
    between = await put(runtime, 2, SECOND)
    assert between.effective_to == THIRD
    assert [await on(runtime, day) for day in (FIRST, SECOND, THIRD)] == [1, 2, 3]


async def test_a_row_may_end_by_itself(runtime):
    await put(runtime, 1, FIRST, effective_to=SECOND)
    with pytest.raises(PolicyMissing):
        await on(runtime, SECOND)


async def test_what_was_in_force_is_not_rewritten(runtime):
    await put(runtime, 1, FIRST)
    with pytest.raises(PolicyExists):
        await put(runtime, 2, FIRST)
    assert await on(runtime, FIRST) == 1


async def test_keys_do_not_touch_each_other(runtime):
    await put(runtime, 1, FIRST)
    await put(runtime, 2, SECOND, key="loans.other")
    assert await on(runtime, THIRD) == 1


@pytest.mark.req("X-11")
async def test_a_decision_can_name_the_version_it_stands_on(runtime):
    put_row = await put(runtime, 1, FIRST, confirmed_by="operator-1")
    async with runtime.transaction() as tx:
        row = await policy.row_on(tx, "loans.ceiling", THIRD)
    assert row == put_row
    assert row.id == policy.version_id("ruled", "loans.ceiling", effective_from=FIRST)
    assert (row.source_ref, row.confirmed_by, row.effective_to) == (
        "circular 12",
        "operator-1",
        None,
    )


async def test_what_one_caller_does_to_a_value_reaches_no_other(runtime):
    await put(runtime, {"steps": [1]}, FIRST)
    (await on(runtime, FIRST))["steps"].append(2)
    assert await on(runtime, FIRST) == {"steps": [1]}


async def test_a_value_is_remembered_for_seconds_and_forgotten_at_a_write(
    runtime, eye, monkeypatch
):
    await put(runtime, 1, FIRST)
    monkeypatch.setattr(policy, "SETTLE_S", 0)
    runtime.memory.clear()
    assert await on(runtime, FIRST) == 1
    await eye.execute("UPDATE ruled.policy SET value = '9'")
    assert await on(runtime, FIRST) == 1
    await put(runtime, 2, SECOND)
    assert await on(runtime, FIRST) == 9
    assert await on(runtime, SECOND) == 2


async def test_an_uncommitted_value_is_never_remembered(runtime):
    await put(runtime, 1, FIRST)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with runtime.transaction() as tx:
            await policy.put(tx, "loans.ceiling", 2, effective_from=SECOND, **SOURCE)
            assert await policy.on(tx, "loans.ceiling", SECOND) == 2
            raise ZeroDivisionError
    assert await on(runtime, SECOND) == 1


async def test_a_reader_that_comes_before_the_commit_remembers_nothing_old(runtime):
    await put(runtime, 1, FIRST)
    async with runtime.transaction() as tx:
        await policy.put(tx, "loans.ceiling", 2, effective_from=SECOND, **SOURCE)
        assert await on(runtime, SECOND) == 1
    assert await on(runtime, SECOND) == 2


async def test_rivals_for_one_day_leave_one_row(runtime):
    results = await asyncio.gather(
        *(put(runtime, at, FIRST) for at in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, PolicyExists) for result in results) == 4


async def test_production_uses_only_what_is_confirmed_or_sure(open_runtime):
    production = await open_runtime(env="production")
    unsure = await put(production, 1, FIRST)
    await put(production, 2, FIRST, key="loans.sure", confidence="H")
    assert await on(production, FIRST, key="loans.sure") == 2
    with pytest.raises(PolicyMissing, match="nobody has confirmed"):
        await on(production, FIRST)
    async with production.transaction() as tx:
        assert [row.id for row in await policy.unconfirmed(tx)] == [unsure.id]
        assert (await policy.row_on(tx, "loans.ceiling", FIRST, unconfirmed=True)).value == 1
        assert (await policy.confirm(tx, unsure.id, by="operator-2")).confirmed_by == "operator-2"
    assert await on(production, FIRST) == 1
    async with production.transaction() as tx:
        assert await policy.confirm(tx, unsure.id, by="operator-3") is None


async def test_development_can_be_asked_to_refuse_as_production_does(runtime):
    await put(runtime, 1, FIRST)
    async with runtime.transaction() as tx:
        with pytest.raises(PolicyMissing):
            await policy.row_on(tx, "loans.ceiling", FIRST, unconfirmed=False)


async def test_a_seed_loaded_twice_changes_nothing_and_gives_way_to_people(runtime, tmp_path):
    rows = [
        {"key": "k", "value": 2, "effective_from": "2025-03-21", **SOURCE},
        {"key": "k", "value": 1, "effective_from": "2024-03-20", **SOURCE},
    ]
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(rows))
    async with runtime.transaction() as tx:
        assert await policy.seed_file(tx, path) == 2
    async with runtime.transaction() as tx:
        await policy.put(tx, "k", 3, effective_from=THIRD, **SOURCE)
    newer = [*rows, {"key": "k", "value": 9, "effective_from": "2026-03-21", **SOURCE}]
    async with runtime.transaction() as tx:
        assert await policy.seed(tx, newer) == 0
    assert [await on(runtime, day, key="k") for day in (FIRST, SECOND, THIRD)] == [1, 2, 3]


async def test_a_seed_without_its_source_is_refused(runtime):
    row = {"key": "k", "value": 1, "effective_from": "2024-03-20", "confidence": "M"}
    with pytest.raises(KeyError, match="source_ref"):
        async with runtime.transaction() as tx:
            await policy.seed(tx, [row])
