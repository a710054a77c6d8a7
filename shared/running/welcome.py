"""What a person reads when everything runs: where things are, and a first call that works."""

import shlex
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from shared.running.settings import Settings

WIDTH = 110
FIRST_APPLICATION = """{
    "service": "livelihood", "channel": "counter",
    "applicant": {"national_code": "0499370899", "birth_on": "1981-03-02",
                  "mobile": "09121234567"},
    "statement_version": 1, "declaration_accepted": true,
    "details": {"reason": "no_head", "sheba": "IR280170000000301000000137",
                "address": {"province": "Tehran", "county": "Tehran",
                            "postal_code": "1311675319", "text": "خیابان شوش"},
                "members": ["0029183456", "0027456196"]}}"""


def first_call(settings: Settings) -> str:
    """Return a shell command that files an application at a counter with the token on disk."""
    tokens = shlex.quote(str(_short(settings.run_dir / "tokens.json")))
    return (
        f"""TOKEN=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))"""
        f"""["counter"]["token"])' {tokens})\n"""
        f"curl -i http://localhost:{settings.port}/v1/applications \\\n"
        f'  -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: first-call" \\\n'
        f"  -H 'Content-Type: application/json' -d '{FIRST_APPLICATION}'"
    )


def welcome(settings: Settings, *, database: str, took_s: float) -> None:
    """Print the summary; `database` says where the data is, without its password."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)  # an address that is cut is no address
    door = f"http://localhost:{settings.port}"
    table = Table.grid(padding=(0, 3))
    table.add_row("[bold]The door[/]", f"{door}/v1", "[dim]every service behind one address[/]")
    table.add_row("[bold]Docs[/]", f"{door}/docs", f"[dim]{door}/openapi.json[/]")
    table.add_row("[bold]Ready?[/]", f"{door}/readyz", "")
    if not settings.production:
        table.add_row("[bold]Inbox[/]", f"{door}/v1/inbox", "[dim]with the citizen's token[/]")
        sandbox = f"http://localhost:{settings.sandbox_port}"
        table.add_row("[bold]Sandbox[/]", sandbox, f"[dim]text messages: {sandbox}/sms[/]")
        tokens = str(_short(settings.run_dir / "tokens.json"))
        table.add_row("[bold]Tokens[/]", tokens, "[dim]one per role, valid for a day[/]")
    table.add_row("[bold]Database[/]", database, "")
    title = f"[bold green]SOHA runs[/] [dim]({took_s:.1f} s)[/]"
    console.print(Panel(table, title=title, border_style="green", expand=False, padding=(1, 2)))
    if not settings.production:
        console.print("[bold]A first call[/] [dim](copy all of it)[/]\n")
        print(first_call(settings))
    console.print("\n[dim]Ctrl-C or `make stop` ends it · `make demo` plays a whole story[/]")


def _short(path: Path) -> Path:
    """Return the path as seen from here, where it is below."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
