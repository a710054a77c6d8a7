"""The sandbox beside us: started as a child, found again and ended if a killed run left it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from shared.running.embedded import LaunchError
from shared.running.settings import Settings

READY_WITHIN_S = 20
MODULE = "deploy.sandbox"


class Sandbox:
    """The stand-ins for the outside world, as a process of their own. Never in production."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pid_file = settings.run_dir / "sandbox.pid"
        self._log = settings.run_dir / "sandbox.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; a session of its own keeps a Ctrl-C at the terminal from reaching it first."""
        self._end_left_over()
        given = self._settings
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", MODULE, "--port", str(given.sandbox_port)),
                    *("--data", str(given.data_dir / "sandbox"), "--run-dir", str(given.run_dir)),
                    *("--base-url", given.oidc_issuer, "--host", given.bind_address),
                    *("--door", f"http://127.0.0.1:{given.port}"),
                ],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._process.pid))

    async def ready(self) -> None:
        """Return once it answers. Raises LaunchError when it does not come up."""
        until = time.monotonic() + READY_WITHIN_S
        while not await asyncio.to_thread(self._answers):
            if self._process is None or self._process.poll() is not None:
                raise LaunchError(f"the sandbox ended at once: {self._log} says why")
            if time.monotonic() > until:
                raise LaunchError(f"the sandbox does not answer: {self._log} says why")
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, then make it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self._settings.sandbox_url}/livez", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _end_left_over(self) -> None:
        """End the sandbox of a run that was killed: it holds the port and the journals."""
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return
        until = time.monotonic() + 5
        while _is_sandbox(pid):
            late = time.monotonic() > until
            os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            time.sleep(0.05)
        self._pid_file.unlink()


def _is_sandbox(pid: int) -> bool:
    asked = ["ps", "-o", "args=", "-p", str(pid)]
    try:
        words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        words = subprocess.run(asked, capture_output=True, check=False).stdout.split()
    return MODULE.encode() in words
