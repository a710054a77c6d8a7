"""Business time of the whole demo: an offset to real time, in a file that every process reads."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIMIT = timedelta(days=20 * 366)


class MovedClock:
    """Holds `RUN_DIR/clock.json`: `{"offset_s": seconds}`; no file means the real time."""

    def __init__(self, run_dir: Path) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self._path = run_dir / "clock.json"

    def offset_s(self) -> float:
        if not self._path.exists():
            return 0.0
        return float(json.loads(self._path.read_bytes())["offset_s"])

    def move(self, now: datetime) -> None:
        """Make it `now`; it runs on at its usual pace. Raises ValueError beyond 20 years."""
        offset = now - datetime.now(UTC)
        if abs(offset) > LIMIT:
            raise ValueError("further than twenty years")
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"offset_s": offset.total_seconds()}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def reset(self) -> None:
        self._path.unlink(missing_ok=True)

    def shown(self) -> dict[str, str | float]:
        offset = self.offset_s()
        now = datetime.now(UTC) + timedelta(seconds=offset)
        return {"now": now.isoformat().replace("+00:00", "Z"), "offset_s": offset}
