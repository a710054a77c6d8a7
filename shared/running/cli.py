"""The `soha` command: `python -m shared.running.cli run`, `stop`, `migrate`, and the services'."""

import asyncio
import os
import signal
import sys
import time
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

import typer
from pydantic import ValidationError

from shared.running import roles
from shared.running.embedded import LaunchError, Postgres
from shared.running.runner import load, running_pid, serve
from shared.running.settings import SERVICES, Settings

STOPS_WITHIN_S = 45
OWN = (["run"], ["stop"], ["migrate"])

app = typer.Typer(help="SOHA: one API for five services.", no_args_is_help=True)


@app.command()
def run() -> None:
    """Start everything and serve until Ctrl-C."""
    serve(settings())


@app.command()
def stop() -> None:
    """End the run that uses this RUN_DIR, and wait until it has ended."""
    run_dir = settings().run_dir
    if (pid := running_pid(run_dir)) is None:
        typer.echo(f"nothing runs with {run_dir}")
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOPS_WITHIN_S
    while running_pid(run_dir) == pid:
        if time.monotonic() > until:
            raise LaunchError(f"process {pid} does not stop")
        time.sleep(0.1)
    typer.echo("stopped")


@app.command()
def migrate() -> None:
    """Create roles and schemas and bring every schema to its newest migration."""
    given = settings()
    if given.database_url is not None:
        asyncio.run(_migrate(given))
        return
    if given.production:
        raise LaunchError("ENV=production needs DATABASE_URL: no server is started for it")
    server = Postgres(given.data_dir, say=typer.echo)
    server.start()
    try:
        asyncio.run(_migrate(given.model_copy(update={"database_url": server.dsn})))
    finally:
        server.stop()


async def _migrate(given: Settings) -> None:
    from shared.storage.migrate import upgrade_all

    await roles.prepare(given, SERVICES)
    services, _ = load()
    moved = await upgrade_all(given, services)
    typer.echo(f"migrated: {', '.join(moved)}" if moved else "every schema is at its newest")


def settings() -> Settings:
    """Read the environment. Raises LaunchError naming what is wrong, never what was given."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise LaunchError("; ".join(faults)) from None


def groups() -> dict[str, typer.Typer]:
    """The groups of commands that the services bring, and others by entry point, by name.

    A service's `commands.GROUPS` names its groups; two services may bring to the same one.
    """
    rooms = [f"services.{name}.commands" for name in SERVICES]
    brought = [import_module(room).GROUPS for room in rooms if find_spec(room) is not None]
    brought += [{one.name: one.load()} for one in entry_points(group="soha.commands")]
    found: dict[str, typer.Typer] = {}
    for one in brought:
        for name, group in one.items():
            whole = found.setdefault(name, typer.Typer(no_args_is_help=True))
            whole.registered_commands += group.registered_commands
    return found


def main() -> None:
    """Run a command; what cannot start says why in one sentence and ends with 1."""
    if sys.argv[1:2] not in OWN:  # what starts the house must heed a signal soon: no more imports
        for name, group in groups().items():
            app.add_typer(group, name=name)
    try:
        app()
    except LaunchError as error:
        sys.exit(f"soha: {error}")


if __name__ == "__main__":
    main()
