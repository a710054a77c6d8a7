"""What the bench says of an old database and of a month: the worst route counts, and the median."""

from deploy.bench.__main__ import line_of_aged, line_of_payroll
from deploy.bench.aged import Aged
from deploy.bench.payroll import Paid

FRESH = {"B1": 10.0, "B2": 4.0}


def test_the_route_that_aged_worst_decides_and_a_large_table_read_whole_is_a_miss():
    good = Aged(200_000, FRESH, {"B1": 11.0, "B2": 5.0}, {})
    assert (good.worst, line_of_aged(good).met) == (1.25, True)
    assert line_of_aged(Aged(1, FRESH, {"B1": 11.0, "B2": 5.4}, {})).met is False
    scanned = Aged(1, FRESH, FRESH, {"intake.application": 2})
    line = line_of_aged(scanned)
    assert (line.met, "intake.application 2×" in line.figure) == (False, True)


def test_a_month_is_held_against_its_floor_round_by_round_and_by_its_memory():
    rounds = {"ours": [80.0, 90.0, 10.0], "floor": [100.0, 100.0, 100.0]}
    month = Paid(10, **rounds, shared_floor=[200.0, 200.0, 200.0], mib=120, total_rial=7)
    assert (month.to_floor, month.to_shared_floor) == (0.8, 0.4)
    assert line_of_payroll(month).met is True
    month.mib = 301
    assert line_of_payroll(month).met is False
