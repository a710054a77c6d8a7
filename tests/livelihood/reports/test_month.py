"""The month-end report: exact by every grouping, and the same for ever once its list is closed."""

import csv
import io
import random
from collections import Counter, defaultdict
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from services.livelihood.reports.actions import LINE, count
from services.livelihood.runs import items as runs
from shared.storage import policy
from shared.values.calendar import period_bounds
from shared.values.sheet import BOM
from tests.livelihood.runs.month import RATES

SEED = 1405
LINE_RIAL = 60_000_000
PROVINCES = ("Tehran", "Qom", "Ilam", None)
REASONS = ("elderly", "disabled", "no_head", "illness", "other")
CSV = {"accept": "text/csv"}
PDF = {"accept": "application/pdf"}


async def got(month, path, role="finance_preparer", **headers):
    caller = month.desk.caller(role)
    return await caller._http.get(f"/v1/livelihood{path}", headers=caller._token | headers)


@pytest.fixture
async def kinds(month):
    """Sixty households of every size, province, reason and decile; some are held."""
    dice, eye = random.Random(SEED), month.desk.eye
    found = []
    for award in await month.households(60, sizes=7):
        one = dict(award) | {
            "province": dice.choice(PROVINCES),
            "reason": dice.choice(REASONS),
            "decile": dice.choice((None, 1, 2, 3, 4)),
            "held": dice.random() < 0.2,
            "members": dice.randint(1, 3),
            "amount": RATES[min(award["covered_size"], 5) - 1],
        }
        line = LINE_RIAL * max(one["members"], one["covered_size"])
        reaches = line - one["amount"]
        one["income"] = dice.choice((None, 0, reaches - 1, reaches, line - 1, line))
        await eye.execute(
            'UPDATE livelihood."case" SET province = $2, members = $3 WHERE award_id = $1',
            one["id"], one["province"], one["members"],
        )  # fmt: skip
        await eye.execute(
            "UPDATE livelihood.award SET reason = $2, status = $3 WHERE id = $1",
            one["id"], one["reason"], "suspended" if one["held"] else "active",
        )  # fmt: skip
        if one["decile"] is not None or one["income"] is not None:
            await eye.execute(
                "INSERT INTO livelihood.decile VALUES ($1, $2, current_date, 'a test', $3)",
                one["household_id"], one["decile"], one["income"],
            )  # fmt: skip
        found.append(one)
    return found


def by_hand(homes):
    return {
        "households": len(homes),
        "people": sum(one["covered_size"] for one in homes),
        "amount_rial": sum(one["amount"] for one in homes),
        "held": sum(one["held"] for one in homes),
        "held_rial": sum(one["amount"] for one in homes if one["held"]),
    }


def grouped(homes, key):
    found = defaultdict(list)
    for one in homes:
        found[key(one)].append(one)
    return {
        None if name is None else str(name): by_hand(several) for name, several in found.items()
    }


def figures(row):
    return {
        name: row[name] for name in ("households", "people", "amount_rial", "held", "held_rial")
    }


async def reported(month):
    run = await month.frozen()
    answer = await got(month, f"/runs/{run['run_id']}/report")
    assert answer.status_code == 200, answer.text
    return run, answer.json()


@pytest.mark.req("LV-20", "LV-24")
async def test_a_month_is_reported_by_size_province_reason_and_decile(month, kinds):
    run, report = await reported(month)
    assert (report["period"], report["snapshot_hash"]) == (month.period, run["snapshot_hash"])
    assert report["rates"] == [
        {"covered_size": size, "amount_rial": amount} for size, amount in enumerate(RATES, start=1)
    ]
    assert figures(report["totals"]) == by_hand(kinds)
    assert report["totals"]["amount_rial"] == run["totals_rial"]["approved"]
    assert report["totals"]["held"] == run["counts"]["held"] > 0
    for name, key in (
        ("by_size", lambda one: min(one["covered_size"], 5)),
        ("by_province", lambda one: one["province"]),
        ("by_reason", lambda one: one["reason"]),
        ("by_decile", lambda one: one["decile"]),
    ):
        shown = {row["key"]: figures(row) for row in report[name]}
        assert shown == grouped(kinds, key), name
    assert [row["key"] for row in report["by_decile"]] == ["1", "2", "3", "4", None]
    assert report["by_decile"][-1]["label"] == "نامعلوم"
    assert {row["label"] for row in report["by_province"]} == {"تهران", "قم", "ایلام", "نامعلوم"}
    states = Counter("held" if one["held"] else "planned" for one in kinds)
    assert {row["status"]: row["items"] for row in report["payments"]} == states


@pytest.mark.req("LV-23")
async def test_who_is_lifted_above_the_poverty_line_is_counted_with_the_lines_source(month, kinds):
    first, last = period_bounds(month.period)
    async with month.desk.runtime.transaction() as tx:
        await policy.put(
            tx, LINE, {"per_person_rial": LINE_RIAL}, effective_from=first,
            effective_to=last + timedelta(days=1), source_ref="announced that year", confidence="M",
        )  # fmt: skip
    _, report = await reported(month)
    poverty, line = report["poverty"], report["poverty"]["line"]
    assert (line["per_person_rial"], line["source"]) == (LINE_RIAL, "announced that year")
    assert (line["effective_from"], line["confirmed"]) == (first.isoformat(), False)
    known = [one for one in kinds if one["income"] is not None]

    def short(one, aid):
        home = max(one["members"], one["covered_size"])
        return one["income"] + aid < home * LINE_RIAL

    below = [one for one in known if short(one, 0)]
    lifted = [one for one in below if not short(one, one["amount"])]
    assert 0 < len(lifted) < len(below) < len(known) < len(kinds)
    assert {name: poverty[name] for name in poverty if name != "line"} == {
        "known": len(known),
        "unknown": len(kinds) - len(known),
        "below": len(below),
        "lifted": len(lifted),
        "still_below": len(below) - len(lifted),
    }


@pytest.mark.req("LV-23")
async def test_a_month_without_a_line_is_reported_without_the_figure(month, kinds):
    _, report = await reported(month)
    assert report["poverty"] is None
    assert figures(report["totals"]) == by_hand(kinds)


@pytest.mark.req("LV-20")
async def test_the_report_of_a_closed_list_never_changes(month, kinds):
    run, before = await reported(month)
    path = f"/runs/{run['run_id']}/report"
    paper = (await got(month, path, **PDF)).content
    eye, homes = month.desk.eye, [one["household_id"] for one in kinds]
    ids = [one["id"] for one in kinds]
    await eye.execute(
        'UPDATE livelihood."case" SET province = $2 WHERE award_id = ANY ($1)', ids, "Bushehr"
    )
    await eye.execute(
        "UPDATE livelihood.award SET reason = 'other', covered_size = 1 WHERE id = ANY ($1)", ids
    )
    await eye.execute("DELETE FROM livelihood.decile WHERE household_id = ANY ($1)", homes)
    await count(month.desk.runtime, run["run_id"])
    assert (await got(month, path)).json() == before
    assert (await got(month, path, **PDF)).content == paper
    for table in ("run_group", "run_report"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added to"):
            await eye.execute(f"DELETE FROM livelihood.{table} WHERE run_id = $1", run["run_id"])


async def test_a_list_that_is_not_counted_has_no_report_yet(month):
    await month.households(2)
    run_id = await month.opened()
    answer = await got(month, f"/runs/{run_id}/report")
    assert (answer.status_code, answer.json()["code"]) == (409, "report_not_ready")
    await count(month.desk.runtime, run_id)  # an open list is left alone
    assert (await got(month, f"/runs/{run_id}/report")).status_code == 409
    await month.desk.fire()
    assert (await got(month, f"/runs/{run_id}/report")).status_code == 200
    assert (await got(month, f"/runs/{uuid4()}/report")).status_code == 404


@pytest.mark.parametrize("role", ["citizen", "counter", "approver", "operator", "bank"])
async def test_only_finance_and_its_overseers_read_it(month, role):
    run_id = await month.opened()
    for path in ("report", "items"):
        answer = await got(month, f"/runs/{run_id}/{path}", role=role, **CSV)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


# Other forms


@pytest.mark.req("LV-20", "LV-24")
async def test_the_report_as_a_table_says_the_same(month, kinds):
    run, report = await reported(month)
    answer = await got(month, f"/runs/{run['run_id']}/report", **CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"report-{month.period}-regular.csv" in answer.headers["content-disposition"]
    assert answer.text.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(BOM))))
    shown = {
        (row["group"], row["key"] or None): {name: int(row[name]) for name in figures(kinds_row)}
        for row in rows
        for kinds_row in (by_hand(kinds),)
    }
    assert shown[("total", None)] == figures(report["totals"])
    for group, name in (("covered_size", "by_size"), ("decile", "by_decile")):
        assert {
            key: value for (of, key), value in shown.items() if of == group
        } == {row["key"]: figures(row) for row in report[name]}  # fmt: skip


@pytest.mark.req("LV-20")
async def test_the_report_as_a_paper_is_an_archival_pdf(month, kinds):
    run, _ = await reported(month)
    answer = await got(month, f"/runs/{run['run_id']}/report", **PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert f'inline; filename="report-{month.period}-regular.pdf"' in str(answer.headers)
    assert answer.content.startswith(b"%PDF-1.7")
    assert b"Vazirmatn" in answer.content
    assert len(kinds) == 60


@pytest.mark.req("LV-20")
async def test_the_whole_list_comes_as_a_table_piece_by_piece(month, kinds, monkeypatch):
    monkeypatch.setattr(runs, "TABLE_ROWS", 7)
    run = await month.frozen()
    path = f"/runs/{run['run_id']}/items"
    answer = await got(month, path, **CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(BOM))))
    kept = await month.kept()
    assert [row["item_id"] for row in rows] == [str(row["id"]) for row in kept]
    assert sum(int(row["amount_rial"]) for row in rows) == run["totals_rial"]["approved"]
    assert {row["period"] for row in rows} == {month.period}
    assert all(row["tracking_code"].startswith("T-") for row in rows)
    held = await got(month, f"{path}?status=held", **CSV)
    shown = list(csv.DictReader(io.StringIO(held.text.removeprefix(BOM))))
    assert [row["item_id"] for row in shown] == [
        str(row["id"]) for row in kept if row["state"] == "held"
    ]
    assert len(shown) == sum(one["held"] for one in kinds)
    assert {row["reason"] for row in shown} == {"suspended"}
    wrong = await got(month, f"{path}?cursor=x", **CSV)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_cursor")
    page = (await got(month, f"{path}?limit=50")).json()
    rest = await got(month, f"{path}?cursor={page['next_cursor']}", **CSV)
    assert len(rest.text.splitlines()) == 1 + 10
