"""Bringing a file in from the command line: progress, row errors apart, totals held against the
source.

The services that are needed run in this process, beside whatever else serves: the database must be
there, and so must the outside parties.
"""

import asyncio
import csv
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from shared.imports import BadFile, Import, Report, Row, lines, source_of
from shared.running.embedded import LaunchError
from shared.running.lifespan import Lifespan
from shared.running.runner import load
from shared.running.settings import Settings
from shared.storage.db import Runtime, Transaction
from shared.web.auth import Actor, Role

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who answers for it, as in their token (sub)")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Try every line and take none")]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: whose it is, what a line does, and what the database holds of a file then."""

    service: str
    name: str
    take: Callable[..., Awaitable[UUID]]
    weigh: Callable[[Row], int]
    held: Callable[[Transaction, str], Awaitable[tuple[int, int]]]
    weighs: str


def bring_in(kind: Kind, file: Path, *, by: str, dry: bool) -> None:
    """Take a file and say what became of it.

    Ends with 1 where a line was refused, with 2 where the totals are not those of the source.
    """
    from shared.running.cli import settings

    console = Console(highlight=False)
    try:
        report, held = asyncio.run(brought(kind, file, settings(), by=by, dry=dry, console=console))
    except BadFile as bad:
        raise LaunchError(f"{file}: {bad}") from None
    except OSError:
        raise LaunchError("the database does not answer: start the system first") from None
    console.print(
        f"source: {report.lines:,} lines, {report.weight:,} {kind.weighs}\n"
        f"taken: {report.taken:,} now, {report.before:,} before; refused: {report.refused:,} lines,"
        f" {report.refused_weight:,} {kind.weighs}"
    )
    if report.refused:
        console.print(f"refused lines, with place and code: {faults_of(file)}")
    if held is not None:
        console.print(f"in the database: {held[0]:,} lines, {held[1]:,} {kind.weighs}")
        if held != report.due:
            console.print("the totals are NOT those of the source")
            sys.exit(2)
    sys.exit(1 if report.refused else 0)


async def brought(
    kind: Kind, file: Path, given: Settings, *, by: str, dry: bool, console: Console
) -> tuple[Report, tuple[int, int] | None]:
    """Take a file; also what the database holds of it then, None after a dry run."""
    total = sum(1 for _ in lines(file))
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    actor = Actor(sub=by, roles=frozenset({Role.INTAKE_OFFICER}))
    with (
        faults_of(file).open("w", encoding="utf-8", newline="") as kept,
        Progress(*columns, console=console) as progress,
    ):
        told = csv.writer(kept)
        told.writerow(("line", "pointer", "code"))
        bar = progress.add_task(kind.name, total=total)
        async with at_work(given, kind.service) as runtime:
            work = Import(
                runtime,
                kind.name,
                take=partial(kind.take, actor=actor),
                weigh=kind.weigh,
                by=by,
                seen=lambda report: progress.update(bar, completed=report.lines),
                faulty=lambda *fault: told.writerow(fault),
            )
            report = await work.run(file, dry=dry)
            if dry:
                return report, None
            async with runtime.transaction() as tx:
                return report, await kind.held(tx, source_of(file))


def faults_of(file: Path) -> Path:
    """The file beside a file in which its refused lines are listed: never what they said."""
    return file.with_name(f"{file.name}.errors.csv")


@asynccontextmanager
async def at_work(given: Settings, name: str) -> AsyncIterator[Runtime]:
    """Yield the runtime of a service that works in this process, those it asks beside it.

    Without DATABASE_URL it is the database of the system that runs with this DATA_DIR.
    """
    if given.database_url is None:
        dsn = given.keys_dir / "dsn"
        if given.production or not dsn.exists():
            raise LaunchError("DATABASE_URL is needed, or a system that runs with this DATA_DIR")
        given = given.model_copy(update={"database_url": dsn.read_text().strip()})
    here = {name, "intake"} - (set(given.services_urls) - {name})
    services, _ = load()
    apps = {one.name: one.create_app(given, loops=False) for one in services if one.name in here}
    async with AsyncExitStack() as stack:
        for one, app in apps.items():
            app.state.runtime.inside.apps.update(apps)
            await stack.enter_async_context(Lifespan(one, app))
        runtime: Runtime = apps[name].state.runtime
        yield runtime
