"""`python -m deploy.demo`: ends with 0 only if everything was as it should be."""

import sys

from rich.console import Console

from deploy.demo.calls import NotAsItShouldBe, NotRunning
from deploy.demo.page import Page
from deploy.demo.story import Story
from deploy.demo.world import World
from shared.running.settings import Settings


def main() -> int:
    """Play the story; return the exit code."""
    console = Console(highlight=False)
    try:
        Story(World(Settings()), Page(console)).play()
    except NotRunning as nothing:
        console.print(f"[red]{nothing}[/]")
        return 2
    except NotAsItShouldBe as wrong:
        console.print(f"\n[bold red]Not as it should be · آن‌گونه که باید نبود[/]\n{wrong}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
