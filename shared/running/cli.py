"""The `soha` command: `python -m shared.running.cli run`, `stop`, `migrate`, and the services'."""

import asyncio
import os
import signal
import sys
import time
import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import typer
from pydantic import ValidationError

from shared.running import roles
from shared.running.embedded import LaunchError, Postgres
from shared.running.runner import load, running_pid, serve
from shared.running.settings import SERVICES, Settings

STOPS_WITHIN_S = 45
COMMANDS = "soha.commands"
ROOT = Path(__file__).parents[2]

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


def extras() -> list[EntryPoint]:
    """The commands of services: as installed, or in a tree that is only run as it declares them."""
    installed = entry_points(group=COMMANDS)
    if installed:
        return list(installed)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project.get("entry-points", {}).get(COMMANDS, {})
    return [EntryPoint(name, value, COMMANDS) for name, value in declared.items()]


def main() -> None:
    """Run a command; what cannot start says why in one sentence and ends with 1."""
    for extra in extras():
        app.add_typer(extra.load(), name=extra.name)
    try:
        app()
    except LaunchError as error:
        sys.exit(f"soha: {error}")


if __name__ == "__main__":
    main()
