"""How the story is shown: English on the left, Persian on the right."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from deploy.demo.calls import Answer, NotAsItShouldBe

WIDTH = 118
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Page:
    """Prints scenes, calls with their answers, and what the citizen was told."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._console.width = (
            max(console.width, WIDTH) if not console.is_terminal else console.width
        )
        self._scenes = 0

    def title(self, en: str, fa: str) -> None:
        self._console.print()
        self._pair(f"[bold]{en}[/]", f"[bold]{fa}[/]")

    def scene(self, en: str, fa: str) -> None:
        """A step of the story begins."""
        self._scenes += 1
        self._console.print()
        self._console.print(Rule(style="dim"))
        self._pair(f"[bold cyan]{self._scenes:2}  {en}[/]", f"[bold cyan]{fa}[/]")

    def say(self, en: str, fa: str) -> None:
        """A remark."""
        self._pair(f"    [dim]{en}[/]", f"[dim]{fa}[/]")

    def call(
        self, who: str, what: str, answer: Answer, *, status: int, code: str | None = None
    ) -> Answer:
        """Show a call and its answer. Raises NotAsItShouldBe when it is not the expected one."""
        good = answer.status == status and (code is None or answer.code == code)
        refused = answer.status >= 400
        color = "bold red" if not good else "yellow" if refused else "green"
        said = f"{answer.status} {answer.code}" if refused else f"{answer.status}"
        self._pair(
            f"    [magenta]{who:<13}[/] {what}  [{color}]{said}[/]",
            f"[dim]{answer.json.get('title', '')}[/]" if refused else "",
        )
        if not good:
            wanted = f"{status} {code or ''}".strip()
            raise NotAsItShouldBe(f"{what}: expected {wanted}\n{answer.body.decode()}")
        return answer

    def holds(self, en: str, fa: str) -> None:
        """Something that was checked and is so."""
        self._pair(f"    [green]✓[/] {en}", f"{fa} [green]✓[/]")

    def status(self, case: dict[str, Any]) -> None:
        """Where the case stands now."""
        self._pair(
            f"    → [bold]{case['status']}[/]",
            f"[bold]{case['status_label']}[/] ←",
        )

    def told(self, items: Sequence[dict[str, Any]], texts: Sequence[str]) -> None:
        """What the citizen finds in the inbox and on the telephone."""
        for item in items:
            self._pair(f"    [blue]✉ inbox  {item['topic']}[/]", escape(item["text"]))
        for text in texts:
            self._pair("    [blue]☎ SMS[/]", escape(text))

    def timeline(self, view: dict[str, Any]) -> None:
        """The whole story as the application shows it."""
        table = Table.grid(padding=(0, 2), expand=True)
        for justify in ("left", "left", "left", "left", "right"):
            table.add_column(justify=justify)
        for entry in view["timeline"]:
            table.add_row(
                entry["at_jalali"],
                f"{entry['service']}.{entry['step']}",
                entry["status"],
                entry["actor_role"],
                entry["label"],
            )
        self._console.print(Padding(table, (0, 0, 0, 4)))

    def end(self, en: str, fa: str) -> None:
        self._console.print()
        self._console.print(Rule(style="green"))
        self._pair(f"[bold green]{en}[/]", f"[bold green]{fa}[/]")

    def _pair(self, en: str, fa: str) -> None:
        """One line: the English takes what it needs, the Persian has the rest."""
        table = Table.grid(expand=True, padding=(0, 2))
        table.add_column()
        table.add_column(ratio=1, justify="right")
        table.add_row(en, fa)
        self._console.print(table)


def in_persian(number: object) -> str:
    """Return a number or a date with Persian digits."""
    return str(number).translate(_PERSIAN_DIGITS)
