"""Append-only files of JSON lines: fsynced, read back at start, mended after a kill."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def timestamp() -> str:
    """The real time, UTC: the outside world does not follow the agency's movable clock."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Lines:
    """One append-only file. `note()` orders a line, `sync()` returns when all noted are on disk.

    Callers that wait together share one fsync.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        _cut_torn_end(path)
        self._file = path.open("ab")
        self._pending: list[bytes] = []
        self._noted = 0
        self._durable = 0
        self._turn = asyncio.Lock()

    def read(self) -> Iterator[Line]:
        """Every whole line, oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                yield json.loads(line)

    def note(self, **fields: Any) -> Line:
        """Order a line and return it as it will be read; it is durable only after `sync()`."""
        line = {"at": timestamp(), **fields}
        self._pending.append(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._noted += 1
        return line

    async def sync(self) -> None:
        """Wait until every line noted so far is on disk."""
        mine = self._noted
        async with self._turn:
            if self._durable >= mine:
                return
            batch, self._pending = self._pending, []
            await asyncio.to_thread(self._write, b"".join(batch))
            self._durable += len(batch)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            # A witness that cannot write must not go on answering: memory and journal would part.
            os._exit(os.EX_IOERR)


def _cut_torn_end(path: Path) -> None:
    """A kill may leave half a line. It was never answered for, so it goes."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
