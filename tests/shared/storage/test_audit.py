"""Whoever owns the database cannot change what happened unseen: every way of trying is tried."""

import asyncio
import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from shared.running.clock import TEHRAN
from shared.storage import audit, audit_chain
from shared.storage.audit import ChainBroken, Sealer, entry_bytes, record
from shared.storage.audit_verify import verify, verify_all
from shared.storage.db import Runtime
from shared.storage.tables import mechanisms, service_metadata
from shared.values.identifiers import uuid7

SCHEMAS = ("audited", "witness")
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


class House:
    """One audited service on a real server, its sealer, and an owner who may do anything."""

    def __init__(self, settings, eye, place):
        self.settings = settings
        self.eye: asyncpg.Connection = eye
        self.anchors: Path = place / "anchors"
        self.runtime = Runtime(settings, service="audited", metadata=service_metadata("audited"))
        self.sealer = Sealer(self.runtime, self.anchors)

    async def write(self, count=1, **more):
        for at in range(count):
            async with self.runtime.transaction() as tx:
                await record(tx, **{"actor": f"actor-{at}", "action": "read", **more})

    async def filled(self, batches=4, size=10):
        for _ in range(batches):
            await self.write(size)
            assert await self.sealer.seal_once() == size

    async def verify(self):
        key = audit_chain.public_key(self.settings.keys_dir, "audited")
        return await verify(self.eye, "audited", anchors=self.anchors, key=key)

    async def save(self):
        await self.eye.execute("DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved")
        for table in ("audit", "audit_link"):
            await self.eye.execute(f"CREATE TABLE saved.{table} AS TABLE audited.{table}")

    async def restore(self):
        await self.eye.execute("TRUNCATE audited.audit, audited.audit_link")
        for table in ("audit", "audit_link"):
            await self.eye.execute(f"INSERT INTO audited.{table} TABLE saved.{table}")

    async def rechain(self):
        """What a forger does who knows the algorithm: every hash anew, the numbers without gap."""
        rows = await self.eye.fetch(
            "SELECT l.audit_id, a.entry FROM audited.audit_link l"
            " JOIN audited.audit a ON a.id = l.audit_id ORDER BY l.seq, l.audit_id"
        )
        await self.eye.execute("TRUNCATE audited.audit_link")
        last = audit_chain.genesis("audited")
        for seq, (audit_id, entry) in enumerate(rows, 1):
            last = audit_chain.link(last, entry, audit_id)
            await self.eye.execute(
                "INSERT INTO audited.audit_link VALUES ($1, $2, $3)", seq, audit_id, last
            )

    async def id_at(self, seq):
        return await self.eye.fetchval("SELECT audit_id FROM audited.audit_link WHERE seq=$1", seq)

    async def edit(self, seq, **changes):
        """Change what an entry says, canonically, and its column along with it."""
        audit_id = await self.id_at(seq)
        old = await self.eye.fetchval("SELECT entry FROM audited.audit WHERE id = $1", audit_id)
        entry = json.loads(old) | changes
        await self.eye.execute(
            "UPDATE audited.audit SET entry = $2, at = $3 WHERE id = $1",
            audit_id, audit_chain.canonical(entry), datetime.fromisoformat(entry["at"]),
        )  # fmt: skip


@pytest.fixture
async def house(small_server, tmp_path):
    eye = await asyncpg.connect(small_server.database_url)
    dialect = postgresql.dialect()
    for schema in SCHEMAS:
        await eye.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        tables = mechanisms(service_metadata(schema))
        for table in (tables.audit, tables.audit_link):
            await eye.execute(str(CreateTable(table).compile(dialect=dialect)))
    dsn = small_server.database_url
    settings = small_server.model_copy(
        update={"data_dir": tmp_path, "database_urls": dict.fromkeys(SCHEMAS, dsn)}
    )
    house = House(settings, eye, tmp_path)
    await house.runtime.open()
    yield house
    await house.runtime.close()
    for schema in (*SCHEMAS, "saved"):
        await eye.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await eye.close()


# What an entry is


def entry(**more):
    return entry_bytes(
        **{
            "id": UUID(int=7),
            "at": NOW,
            "service": "loans",
            "actor": "staff-1",
            "action": "loans.approve",
            "subject": "p1-ab",
            "reference": "SH-0000000000",
            "request_id": None,
            **more,
        }
    )


def test_an_entry_is_canonical_bytes():
    assert entry(status="approved", count=3) == (
        b'{"action":"loans.approve","actor":"staff-1","at":"2026-11-22T08:30:00.000000Z","count":3,'
        b'"id":"00000000-0000-0000-0000-000000000007","reference":"SH-0000000000",'
        b'"service":"loans","status":"approved","subject":"p1-ab"}'
    )


def test_the_same_instant_has_one_spelling():
    assert entry(at=NOW.astimezone(TEHRAN)) == entry()


def test_words_about_people_do_not_get_in():
    with pytest.raises(ValueError, match="reason"):
        entry(reason="بازدید انجام شد")


# The chain


@pytest.mark.req("X-10", "EX-31")
async def test_reads_are_recorded_sealed_signed_and_verified(house):
    await house.write(3, subject="p1-00", reference="SH-0000000000", purpose="eligibility")
    assert await house.sealer.seal_once() == 3
    assert await house.sealer.seal_once() == 0
    report = await house.verify()
    assert (report.links, dict(report.kinds), report.notes) == (3, {}, [])
    line = json.loads((house.anchors / "audited.jsonl").read_text().splitlines()[-1])
    head = await house.eye.fetchval("SELECT hash FROM audited.audit_link WHERE seq = 3")
    assert (line["seq"], line["hash"]) == (3, head.hex())


async def test_an_entry_stands_or_falls_with_what_it_tells_of(house):
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with house.runtime.transaction() as tx:
            await tx.begin()
            await record(tx, actor="a", action="read")
            raise ZeroDivisionError
    assert await house.sealer.seal_once() == 0


async def test_a_row_that_commits_late_is_sealed_too(house):
    late = house.runtime.transaction()
    tx = await late.__aenter__()
    await tx.begin()
    await record(tx, actor="late", action="read")
    await house.write(5)
    assert await house.sealer.seal_once() == 5
    await late.__aexit__(None, None, None)
    assert await house.sealer.seal_once() == 1
    assert not (await house.verify()).kinds


async def test_more_rows_than_one_batch_are_sealed_in_order(house, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 4)
    await house.write(10)
    assert [await house.sealer.seal_once() for _ in range(4)] == [4, 4, 2, 0]
    report = await house.verify()
    assert (report.links, dict(report.kinds)) == (10, {})


async def test_rivals_keep_one_chain_and_nobody_is_accused_meanwhile(house):
    others = [Sealer(house.runtime, house.anchors) for _ in range(3)]
    done = asyncio.Event()

    async def seal(sealer):
        while not done.is_set():
            await sealer.seal_once()
            await asyncio.sleep(0.001)

    sealing = [asyncio.create_task(seal(sealer)) for sealer in others]
    accused = []
    for _ in range(10):
        await house.write(10)
        accused.append(dict((await house.verify()).kinds))
    done.set()
    await asyncio.gather(*sealing)
    await house.sealer.seal_once()
    report = await house.verify()
    assert accused == [{}] * 10
    assert (report.links, dict(report.kinds), report.notes) == (100, {}, [])


async def test_the_loop_seals_until_it_is_stopped_and_leaves_nothing(house):
    running = asyncio.create_task(house.sealer.run())
    await house.write(3)
    house.sealer.stop()
    await asyncio.wait_for(running, 5)
    assert (await house.verify()).links == 3


async def test_a_restarted_sealer_goes_on_where_the_signed_heads_end(house):
    await house.filled()
    await house.write(2)
    assert await Sealer(house.runtime, house.anchors).seal_once() == 2
    assert not (await house.verify()).kinds


async def test_a_crash_between_commit_and_signature_is_mended_at_the_next_start(house):
    await house.filled()
    path = house.anchors / "audited.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])  # half a line, as a power cut leaves
    report = await house.verify()
    assert not report.kinds
    assert report.notes == ["10 links since the last signed head"]
    await Sealer(house.runtime, house.anchors).seal_once()
    report = await house.verify()
    assert (dict(report.kinds), report.notes) == ({}, [])


async def test_a_dump_loaded_again_is_no_tampering(house):
    await house.filled()
    await house.save()
    await house.restore()
    assert not (await house.verify()).kinds


# Tampering: (name, what the verifier must say, what the forger does at a place of the chain)


async def change_field(house, seq):
    await house.edit(seq, reference="SH-1111111111")


async def change_actor(house, seq):
    await house.edit(seq, actor="somebody-else")


async def change_time(house, seq):
    await house.edit(seq, at="2020-01-01T00:00:00.000000Z")


async def change_only_the_time_column(house, seq):
    await house.eye.execute(
        "UPDATE audited.audit SET at = at - interval '1 day' WHERE id = $1", await house.id_at(seq)
    )


async def change_behind_triggers(house, seq):
    async with house.eye.transaction():
        await house.eye.execute("SET LOCAL session_replication_role = replica")
        await house.edit(seq, action="nothing")


async def delete_entry(house, seq):
    await house.eye.execute("DELETE FROM audited.audit WHERE id = $1", await house.id_at(seq))


async def delete_entry_and_link(house, seq):
    await delete_entry(house, seq)
    await house.eye.execute("DELETE FROM audited.audit_link WHERE seq = $1", seq)


async def delete_and_close_the_gap(house, seq):
    await delete_entry_and_link(house, seq)
    for later in range(seq + 1, 41):
        await house.eye.execute("UPDATE audited.audit_link SET seq = seq - 1 WHERE seq = $1", later)


async def delete_and_chain_anew(house, seq):
    await delete_entry_and_link(house, seq)
    await house.rechain()


async def delete_tail(house, seq):
    await house.eye.execute(
        "DELETE FROM audited.audit WHERE id IN"
        " (SELECT audit_id FROM audited.audit_link WHERE seq >= $1)", seq,
    )  # fmt: skip
    await house.eye.execute("DELETE FROM audited.audit_link WHERE seq >= $1", seq)


async def insert_into_the_past(house, seq):
    old = audit_chain.smallest_id(datetime.now(UTC), back=timedelta(days=seq))
    audit_id = UUID(int=old.int | 7 << 76 | 2 << 62 | seq)
    await house.eye.execute(
        "INSERT INTO audited.audit VALUES ($1, $2, $3)",
        audit_id, NOW, entry(id=audit_id, service="audited"),
    )  # fmt: skip


async def insert_link(house, seq):
    audit_id = uuid7()
    await house.eye.execute(
        "INSERT INTO audited.audit VALUES ($1, $2, $3)",
        audit_id, NOW, entry(id=audit_id, service="audited"),
    )  # fmt: skip
    for later in range(40, seq - 1, -1):
        await house.eye.execute("UPDATE audited.audit_link SET seq = seq + 1 WHERE seq = $1", later)
    await house.eye.execute(
        "INSERT INTO audited.audit_link VALUES ($1, $2, $3)", seq, audit_id, bytes(32)
    )


async def insert_and_chain_anew(house, seq):
    await insert_link(house, seq)
    await house.rechain()


async def reorder(house, seq):
    ids = [await house.id_at(at) for at in (seq, seq - 1)]
    await house.eye.execute(
        "UPDATE audited.audit_link SET audit_id = $2 WHERE seq = $1", seq, uuid4()
    )
    for at, audit_id in zip((seq - 1, seq), ids, strict=True):
        await house.eye.execute(
            "UPDATE audited.audit_link SET audit_id = $2 WHERE seq = $1", at, audit_id
        )


async def swap_entries(house, seq):
    one, other = [await house.id_at(at) for at in (seq, seq - 1)]
    await house.eye.execute(
        "UPDATE audited.audit AS a SET entry = b.entry, at = b.at FROM audited.audit AS b"
        " WHERE (a.id, b.id) IN (($1, $2), ($2, $1))", one, other,
    )  # fmt: skip


async def rewrite_whole_chain(house, seq):
    await change_actor(house, seq)
    await house.rechain()


async def bring_from_another_service(house, seq):
    await house.edit(seq, service="witness")
    await house.rechain()


async def truncate_and_load_another(house, seq):
    await house.save()
    await house.restore()
    await rewrite_whole_chain(house, seq)


async def empty_everything(house, _):
    await house.eye.execute("TRUNCATE audited.audit, audited.audit_link")


TAMPERING = [
    (change_field, "changed"),
    (change_actor, "changed"),
    (change_time, "changed"),
    (change_only_the_time_column, "misplaced"),
    (change_behind_triggers, "changed"),
    (delete_entry, "missing"),
    (delete_entry_and_link, "gap"),
    (delete_and_close_the_gap, "changed"),
    (delete_and_chain_anew, "rewritten behind"),  # after the last head but one: only its end tells
    (delete_tail, "behind"),
    (insert_into_the_past, "inserted"),
    (insert_link, "changed"),
    (insert_and_chain_anew, "rewritten"),
    (reorder, "changed"),
    (swap_entries, "misplaced"),
    (rewrite_whole_chain, "rewritten"),
    (bring_from_another_service, "misplaced"),
    (truncate_and_load_another, "rewritten"),
    (empty_everything, "behind"),
]


@pytest.mark.parametrize(
    ("tamper", "kind"), TAMPERING, ids=lambda value: getattr(value, "__name__", value)
)
async def test_tampering_is_found_wherever_it_is_done(house, tamper, kind):
    await house.filled()
    await house.save()
    for seq in (2, *random.sample(range(3, 39), 2), 39):
        await tamper(house, seq)
        report = await house.verify()
        assert any(report.kinds[word] for word in kind.split()), (tamper.__name__, seq, report)
        await house.restore()
        assert not (await house.verify()).kinds


async def test_an_older_backup_is_noticed_and_nothing_is_signed_on_it(house):
    await house.filled(2)
    await house.save()
    await house.filled(2)
    await house.restore()
    report = await house.verify()
    assert report.kinds == {"behind": 1}
    assert "link 40 was signed" in report.findings[0].said
    await house.write(30)  # the chain must not grow over the gap either
    for sealer in (house.sealer, Sealer(house.runtime, house.anchors)):
        with pytest.raises(ChainBroken):
            await sealer.seal_once() or await sealer.seal_once()
    assert (await house.verify()).kinds == {"behind": 1}


async def test_people_may_take_over_a_restored_chain_and_it_is_told_for_ever(house):
    await house.filled(2)
    await house.save()
    await house.filled(2)
    await house.restore()
    await house.sealer.accept_restore("disk of 22 November")
    await house.write(3)
    assert await house.sealer.seal_once() == 3
    report = await house.verify()
    assert not report.kinds
    assert "disk of 22 November" in report.notes[0]
    assert "2 signed heads after it set aside" in report.notes[0]


async def test_two_heads_signed_for_one_place_are_a_fork(house):
    path = house.anchors / "audited.jsonl"
    await house.filled(2)
    await house.save()
    shared = path.read_bytes()
    await house.filled(1)
    one = path.read_bytes()
    await house.restore()
    path.write_bytes(shared)
    house.sealer = Sealer(house.runtime, house.anchors)
    await house.filled(1)
    assert not (await house.verify()).kinds
    path.write_bytes(one + path.read_bytes()[len(shared) :])
    assert (await house.verify()).kinds["forked"] == 1


async def test_a_head_that_the_service_did_not_sign_is_forged(house):
    await house.filled()
    path = house.anchors / "audited.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    stranger = audit_chain.signing_key(house.settings.data_dir / "x", "audited", may_create=True)
    head = audit_chain.Anchor("audited", 99, bytes(32), NOW)
    audit_chain.append(head, house.anchors, key=stranger)
    assert (await house.verify()).kinds["forged"] == 1
    path.write_bytes(b"".join(lines).replace(b'"seq":20', b'"seq":21'))
    assert (await house.verify()).kinds["forged"] == 1


async def test_without_signed_heads_a_chain_proves_nothing(house):
    await house.filled()
    (house.anchors / "audited.jsonl").unlink()
    assert (await house.verify()).kinds["unsigned"] == 1
    with pytest.raises(ChainBroken, match="gone"):
        await Sealer(house.runtime, house.anchors).seal_once()


# The program


async def run_program(house, *more):
    return await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "shared.storage.audit_verify"),
            *("--dsn", house.settings.database_url, "--anchors", house.anchors),
            *("--keys", house.settings.keys_dir, *more),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )


async def test_the_program_says_clean_tampered_or_nothing_seen(house):
    await house.sealer.seal_once()
    nothing = await run_program(house, "--service", "audited")
    assert (nothing.returncode, "0 entries" in nothing.stdout) == (2, True), nothing
    await house.filled(1)
    clean = await run_program(house, "--service", "audited")
    assert (clean.returncode, "audited: 10 entries" in clean.stdout) == (0, True), clean
    await change_actor(house, 5)
    tampered = await run_program(house, "--service", "audited")
    assert tampered.returncode == 1
    assert "changed seq=5" in tampered.stdout


async def test_no_chain_is_left_out(house):
    await house.filled(1)
    with pytest.raises(audit_chain.KeysMissing, match="witness"):
        await verify_all(
            house.settings.database_url, anchors=house.anchors, keys=house.settings.keys_dir
        )
