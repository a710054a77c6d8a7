"""Everything in one process: database, migrations, seven services, the courier and the door.

What is started is stopped in the reverse order, whatever ends the run.
"""

import asyncio
import fcntl
import gc
import importlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.running import log, roles
from shared.running.door import Door, Front
from shared.running.embedded import LaunchError, Postgres
from shared.running.lifespan import Lifespan
from shared.running.people import write_tokens
from shared.running.sandbox import Sandbox
from shared.running.settings import SERVICES, Settings

T = TypeVar("T")
PID_FILE = "soha.pid"


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises LaunchError with the one sentence that helps."""
    import uvloop

    with (
        claimed(settings.run_dir),
        suppress(asyncio.CancelledError, KeyboardInterrupt),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_Run(settings).everything())


@contextmanager
def claimed(run_dir: Path) -> Iterator[None]:
    """Hold RUN_DIR: the lock lives exactly as long as the process, even a killed one."""
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (run_dir / PID_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError(f"it runs already, with {run_dir}: `make stop` ends it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def running_pid(run_dir: Path) -> int | None:
    """Return the process that holds RUN_DIR, if one does."""
    try:
        with (run_dir / PID_FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


class _Run:
    """One run, from nothing to serving to nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.began = time.monotonic()
        self.stop: Callable[[], None] | None = None
        self.asked = False

    async def everything(self) -> None:
        if self.settings.production and self.settings.database_url is None:
            raise LaunchError("ENV=production needs DATABASE_URL: no server is started for it")
        log.configure(self.settings)
        self._heed_signals()
        async with AsyncExitStack() as stack:
            listening = _listen(self.settings)
            stack.callback(listening.close)
            print("Starting the database, the sandbox and the services …", flush=True)
            loading = asyncio.create_task(_whole(load))
            sandbox = await self._start_sandbox(stack)
            demo = await self._start_database(stack)
            services, apps = await loading
            await self._migrate(services)
            here = [one for one in services if one.name not in self.settings.services_urls]
            applications = {one.name: apps[one.name](self.settings) for one in here}
            await self._start_services(stack, here, applications, demo=demo)
            if sandbox is not None:
                await self._write_tokens(stack, sandbox)
            await self._open_the_door(listening, applications)

    def _heed_signals(self) -> None:
        """Before the door is open a signal undoes what was begun; after it, the door drains."""
        main = asyncio.current_task()

        def ask_to_stop() -> None:
            self.asked = True
            if self.stop is not None:
                self.stop()
            elif main is not None:
                main.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)

    async def _start_sandbox(self, stack: AsyncExitStack) -> Sandbox | None:
        if self.settings.production:
            return None
        sandbox = Sandbox(self.settings)
        stack.callback(sandbox.stop)
        await asyncio.to_thread(sandbox.start)
        return sandbox

    async def _start_database(self, stack: AsyncExitStack) -> bool:
        """Return whether the database still awaits its demo data."""
        if self.settings.database_url is None:
            server = Postgres(self.settings.data_dir, say=print)
            stack.callback(server.stop)
            await _whole(server.start)
            known = {"database_url": server.dsn}
            self.settings = self.settings.model_copy(update=known)
            watch = asyncio.create_task(_again_and_again("database", lambda: _keep_alive(server)))
            stack.push_async_callback(_end, watch)
        return await roles.prepare(self.settings, SERVICES)

    async def _migrate(self, services: list[Any]) -> None:
        from shared.storage.migrate import upgrade_all

        moved = await upgrade_all(self.settings, services)
        if moved:
            log.get_logger().info("migrated", count=len(moved))

    async def _start_services(
        self,
        stack: AsyncExitStack,
        services: list[Any],
        applications: dict[str, Any],
        *,
        demo: bool,
    ) -> None:
        """Start every service, then what it begins with, then the courier between them."""
        from shared.storage.courier import Courier

        runtimes = {name: app.state.runtime for name, app in applications.items()}
        wrote = asyncio.Event()  # whoever tells something wakes the courier at once
        for name, application in applications.items():
            runtimes[name].poke = wrote
            runtimes[name].inside.apps.update(applications)
            await stack.enter_async_context(Lifespan(name, application))
        for service in services:
            await service.seed(runtimes[service.name], demo=demo)
        if demo:
            await roles.seeded(self.settings)
        wake = {name: runtime.wake for name, runtime in runtimes.items()}
        courier = Courier(self.settings.dsn("courier"), SERVICES, poke=wrote, wake=wake)
        carrying = asyncio.create_task(_again_and_again("courier", courier.run))
        stack.push_async_callback(_end, carrying)

    async def _write_tokens(self, stack: AsyncExitStack, sandbox: Sandbox) -> None:
        await sandbox.ready()
        tokens = self.settings.run_dir / "tokens.json"
        await asyncio.to_thread(write_tokens, self.settings.sandbox_url, tokens)
        stack.callback(tokens.unlink, missing_ok=True)

    async def _open_the_door(self, listening: socket.socket, applications: dict[str, Any]) -> None:
        """Serve until asked to stop, then let those inside finish."""
        if self.asked:  # whatever was being started may have swallowed the cancellation
            raise asyncio.CancelledError
        gateway = importlib.import_module("services.gateway.app")
        front = Front(gateway.create_app(self.settings, applications))
        async with Lifespan("gateway", front):
            door = Door(front, self.settings)
            self.stop = door.drain
            serving = asyncio.create_task(door.serve(sockets=[listening]))
            await door.opened.wait()
            gc.collect()
            gc.freeze()  # what was loaded stays: the collector need not look at it again
            self._greet()
            await serving

    def _greet(self) -> None:
        from shared.running.welcome import welcome

        place = urlsplit(self.settings.database_url or "")
        database = f"{place.hostname}:{place.port or 5432}{place.path}"
        welcome(self.settings, database=database, took_s=time.monotonic() - self.began)


def load() -> tuple[list[Any], dict[str, Callable[[Settings], Any]]]:
    """Import every service: its manifest, and what makes its application."""
    modules = [importlib.import_module(f"services.{name}.app") for name in SERVICES]
    services = [module.service for module in modules]
    return services, {module.service.name: module.create_app for module in modules}


def _listen(settings: Settings) -> socket.socket:
    """Take the port at once, so that a taken one is said before anything has been started."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.bind_address, settings.port))
    except OSError:
        listening.close()
        raise LaunchError(f"port {settings.port} is taken: set PORT to another one") from None
    return listening


async def _whole(work: Callable[[], T]) -> T:
    """Run in a thread; a cancelled caller still waits, so that nothing is left half started."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _again_and_again(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Keep a loop of ours running: a fault in it is logged and costs a second."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - whatever it is, the loop goes on
            log.get_logger().exception("loop_failed", consumer=name)
        await asyncio.sleep(1)


async def _keep_alive(server: Postgres) -> None:
    """Bring the database back, on the same port, when something has killed it."""
    if not server.alive():
        log.get_logger().error("database_gone", port=server.port)
        await _whole(server.start)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
