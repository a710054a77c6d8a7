"""The bench's floor writes what the application wrote; its people are people; it counts rightly."""

from itertools import islice
from uuid import UUID, uuid4

import pytest

from deploy.bench.copies import numbered_id
from deploy.bench.floor import NUMBERED, Script
from deploy.bench.people import national_codes
from deploy.bench.report import Line, table
from deploy.bench.stage import BenchFault
from deploy.bench.work import Figures
from shared.values.identifiers import parse_national_code

SQL = "INSERT INTO t VALUES ($1::UUID, $2, $3, $1::UUID, $4, $5)"


def arguments(row_id: UUID, key: str, payload: str = "{}"):
    return SQL, (row_id, key, b"\x01" + key.encode(), None, payload)


def test_what_differs_between_two_runs_is_made_anew_and_what_stays_is_passed_on():
    script = Script(arguments(uuid4(), "first"), arguments(uuid4(), "other"))
    assert script.defined == {"a5": "{}"}
    assert script.sql.startswith("WITH ids AS MATERIALIZED (SELECT uuidv7() AS i0, uuidv7()")
    assert script.sql.count("(SELECT i0 FROM ids)") == 2
    assert "substr(md5((SELECT i1 FROM ids)::text), 1, 5)" in script.sql
    assert "substr(sha256(uuid_send((SELECT i2 FROM ids))), 1, 6)" in script.sql
    assert "(NULL)" in script.sql


def test_what_is_long_keeps_its_size_and_not_what_it_says():
    one, other = "x" * 300, "y" * 300
    script = Script(arguments(UUID(int=1), "key", one), arguments(UUID(int=1), "key", other))
    assert script.defined["a5"] == one


def test_a_numbered_row_is_found_by_the_id_of_its_number():
    ids = uuid4(), uuid4()
    script = Script(arguments(ids[0], "k"), arguments(ids[1], "k"), numbered=ids)
    assert script.sql.count(NUMBERED) == 2
    assert "ids AS" not in script.sql


def test_two_different_statements_are_no_floor():
    with pytest.raises(BenchFault):
        Script(("SELECT 1", ()), ("SELECT 2", ()))


async def test_a_number_makes_the_same_id_in_sql(agency):
    sql = NUMBERED.replace(":n", "$1")
    for number in (0, 1, 4095, 10**9):
        assert await agency.eye.fetchval(f"SELECT {sql}", number) == numbered_id(number)


def test_every_applicant_is_valid_and_nobody_comes_twice():
    codes = list(islice(national_codes(7), 5000))
    assert len(set(codes)) == 5000
    assert all(parse_national_code(code) == code for code in codes)


def test_a_figure_is_the_median_of_ratios_within_the_rounds():
    figures = Figures(ours=[10, 30, 8], floor=[100, 100, 16], plain=[5, 5, 4])
    assert figures.to_floor == pytest.approx(0.3)
    assert figures.to_plain == pytest.approx(2)


def test_the_table_shows_target_beside_figure_and_says_what_missed():
    lines = [Line("B1", "work", ">= 2", "1.0", met=False, note="why"), Line("B4", "", "", "", None)]
    shown = table(lines)
    assert "B1  work  >= 2    1.0     MISSED" in shown
    assert "B1: why" in shown
