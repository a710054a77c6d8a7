"""Dated policy as delivered: sourced, never overlapping, and there for every promised time."""

import json
from collections import defaultdict
from datetime import date
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import services
from shared.running.settings import SERVICES

FILES = sorted(Path(services.__file__).parent.glob("*/data/policies.json"))
COLUMNS = {
    "key",
    "value",
    "effective_from",
    "effective_to",
    "source_ref",
    "confidence",
    "confirmed_by",
}


def rows(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found, path.parent.parent.name
    return found


def of(service):
    return {
        row["key"]: row["value"]
        for path in FILES
        for row in rows(path)
        if path.parent.parent.name == service
    }


def test_every_row_is_dated_and_says_where_it_comes_from():
    assert {path.parent.parent.name for path in FILES} == set(SERVICES)
    for path in FILES:
        for row in rows(path):
            assert row.keys() == COLUMNS, row["key"]
            assert row["source_ref"].strip(), row["key"]
            assert row["confidence"] in {"H", "M", "L"}, row["key"]
            starts = date.fromisoformat(row["effective_from"])
            assert row["effective_to"] is None or date.fromisoformat(row["effective_to"]) > starts


def test_no_two_rows_of_one_key_hold_on_the_same_day():
    for path in FILES:
        by_key = defaultdict(list)
        for row in rows(path):
            by_key[row["key"]].append((row["effective_from"], row["effective_to"] or "9999-12-31"))
        for key, ranges in by_key.items():
            for (_, ends), (starts, _) in pairwise(sorted(ranges)):
                assert ends <= starts, key


@pytest.mark.parametrize("service", SERVICES)
def test_every_promised_time_has_its_policy(service):
    flows = import_module(f"services.{service}.app").service.workflows
    assert flows
    promised = {step.within for flow in flows for step in flow.steps.values()} - {None}
    assert promised or service == "notify"
    for key in promised:
        ((unit, length),) = of(service)[key].items()
        assert unit in {"working_days", "jalali_months"}, key
        assert length > 0, key


def test_services_that_count_working_days_share_one_calendar():
    for key in ("calendar.weekend", "calendar.holidays"):
        assert of("intake")[key] == of("livelihood")[key]
    assert of("intake")["intake.total.livelihood"] == of("livelihood")["livelihood.total"]


def test_the_provinces_that_livelihood_names_are_those_of_the_agency():
    data = Path(services.__file__).parent
    areas = json.loads((data / "intake/data/areas.json").read_text(encoding="utf-8"))
    known = {area["id"]: area["name_fa"] for area in areas["provinces"]}
    named = json.loads((data / "livelihood/data/provinces.json").read_text(encoding="utf-8"))
    assert named == known
    assert len(named) == 31
