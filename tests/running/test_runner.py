"""The one command: what it refuses, who holds RUN_DIR, and the sandbox beside it."""

import asyncio
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shared.running.embedded import LaunchError
from shared.running.people import demo_callers, write_tokens
from shared.running.runner import claimed, running_pid
from shared.running.sandbox import Sandbox
from shared.running.settings import Settings
from shared.running.welcome import first_call
from shared.web.auth import STAFF, Role

ROOT = Path(__file__).parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(tmp_path):
    return Settings(
        env="test",
        data_dir=tmp_path / "data",
        run_dir=tmp_path / "run",
        port=free_port(),
        sandbox_port=free_port(),
    )


def soha(*words, settings, **environment):
    given = {
        "DATA_DIR": str(settings.data_dir),
        "RUN_DIR": str(settings.run_dir),
        "PORT": str(settings.port),
        "SANDBOX_PORT": str(settings.sandbox_port),
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-m", "shared.running.cli", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(done):
    """The one sentence of a run that did not start, and proof that there was nothing else."""
    assert done.returncode == 1
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_production_without_a_database_is_refused(settings):
    said = refusal(soha("run", settings=settings, ENV="production"))
    assert said == "soha: ENV=production needs DATABASE_URL: no server is started for it"
    assert not settings.data_dir.exists()


def test_a_taken_port_is_said_before_anything_starts(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        said = refusal(soha("run", settings=settings))
    assert f"port {settings.port} is taken" in said
    assert not settings.data_dir.exists()


def test_a_wrong_setting_is_named_and_not_repeated(settings):
    said = refusal(soha("run", settings=settings, PORT="s3cret"))
    assert "PORT" in said
    assert "s3cret" not in said


def test_a_second_run_on_the_same_directory_says_so(settings):
    with claimed(settings.run_dir):
        assert running_pid(settings.run_dir) == os.getpid()
        said = refusal(soha("run", settings=settings))
        assert "it runs already" in said
        with pytest.raises(LaunchError, match="runs already"), claimed(settings.run_dir):
            pass
    assert running_pid(settings.run_dir) is None


def test_a_pid_file_of_a_killed_run_is_no_obstacle(settings):
    settings.run_dir.mkdir()
    (settings.run_dir / "soha.pid").write_text(str(os.getpid()))
    assert running_pid(settings.run_dir) is None
    with claimed(settings.run_dir):
        assert running_pid(settings.run_dir) == os.getpid()


def test_stop_ends_the_run_that_holds_the_directory_and_waits_for_it(settings):
    assert "nothing runs" in soha("stop", settings=settings).stdout
    hold = (
        "import sys, time; from pathlib import Path; from shared.running.runner import claimed\n"
        "with claimed(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, settings.run_dir]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as held:
        assert held.stdout.readline() == b"held\n"
        assert soha("stop", settings=settings).stdout == "stopped\n"
        assert held.wait(5) == -signal.SIGTERM


def test_every_role_has_a_caller_and_staff_are_in_one_office():
    callers = demo_callers()
    roles = {role.value for role in Role} - {"system"}
    assert set(callers) == roles | {"approver_2", "social_worker_2", "reviewer_2"}
    assert len({claims["sub"] for claims in callers.values()}) == len(callers)
    for role in STAFF:
        assert callers[role]["province"] == "Tehran"
        assert callers[role]["office_code"] == "T-1"
    assert "ministry_portal" in callers["citizen"]["channels"]
    assert callers["counter"]["contract_number"] == "C-1"
    for claims in callers.values():
        assert claims["channels"]
        assert len(claims["roles"]) == 1


def test_the_first_call_is_shell_that_parses_and_json_that_parses(settings):
    words = shlex.split(first_call(settings))
    body = json.loads(words[words.index("-d") + 1])
    assert body["channel"] in demo_callers()["counter"]["channels"]
    assert body["applicant"]["national_code"] == demo_callers()["citizen"]["national_code"]
    assert f"http://localhost:{settings.port}/v1/applications" in words


async def test_the_sandbox_starts_gives_tokens_and_stops(settings):
    settings.run_dir.mkdir()
    sandbox = Sandbox(settings)
    sandbox.start()
    try:
        await sandbox.ready()
        tokens = settings.run_dir / "tokens.json"
        await asyncio.to_thread(write_tokens, settings.sandbox_url, tokens)
        assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
        written = json.loads(tokens.read_text())
        assert written.keys() == demo_callers().keys()
        assert all(entry["token"].count(".") == 2 for entry in written.values())
    finally:
        sandbox.stop()
    assert not sandbox._answers()


async def test_a_sandbox_that_a_killed_run_left_is_ended_first(settings):
    settings.run_dir.mkdir()
    left, fresh = Sandbox(settings), Sandbox(settings)
    left.start()
    await left.ready()
    fresh.start()
    try:
        assert left._process.wait(5) in (0, -signal.SIGTERM)
        await fresh.ready()
        assert fresh._process.poll() is None
    finally:
        fresh.stop()


async def test_a_sandbox_that_cannot_start_says_where_the_reason_is(settings):
    settings.run_dir.mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.sandbox_port))
        taken.listen()
        sandbox = Sandbox(settings)
        sandbox.start()
        with pytest.raises(LaunchError, match=r"sandbox\.log"):
            await sandbox.ready()
        sandbox.stop()
