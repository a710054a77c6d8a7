"""Runs the real sandbox, a process of its own on a free port, so that it can be killed for real."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]


class Sandbox:
    """One running sandbox over one data directory; `start()` again after a kill."""

    def __init__(self, room: Path, *, door: str | None = None, **environment: str) -> None:
        self.data = room / "data"
        self.run_dir = room / "run"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        self._door = ["--door", door] if door else []
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sandbox":
        arguments = ["--port", self.port, "--data", self.data, "--run-dir", self.run_dir]
        arguments += self._door
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.sandbox", *map(str, arguments)],
            cwd=ROOT,
            env=self._environment,
        )
        for _ in range(400):
            with contextlib.suppress(httpx.TransportError):
                if self.http.get("/livez").status_code == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError("the sandbox did not start in 20 s")

    def kill(self) -> None:
        """As a power cut would: nothing is flushed, nothing is said."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        self._end(signal.SIGTERM)
        self.http.close()

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return self.http.post(path, json=body, **options)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.http.put(path, json=body)

    def journal(self, party: str, kind: str) -> list[dict[str, Any]]:
        text = (self.data / "journal" / f"{party}.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if line["line"] == kind]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture
def run_sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """A sandbox of the test's own, to be killed or switched."""
    with contextlib.ExitStack() as stack:

        def run(*, door: str | None = None, **environment: str) -> Sandbox:
            sandbox = Sandbox(tmp_path, door=door, **environment)
            stack.callback(sandbox.close)
            return sandbox.start()

        yield run


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all tests that leave the world as they found it."""
    with contextlib.closing(Sandbox(tmp_path_factory.mktemp("sandbox"))) as running:
        yield running.start()
