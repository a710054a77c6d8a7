"""Where it is measured: a durable server of its own, migrated and seeded, and workers on ports."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import asyncpg

from shared.running import log
from shared.running.embedded import Postgres
from shared.running.settings import SERVICES, Settings

ROOT = Path(__file__).parents[2]
WORKERS = 2
KINDS = ("measured", "plain")
READY_WITHIN_S = 30
MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")


class BenchFault(RuntimeError):
    """Something was not as it must be for a figure to mean anything: there is no figure then."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An installation to measure in."""

    settings: Settings
    durable: Mapping[str, str]
    place: Path
    workers: Mapping[str, "Workers"]

    def database_cpu_s(self) -> float:
        """The processor time that the server and all its connections have used so far."""
        pid = (self.place / "pg" / "data" / "postmaster.pid").read_text().split()[0]
        return cpu_s(int(pid), with_children=True)

    async def owner(self) -> asyncpg.Connection:
        """A connection as the database's owner, for laying out and for counting afterwards."""
        return await asyncpg.connect(self.settings.database_url)


@contextmanager
def installation() -> Iterator[Postgres]:
    """Yield a server that has not been started yet, its directory gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="soha-bench-"))
    place.chmod(0o711)  # the server's user must pass through
    server = Postgres(place)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree((place / "pg").resolve(), ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def stage(server: Postgres) -> Iterator[Stage]:
    """Yield the installation over a running server, whose set-up `make run` itself has done.

    Raises BenchFault when its commits are not durable.
    """
    place = server.data_dir
    settings = Settings(
        _env_file=None,
        env="test",
        data_dir=place,
        run_dir=place / "run",
        database_url=server.dsn,
        sandbox_port=free_port(),
        log_level="error",
    )
    log.configure(settings)
    with ExitStack() as workers:
        durable = asyncio.run(_made_fit(settings))
        kinds = {kind: workers.enter_context(Workers(settings, kind)) for kind in KINDS}
        yield Stage(settings, durable, place, kinds)


async def _made_fit(settings: Settings) -> dict[str, str]:
    """Check that commits are durable; let more clients in than one service may have."""
    owner = await asyncpg.connect(settings.database_url)
    try:
        durable = {name: str(await owner.fetchval(f"SHOW {name}")) for name in MUST_BE_ON}
        if set(durable.values()) != {"on"}:
            raise BenchFault(f"the server is not durable: {durable}")
        unlogged = "SELECT count(*) FROM pg_class WHERE relpersistence = 'u'"
        if await owner.fetchval(unlogged):
            raise BenchFault("there are unlogged tables")
        for name in SERVICES:
            await owner.execute(f"ALTER ROLE soha_{name} CONNECTION LIMIT -1")
        durable["server_version"] = str(await owner.fetchval("SHOW server_version"))
        return durable
    finally:
        await owner.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Workers:
    """Two uvicorn processes that serve one application, each on a port of its own.

    On one shared port the kernel would hand out connections unevenly, another way in each round.
    """

    def __init__(self, settings: Settings, kind: str) -> None:
        self.ports = [free_port() for _ in range(WORKERS)]
        self._given = settings
        self._kind = kind
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        environment = os.environ | environment_of(self._given)
        with ExitStack() as undo:
            undo.callback(self._end)
            for port in self.ports:
                self._processes.append(
                    subprocess.Popen(  # noqa: S603 - our own interpreter and module
                        [sys.executable, "-m", "deploy.bench.serve", self._kind, str(port)],
                        cwd=ROOT,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                    )
                )
            undo.pop_all()
        return self

    def wait(self) -> None:
        """Return when both answer; they start while rows are laid out. Raises BenchFault."""
        for port, process in zip(self.ports, self._processes, strict=True):
            wait_ready(f"http://127.0.0.1:{port}/livez", process)

    def cpu_s(self) -> float:
        """The processor time that both have used so far, in seconds."""
        return sum(cpu_s(process.pid) for process in self._processes)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        end(self._processes)


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as the environment that a process of ours reads."""
    given = {
        *("env", "data_dir", "run_dir", "database_url", "log_level"),
        *("port", "sandbox_port", "sandbox_url"),
    }
    values: dict[str, Any] = settings.model_dump(include=given)
    return {name.upper(): str(value) for name, value in values.items() if value is not None}


def wait_ready(
    url: str, process: subprocess.Popen[Any], *, within_s: float = READY_WITHIN_S
) -> float:
    """Return the seconds until `url` answered 200. Raises BenchFault when it does not come up."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if process.poll() is not None:
            raise BenchFault(f"a process ended with {process.returncode} before {url} answered")
        try:
            with urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return time.monotonic() - began
        except (URLError, OSError):
            time.sleep(0.02)
    raise BenchFault(f"{url} does not answer")


def end(processes: Sequence[subprocess.Popen[Any]]) -> None:
    """Ask processes of ours to end, then make them."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_s(pid: int, *, with_children: bool = False) -> float:
    """The processor time of a process so far, in seconds; 0 where there is no /proc.

    Its children count when asked for: those that live and those that have ended.
    """
    words = _stat(Path("/proc", str(pid)))
    if words is None:
        return 0.0
    ticks = sum(map(int, words[11:15] if with_children else words[11:13]))
    if with_children:
        others = (_stat(place) for place in Path("/proc").iterdir() if place.name.isdigit())
        ticks += sum(sum(map(int, one[11:13])) for one in others if one and one[1] == str(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(place: Path) -> list[str] | None:
    """The fields of a process behind its name: state, parent, …, the times at 11 to 14."""
    try:
        return (place / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
