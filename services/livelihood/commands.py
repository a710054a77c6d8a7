"""`soha payroll` (a month from a terminal, over the running API) and `soha import` (what an older
system pays, and to which account).

`payroll` knows what any integrator knows: an address and a token (SOHA_TOKEN, else of tokens.json).
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.livelihood.actions import taking_over
from services.livelihood.awards import queries
from services.livelihood.awards.schemas import AccountRow, AwardRow, whole_number
from shared.imports import Row
from shared.running.cli import settings
from shared.running.embedded import LaunchError
from shared.running.importing import By, Dry, File, Kind, bring_in
from shared.storage.db import Transaction, dumps
from shared.web.auth import Actor

app = typer.Typer(help="The months of livelihood: plan, status, report.", no_args_is_help=True)
importing = typer.Typer()
GROUPS = {"payroll": app, "import": importing}

RUNS = "/v1/livelihood/runs"
WITHIN_S = 30
EVERY_S = 0.3
WIDTH = 110
# Nothing stands between us and the agency's own door, whatever the environment's proxies are.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Api = Annotated[str | None, typer.Option(help="Address of the door; by default this machine's.")]
As = Annotated[str, typer.Option("--as", help="Whose token of tokens.json is used.")]
Which = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its month: 1405-08.")]
RunKind = Annotated[str, typer.Option(help="regular, arrears or emergency.")]
Target = Annotated[Path | None, typer.Option(help="Write it to this file.")]


@app.command()
def plan(
    period: Annotated[str, typer.Argument(help="The Jalali month that is paid: 1405-08.")],
    *,
    kind: RunKind = "regular",
    api: Api = None,
    as_: As = "finance_preparer",
) -> None:
    """Open a month and follow its list until it is closed."""
    door = Door(api, as_)
    opened = door.json("POST", RUNS, {"period": period, "kind": kind})
    _follow(door, opened["run_id"])


@app.command()
def status(
    which: Annotated[str | None, typer.Argument(metavar="[RUN]")] = None,
    *,
    kind: RunKind = "regular",
    api: Api = None,
    as_: As = "finance_preparer",
) -> None:
    """Show the last months, or one of them; a list that is being taken is followed."""
    door = Door(api, as_)
    if which is not None:
        _follow(door, door.run(which, kind))
        return
    table = Table("month", "kind", "status", "items", "held", "Rials", "run")
    for run in door.json("GET", RUNS)["items"]:
        table.add_row(run["period"], run["kind"], run["status"], *_counts(run), run["run_id"])
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)  # an id that is cut is no id
    console.print(table)


@app.command()
def report(
    which: Which,
    *,
    kind: RunKind = "regular",
    pdf: Target = None,
    csv: Target = None,
    api: Api = None,
    as_: As = "finance_preparer",
) -> None:
    """Show the month-end report, or write it as a Persian paper or as a table."""
    door = Door(api, as_)
    path = f"{RUNS}/{door.run(which, kind)}/report"
    for target, form in ((pdf, "application/pdf"), (csv, "text/csv")):
        if target is not None:
            target.write_bytes(door.ask("GET", path, accept=form))
            typer.echo(f"written: {target}")
    if pdf is None and csv is None:
        _print_report(door.json("GET", path))


class Door:
    """The agency's API, as whoever holds the token."""

    def __init__(self, api: str | None, name: str) -> None:
        given = settings()
        self.url = (api or f"http://127.0.0.1:{given.port}").rstrip("/")
        self._token = os.environ.get("SOHA_TOKEN") or _token(given.run_dir / "tokens.json", name)

    def json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the API says. Raises LaunchError with the reason of a refusal."""
        return json.loads(self.ask(method, path, body))

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        accept: str = "application/json",
    ) -> bytes:
        """One request, under a key of its own where something is made. Raises LaunchError."""
        headers = {"Accept": accept, "Authorization": f"Bearer {self._token}"}
        headers["Accept-Language"] = "en"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - the address that was given
        try:
            with _OPENER.open(request, timeout=WITHIN_S) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise LaunchError(_reason(refusal)) from None
        except OSError:
            raise LaunchError(f"nobody answers at {self.url}: is `make run` up?") from None

    def run(self, which: str, kind: str) -> str:
        """A run's id, given that or its month."""
        try:
            return str(UUID(which))
        except ValueError:
            pass
        cursor = ""
        while True:
            page = self.json("GET", f"{RUNS}?limit=200{cursor}")
            for run in page["items"]:
                if (run["period"], run["kind"]) == (which, kind):
                    return str(run["run_id"])
            if page["next_cursor"] is None:
                raise LaunchError(f"there is no {kind} run of {which}")
            cursor = f"&cursor={page['next_cursor']}"


def _token(file: Path, name: str) -> str:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise LaunchError(f"no token: set SOHA_TOKEN, or let `make run` write {file}") from None
    if name not in known:
        raise LaunchError(f"{file} has no token of {name}")
    return str(known[name]["token"])


def _reason(refusal: urllib.error.HTTPError) -> str:
    try:
        said = json.loads(refusal.read())
        return f"{said['title']} ({said['code']})"
    except (ValueError, KeyError, TypeError):
        return f"the door answered {refusal.code}"


def _follow(door: Door, run_id: str) -> None:
    """Show how far a list has come until it is closed, and then what it came to."""
    run = door.json("GET", f"{RUNS}/{run_id}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[taken]}"), TimeElapsedColumn()) as bar:
        task = bar.add_task(f"list of {run['period']}", total=None, taken="")
        while True:
            far = run["progress"]
            taken = f"{far['taken']:,} items"
            bar.update(task, total=far["shards"] or None, completed=far["done"], taken=taken)
            if run["status"] != "open":
                break
            time.sleep(EVERY_S)
            run = door.json("GET", f"{RUNS}/{run_id}")
    _print_run(run)


def _print_run(run: Mapping[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    items, held, approved = _counts(run)
    for name, value in (
        ("run", run["run_id"]),
        ("month", f"{run['period']}, {run['kind']}"),
        ("status", run["status"]),
        ("items", f"{items}, of them held {held}"),
        ("approved", f"{approved} Rials"),
        ("rates", run["rate_version"]),
        ("hash", run["snapshot_hash"] or ""),
        ("you may now", ", ".join(run["actions"]) or "only look"),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    Console(highlight=False).print(table)


def _print_report(found: Mapping[str, Any]) -> None:
    console = Console(highlight=False)
    names = ("households", "people", "held", "amount_rial")
    for title in ("size", "decile", "reason", "province"):
        heads = (title, "households", "people", "held", "Rials")
        table = Table(*heads, title=f"{found['period']} by {title}", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in found[f"by_{title}"]:
            table.add_row(row["key"] or "unknown", *(f"{row[name]:,}" for name in names))
        table.add_section()
        table.add_row("all", *(f"{found['totals'][name]:,}" for name in names), style="bold")
        console.print(table)
    if (poverty := found["poverty"]) is not None:
        line = f"{poverty['line']['per_person_rial']:,}"
        console.print(
            f"Of {poverty['known']:,} households whose income is known, {poverty['below']:,} are"
            f" below the line of {line} Rials a head; {poverty['lifted']:,} reach it with the aid."
        )


def _counts(run: Mapping[str, Any]) -> tuple[str, str, str]:
    counts, totals = run["counts"], run["totals_rial"]
    return f"{counts['items']:,}", f"{counts['held']:,}", f"{totals['approved']:,}"


# Moving in


async def take_award(tx: Transaction, row: Row, *, actor: Actor) -> UUID:
    """One award, from the month after the last that the older system pays."""
    found = AwardRow.model_validate_json(dumps(row))
    return await taking_over.take_over(tx, found, actor=actor)


async def take_account(tx: Transaction, row: Row, *, actor: Actor) -> UUID:
    """One account of a payee's own."""
    found = AccountRow.model_validate_json(dumps(row))
    return await taking_over.take_account(tx, found, actor=actor)


def size(row: Row) -> int:
    """How many people a line pays for."""
    return int(whole_number(row["covered_size"]))


def one(_: Row) -> int:
    """A line of accounts weighs one account."""
    return 1


AWARDS = Kind("livelihood", "awards", take_award, size, queries.taken_over, weighs="people")
ACCOUNTS = Kind(
    "livelihood", "accounts", take_account, one, queries.changed_over, weighs="accounts"
)


@importing.command()
def awards(file: File, by: By, *, dry_run: Dry = False) -> None:
    """Awards: head, reason, sheba, covered_size, granted_on, last_paid_period, start_period."""
    bring_in(AWARDS, file, by=by, dry=dry_run)


@importing.command()
def accounts(file: File, by: By, *, dry_run: Dry = False) -> None:
    """Accounts: payee, sheba."""
    bring_in(ACCOUNTS, file, by=by, dry=dry_run)
