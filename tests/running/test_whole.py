"""The whole system from its one command: ready in time, small, usable as printed, gone after."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.running.runner import running_pid
from shared.running.settings import Settings
from shared.running.welcome import first_call

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 8
MEMORY_MIB = 250

pytestmark = pytest.mark.journey


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def settings():
    place = Path(tempfile.mkdtemp(prefix="soha-"))
    place.chmod(0o711)
    yield Settings(
        data_dir=place / "data",
        run_dir=place / "run",
        port=free_port(),
        sandbox_port=free_port(),
    )
    shutil.rmtree(place)


def status(settings, path="/readyz"):
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def environment(settings):
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(settings.data_dir),
        "RUN_DIR": str(settings.run_dir),
        "PORT": str(settings.port),
        "SANDBOX_PORT": str(settings.sandbox_port),
    }


@contextmanager
def running(settings):
    """Run the system; give its process once it is ready."""
    command = [sys.executable, "-m", "shared.running.cli", "run"]
    out = settings.data_dir.with_name("out").open("w+")
    with (
        out,
        subprocess.Popen(
            command, cwd=ROOT, env=environment(settings), stdout=out, stderr=out
        ) as process,
    ):
        try:
            until = time.monotonic() + 60
            while status(settings) != 200:
                assert process.poll() is None, Path(out.name).read_text()
                assert time.monotonic() < until, Path(out.name).read_text()
                time.sleep(0.05)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(40)


def children_over(settings):
    """The command lines of processes that work in our directories."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(settings.data_dir) in words and directory.name != str(os.getpid()):
            found.append(words)
    return found


def test_it_is_ready_in_time_and_the_first_call_works_as_printed(settings):
    with running(settings) as process:
        shell = subprocess.run(  # noqa: S602
            first_call(settings), shell=True, capture_output=True, text=True, check=True
        )
        assert shell.stdout.startswith("HTTP/1.1 201"), shell.stdout
        assert json.loads(shell.stdout.partition("\n\n")[2] or shell.stdout.split()[-1])
        assert status(settings, "/docs") == 200
        assert running_pid(settings.run_dir) == process.pid
    assert process.returncode == 0
    assert children_over(settings) == []
    assert not (settings.run_dir / "tokens.json").exists()


def test_the_second_start_is_quick_and_everything_together_is_small(settings):
    began = time.monotonic()
    with running(settings) as process:
        took_s = time.monotonic() - began
        resident = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        assert took_s <= READY_WITHIN_S
        assert int(resident) / 1024 <= MEMORY_MIB


def test_after_a_kill_the_next_start_finds_everything_again(settings):
    with running(settings) as process:
        process.kill()
        process.wait()
        left = [words for words in children_over(settings) if "postgres" in words]
        assert left
    with running(settings):
        tokens = json.loads((settings.run_dir / "tokens.json").read_text())
        connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=5)
        header = {"Authorization": f"Bearer {tokens['counter']['token']}"}
        connection.request("GET", "/v1/applications", headers=header)
        answer = connection.getresponse()
        assert answer.status == 200
        assert len(json.loads(answer.read())["items"]) == 1
        connection.close()
    assert children_over(settings) == []


def test_interrupted_while_it_starts_it_leaves_nothing(settings):
    command = [sys.executable, "-m", "shared.running.cli", "run"]
    for after_s in (0.3, 0.8, 1.5, 2.5):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        process.wait(40)
        assert children_over(settings) == [], after_s
