"""The one clock of business time (decision 21): what is late, due or valid is asked of it.

Leases and expiries go by the database's clock instead. The sandbox's `PUT /clock` moves this one.
"""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.running.settings import Settings, write_private

TEHRAN = ZoneInfo("Asia/Tehran")
FILE = "clock.json"


class Clock:
    """Now, moved by the seconds in `RUN_DIR/clock.json`; never moved in production.

    Raises RuntimeError when production finds a moved clock in its RUN_DIR.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = settings.run_dir / FILE
        self._movable = not settings.production
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta()
        if settings.production and self._file.exists():
            raise RuntimeError("a moved clock was found in RUN_DIR: production keeps real time")

    def now(self) -> datetime:
        """Return the instant in UTC."""
        if self._movable:
            self._follow()
        return datetime.now(UTC) + self._offset

    def today(self) -> date:
        """Return the day it is in Tehran."""
        return self.now().astimezone(TEHRAN).date()

    def _follow(self) -> None:
        """Read the file again only when it is another one than last time: one stat, about 1 µs."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._seen, self._offset = None, timedelta()
            return
        if (seen := (stat.st_mtime_ns, stat.st_ino)) != self._seen:
            self._offset = timedelta(seconds=float(json.loads(self._file.read_text())["offset_s"]))
            self._seen = seen


def move(run_dir: Path, offset_s: float) -> None:
    """Move the business time of every process that shares this RUN_DIR; 0 is real time."""
    write_private(run_dir / FILE, json.dumps({"offset_s": offset_s}))
