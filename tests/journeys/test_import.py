"""A file from an older system: households, then their awards, then accounts; whole, once, and by
the rules of every other way in.
"""

import asyncio
import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from rich.console import Console

from services.intake.commands import HOUSEHOLDS
from services.livelihood.awards import rules
from services.livelihood.commands import ACCOUNTS, AWARDS
from shared.imports import BadFile, Report, source_of
from shared.running.importing import brought, faults_of
from shared.values.calendar import period_of
from tests import make

BY = "officer-of-the-move"
QUIET = Console(quiet=True)


@dataclass
class Family:
    """A covered household of the older system."""

    head: make.Person = field(default_factory=make.Person)
    children: int = 1

    def __post_init__(self):
        self.members = [make.child(self.head) for _ in range(self.children)]

    def household(self, **changed):
        return {
            "head": self.head.national_code,
            "members": ";".join(f"{one.national_code}:child" for one in self.members),
            "province": "تهران",
            "county": "تهران",
            "postal_code": "1311675319",
            "address": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
            "reason": "no_head",
            "covered_on": "2024-05-01",
        } | changed

    def award(self, start, **changed):
        return {
            "head": self.head.national_code,
            "reason": "no_head",
            "sheba": self.head.sheba,
            "covered_size": str(1 + self.children),
            "granted_on": "2024-05-01",
            "last_paid_period": rules.next_period(start, -1),
            "start_period": start,
        } | changed


def table(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        told = csv.DictWriter(file, list(rows[0]))
        told.writeheader()
        told.writerows(rows)
    return path


def objects(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


async def bring(agency, kind, file, *, dry=False):
    report, held = await brought(kind, file, agency.settings, by=BY, dry=dry, console=QUIET)
    with faults_of(file).open() as told:
        return report, held, [tuple(row.values()) for row in csv.DictReader(told)]


def counts(report: Report):
    return report.taken, report.before, report.refused


@pytest.fixture
async def families(agency):
    made = [Family(children=number) for number in (0, 1, 2)]
    for one in made:
        for person in (one.head, *one.members):
            await agency.known(person)
    return made


@pytest.fixture
def start(agency):
    """The month from which we pay: the one after this."""
    return rules.next_period(period_of(agency.runtime("intake").clock.now()))


async def settled(agency, families, tmp_path):
    """The households are here, and livelihood knows that they are covered."""
    file = table(tmp_path / "households.csv", [one.household() for one in families])
    await bring(agency, HOUSEHOLDS, file)
    await agency.settled()
    for one in families:
        await agency.sandbox.put(
            f"/accounts/{one.head.sheba}",
            json={"holder_national_code": one.head.national_code, "state": "open"},
        )


async def lines_of(agency, schema, file):
    return await agency.eye.fetch(
        f"SELECT * FROM {schema}.import_line WHERE source = $1 ORDER BY line", source_of(file)
    )


async def test_households_come_in_whole_by_the_rules_of_an_office(agency, families, tmp_path):
    file = table(tmp_path / "h.csv", [one.household() for one in families])
    report, held, faults = await bring(agency, HOUSEHOLDS, file)
    assert (counts(report), faults) == ((3, 0, 0), [])
    assert held == report.due == (3, 6)
    [household] = await agency.eye.fetch(
        "SELECT h.*, c.reason, c.started_on, c.source FROM intake.import_line l"
        " JOIN intake.household h ON h.id = l.subject_id"
        " JOIN intake.coverage c ON c.household_id = h.id WHERE l.source = $1 AND l.line = 4",
        source_of(file),
    )
    assert (household["province"], household["reason"]) == ("Tehran", "no_head")
    assert (household["started_on"].isoformat(), household["source"]) == ("2024-05-01", BY)
    past = await agency.eye.fetch(
        "SELECT step, actor_sub FROM intake.history WHERE subject_id = $1", household["id"]
    )
    assert [tuple(one) for one in past] == [("taken_over", BY)]
    entries = await agency.eye.fetch("SELECT entry FROM intake.audit ORDER BY id DESC LIMIT 50")
    told = [json.loads(row["entry"]) for row in entries]
    mine = [one for one in told if one.get("reference") == str(household["id"])]
    assert [(one["action"], one["actor"]) for one in mine] == [("household.taken_over", BY)]
    assert families[2].head.national_code not in str(told)


async def test_the_same_file_again_takes_nothing_twice(agency, families, tmp_path):
    file = objects(tmp_path / "h.ndjson", [one.household() for one in families])
    await bring(agency, HOUSEHOLDS, file)
    report, held, _ = await bring(agency, HOUSEHOLDS, file)
    assert counts(report) == (0, 3, 0)
    assert held == report.due == (3, 6)


async def test_a_dry_run_says_what_would_be_and_leaves_nothing(agency, families, tmp_path):
    rows = [families[0].household(), families[1].household(postal_code="12")]
    file = table(tmp_path / "h.csv", rows)
    report, held, faults = await bring(agency, HOUSEHOLDS, file, dry=True)
    assert (counts(report), held) == ((1, 0, 1), None)
    assert faults == [("3", "/postal_code", "postal_code")]
    assert await lines_of(agency, "intake", file) == []
    known = agency.runtime("intake").crypto.index(families[0].head.national_code)
    found = await agency.eye.fetch("SELECT 1 FROM intake.person WHERE code_index = $1", known)
    assert found == []


async def test_a_refused_line_is_named_by_place_and_code_and_the_others_go_on(
    agency, families, tmp_path
):
    one, two, three = families
    stranger = make.national_code()
    rows = [
        one.household(head="1234567890"),
        one.household(covered_on="2124-01-01"),
        one.household(county="ناکجا"),
        one.household(head=stranger),
        two.household(members=f"{two.members[0].national_code}:cousin"),
        two.household(address="خیابان\u202e شوش"),
        two.household(),
        two.household(),
        three.household(members=f"{two.members[0].national_code}:child"),
        {"head": one.head.national_code, "motto": "بسیار محرمانه"},
    ]
    file = objects(tmp_path / "h.ndjson", rows)
    with file.open("a") as more:
        more.write('{"head": 1, "head": 2}\nnonsense of somebody\n')
    report, held, faults = await bring(agency, HOUSEHOLDS, file)
    found = {int(line): code for line, _, code in reversed(faults)}
    assert found[1] == "national_code"
    assert found[2] == "in_the_future"
    assert found[3] == "unknown_area"
    assert found[4] == "person_unknown"
    assert found[5] == "literal_error"
    assert 6 in found
    assert 7 not in found
    assert found[8] == "person_in_other_household"
    assert found[9] == "person_in_other_household"
    assert found[11] == found[12] == "unreadable_line"
    assert ("10", "", "extra_forbidden") in faults
    assert (counts(report), held) == ((1, 0, 11), (1, 2))
    assert held == report.due
    told = faults_of(file).read_text()
    for value in ("1234567890", stranger, "motto", "محرمانه", "nonsense", "ناکجا"):
        assert value not in told


def command(agency, *arguments):
    """The `soha` command in a process of its own, on the same database."""
    given = agency.settings
    environment = os.environ | {
        "ENV": "test",
        "DATA_DIR": str(given.data_dir),
        "RUN_DIR": str(given.run_dir),
        "DATABASE_URL": given.database_url,
        "SANDBOX_PORT": str(given.sandbox_port),
    }
    program = [sys.executable, "-m", "shared.running.cli", *arguments]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)


async def test_a_killed_import_goes_on_and_takes_no_line_twice(agency, tmp_path):
    """Wherever it ends, what a line did and that it was done are there together or not at all."""
    many = [Family(children=0) for _ in range(25)]
    await agency.known(*(one.head for one in many))
    file = table(tmp_path / "h.csv", [one.household() for one in many])
    asked = ("import", "households", str(file), "--by", BY)
    first = command(agency, *asked)
    while len(await lines_of(agency, "intake", file)) < 4:
        assert first.poll() is None
        await asyncio.sleep(0.01)
    first.kill()
    first.communicate()
    before = len(await lines_of(agency, "intake", file))
    assert 4 <= before < 25
    again = command(agency, *asked)
    said, _ = await asyncio.to_thread(again.communicate)
    assert again.returncode == 0, said
    assert f"taken: {25 - before} now, {before} before; refused: 0 lines" in said
    assert "in the database: 25 lines, 25 people" in said
    heads = [agency.runtime("intake").crypto.index(one.head.national_code) for one in many]
    homes = await agency.eye.fetch(
        "SELECT p.id, count(m.id) AS homes, count(c.id) AS covers FROM intake.person p"
        " JOIN intake.membership m ON m.person_id = p.id"
        " JOIN intake.coverage c ON c.household_id = m.household_id"
        " WHERE p.code_index = ANY ($1::bytea[]) GROUP BY 1",
        heads,
    )
    assert [(one["homes"], one["covers"]) for one in homes] == [(1, 1)] * 25


async def test_two_runs_at_once_take_each_line_once(agency, families, tmp_path):
    file = table(tmp_path / "h.csv", [one.household() for one in families])
    reports = await asyncio.gather(*(bring(agency, HOUSEHOLDS, file) for _ in range(2)))
    taken = sum(report.taken for report, _, _ in reports)
    assert taken == 3
    lines = await lines_of(agency, "intake", file)
    assert [line["subject_id"] is not None for line in lines] == [True] * 3


async def test_an_award_comes_in_with_the_month_from_which_we_pay(
    agency, families, tmp_path, start
):
    await settled(agency, families, tmp_path)
    file = table(tmp_path / "a.csv", [one.award(start) for one in families])
    report, held, faults = await bring(agency, AWARDS, file)
    assert (counts(report), faults) == ((3, 0, 0), [])
    assert held == report.due == (3, 6)
    [line, *_] = await lines_of(agency, "livelihood", file)
    award = await agency.eye.fetchrow(
        "SELECT a.*, c.origin, c.province FROM livelihood.award a"
        ' JOIN livelihood."case" c ON c.id = a.case_id WHERE a.id = $1',
        line["subject_id"],
    )
    assert (award["start_period"], award["status"], award["origin"], award["province"]) == (
        start, "active", "imported", "Tehran",
    )  # fmt: skip
    past = await agency.eye.fetch(
        "SELECT step, actor_sub, facts FROM livelihood.history"
        " WHERE subject_id = ANY ($1::uuid[]) ORDER BY step",
        [award["id"], award["case_id"]],
    )
    assert [one["step"] for one in past] == ["activate", "take_over"]
    assert {one["actor_sub"] for one in past} == {BY}
    assert json.loads(past[1]["facts"])["last_paid_period"] == rules.next_period(start, -1)
    citizen = await agency.caller("citizen", national_code=families[0].head.national_code)
    shown = (await citizen.get("/v1/livelihood/awards")).json()["items"]
    assert [one["award_id"] for one in shown] == [str(award["id"])]


@pytest.mark.req("LV-22")
async def test_nobody_is_paid_by_two_systems_in_one_month(agency, families, tmp_path, start):
    await settled(agency, families, tmp_path)
    one, two, three = families
    now = rules.next_period(start, -1)
    await agency.sandbox.put(
        f"/accounts/{three.head.sheba}",
        json={"holder_national_code": make.national_code(), "state": "open"},
    )
    rows = [
        one.award(start, last_paid_period=start),
        one.award(start, last_paid_period=rules.next_period(start, 3)),
        one.award(rules.next_period(now, -1), last_paid_period=rules.next_period(now, -4)),
        one.award(start, covered_size="4"),
        one.award(start, covered_size="1_0"),
        one.award(start, sheba="IR000170000000301000000137"),
        one.award(start, head=make.national_code()),
        three.award(start),
        two.award(start),
        two.award(rules.next_period(start, 2), last_paid_period=rules.next_period(start)),
    ]
    file = objects(tmp_path / "a.ndjson", rows)
    report, held, faults = await bring(agency, AWARDS, file)
    assert [code for _, _, code in faults] == [
        *("paid_elsewhere", "paid_elsewhere", "month_has_gone", "covered_size_differs"),
        *("int_type", "sheba", "not_found", "account_not_verified", "household_has_award"),
    ]
    assert (counts(report), held) == ((1, 0, 9), (1, 2))
    assert held == report.due
    owed = await agency.eye.fetch(
        "SELECT count(*) FROM livelihood.award WHERE household_id ="
        " (SELECT household_id FROM livelihood.award WHERE id = ANY ($1::uuid[]))",
        [line["subject_id"] for line in await lines_of(agency, "livelihood", file)
         if line["subject_id"]],
    )  # fmt: skip
    assert owed[0][0] == 1


async def test_accounts_are_verified_and_the_old_ones_stay(agency, families, tmp_path, start):
    await settled(agency, families, tmp_path)
    await bring(agency, AWARDS, table(tmp_path / "a.csv", [o.award(start) for o in families]))
    one, two, three = families
    fresh = make.sheba("015")
    await agency.sandbox.put(
        f"/accounts/{fresh}",
        json={"holder_national_code": one.head.national_code, "state": "open"},
    )
    rows = [
        {"payee": one.head.national_code, "sheba": fresh},
        {"payee": two.head.national_code, "sheba": fresh},
        {"payee": three.head.national_code, "sheba": three.head.sheba},
        {"payee": make.national_code(), "sheba": fresh},
    ]
    file = table(tmp_path / "accounts.csv", rows)
    report, held, faults = await bring(agency, ACCOUNTS, file)
    assert [(line, code) for line, _, code in faults] == [
        ("3", "account_not_verified"), ("5", "not_found")
    ]  # fmt: skip
    assert (counts(report), held) == ((2, 0, 2), (2, 2))
    steps = {
        line["line"]: await agency.eye.fetchval(
            "SELECT count(*) FROM livelihood.history WHERE subject_id = $1"
            " AND step = 'change_account'",
            UUID(str(line["subject_id"])),
        )
        for line in await lines_of(agency, "livelihood", file)
        if line["subject_id"]
    }
    assert steps == {2: 1, 4: 0}


@pytest.mark.parametrize("first", [b"", b"head,head\n", b"a,,b\n1,2,3\n", b"\xff\xfe\x00\n1\n"])
async def test_a_file_that_names_no_columns_is_refused_as_a_whole(agency, tmp_path, first):
    file = tmp_path / "bad.csv"
    file.write_bytes(first)
    if not first:
        report, held, _ = await bring(agency, HOUSEHOLDS, file)
        assert (counts(report), held) == ((0, 0, 0), (0, 0))
        return
    with pytest.raises(BadFile):
        await bring(agency, HOUSEHOLDS, file)
