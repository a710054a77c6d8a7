"""`soha payroll` against a real door: a month planned, followed, shown and printed."""

import asyncio
import json
import socket
import sys
from contextlib import suppress

import pytest
import uvicorn
from typer.testing import CliRunner

from services.livelihood import commands
from shared.running import cli
from shared.running.embedded import LaunchError
from shared.values.sheet import BOM
from tests.livelihood.runs.month import RATES


@pytest.fixture
async def door(month, tmp_path, monkeypatch):
    """The desk behind a socket, its tokens on disk as `make run` leaves them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tokens = {
        role: {"token": month.desk.caller(role)._token["authorization"].removeprefix("Bearer ")}
        for role in ("finance_preparer", "citizen")
    }
    (tmp_path / "tokens.json").write_text(json.dumps(tokens), encoding="utf-8")
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.delenv("SOHA_TOKEN", raising=False)
    server = uvicorn.Server(
        uvicorn.Config(month.desk.app, port=port, log_config=None, lifespan="off")
    )
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    yield month
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def until(holds):
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


async def soha(*words):
    return await asyncio.to_thread(CliRunner().invoke, commands.app, words)


@pytest.mark.req("LV-20")
async def test_a_month_is_planned_followed_and_reported(door, tmp_path):
    await door.households(12, sizes=5)
    planning = asyncio.create_task(soha("plan", door.period))
    counted = "SELECT count(*) FROM livelihood.run WHERE period = $1"
    for _ in range(200):
        if await door.desk.eye.fetchval(counted, door.as_number):
            break
        await asyncio.sleep(0.05)
    await door.desk.fire()
    planned = await planning
    assert planned.exit_code == 0, planned.output
    total = sum(RATES[number % 5] for number in range(12))
    for said in ("snapshot", f"{total:,} Rials", f"{door.period}, regular", "12, of them held 0"):
        assert said in planned.output
    again = await soha("plan", door.period)
    assert "run_exists" in str(again.exception)
    listed = await soha("status")
    latest = (await door.desk.caller("finance_preparer").get("/runs")).json()["items"]
    assert all(run["run_id"] in listed.output for run in latest)
    shown = await soha("status", door.period)
    assert f"{total:,} Rials" in shown.output
    report = await soha("report", door.period)
    assert report.exit_code == 0, report.output
    for title in ("size", "decile", "reason", "province"):
        assert f"{door.period} by {title}" in report.output
    paper, table = tmp_path / "report.pdf", tmp_path / "report.csv"
    written = await soha("report", door.period, "--pdf", str(paper), "--csv", str(table))
    assert written.exit_code == 0, written.output
    assert paper.read_bytes().startswith(b"%PDF-")
    assert table.read_text(encoding="utf-8").startswith(BOM)


@pytest.mark.usefixtures("door")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("report", "1405-99"), "there is no regular run of 1405-99"),
        (("status", "--as", "auditor"), "has no token of auditor"),
        (("status", "--as", "citizen"), "role_not_allowed"),
        (("status", "--api", "http://127.0.0.1:9"), "nobody answers at http://127.0.0.1:9"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(words, why):
    failed = await soha(*words)
    assert isinstance(failed.exception, LaunchError)
    assert why in str(failed.exception)
    assert "\n" not in str(failed.exception)


def test_the_command_has_the_commands_of_the_services(capsys, monkeypatch):
    assert {*commands.GROUPS} <= {*cli.groups()}
    monkeypatch.setattr(sys, "argv", ["soha", "payroll", "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "Open a month" in capsys.readouterr().out
