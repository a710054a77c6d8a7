"""The key files of one service: a data key for each year, and the agency's index keys.

They live apart from the database and its backups: a backup alone opens nothing, and destroying a
year's key destroys what it sealed, in every copy.
"""

import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"\x01"
INDEX_FILE = "index.key"


class KeysMissing(RuntimeError):
    """A key that is needed is not in the key directory, and may not be made."""


class SealBroken(ValueError):
    """What was found is not what was sealed for this table, column and row."""


class Key(NamedTuple):
    """A data key ready for use, and the first bytes of every field sealed with it."""

    prefix: bytes
    cipher: AESGCM


class Keyring:
    """Reads and makes `keys_dir/data/<service>-<year>.key` and `keys_dir/index.key`."""

    def __init__(
        self, keys_dir: Path, service: str, *, may_create: bool, year: Callable[[], int]
    ) -> None:
        self.service = service
        self._dir = keys_dir / "data"
        self._index_path = keys_dir / INDEX_FILE
        self._pattern = re.compile(rf"({re.escape(service)}-([0-9]{{4}})(?:\.([0-9]+))?)\.key")
        self._may_create = may_create
        self._year = year
        self._keys: dict[str, Key] = {}

    def newest(self) -> Key:
        """Return the key to seal with, and forget those whose files are gone.

        Where this year's key is not there and may not be made, the newest before it goes on: a new
        year must not stop the agency. Raises KeysMissing when there is none at all.
        """
        year, found = self._year(), self._found()
        if self._may_create and not any(made == year for made, _, _ in found):
            create_once(self._dir / f"{self.service}-{year}.key", _fresh())
            found = self._found()
        usable = [name for made, _, name in found if made <= year]
        if not usable:
            raise KeysMissing(
                f"The field keys of {self.service} are not in {self._dir}: "
                "put the escrowed keys back before starting."
            )
        names = {name for _, _, name in found}
        self._keys = {name: key for name, key in self._keys.items() if name in names}
        return self.key(usable[-1])

    def key(self, name: str) -> Key:
        """Return a data key by its name.

        Raises KeysMissing when its file is gone, SealBroken when the name is no key's of ours.
        """
        if known := self._keys.get(name):
            return known
        # The name may come from a row: it is never used as a path before it is recognised.
        if not self._pattern.fullmatch(f"{name}.key"):
            raise SealBroken(f"not sealed with a key of {self.service}")
        try:
            secret = bytes.fromhex((self._dir / f"{name}.key").read_text())
        except FileNotFoundError:
            raise KeysMissing(f"The field key {name} is not in {self._dir}.") from None
        key = Key(FORMAT + len(name).to_bytes() + name.encode(), AESGCM(secret))
        self._keys[name] = key
        return key

    def add(self) -> str:
        """Make one more key for this year and return its name."""
        year = self._year()
        last = max((number for made, number, _ in self._found() if made == year), default=0)
        name = f"{self.service}-{year}.{last + 1}"
        create_once(self._dir / f"{name}.key", _fresh())
        return name

    def index_keys(self) -> list[tuple[int, bytes]]:
        """Return the agency's numbered index keys, newest first: a line each, `1 <hex>`."""
        # It is made before any data key: data keys without it mean that it was lost.
        lost = self._dir.is_dir() and any(self._dir.glob("*.key"))
        if self._may_create and not lost:
            create_once(self._index_path, f"1 {_fresh()}\n")
        try:
            lines = [line.split() for line in self._index_path.read_text().splitlines()]
        except FileNotFoundError:
            raise KeysMissing(
                f"The agency's index key {self._index_path} is missing: "
                "put the escrowed keys back before starting."
            ) from None
        return sorted(((int(number), bytes.fromhex(key)) for number, key in lines), reverse=True)

    def _found(self) -> list[tuple[int, int, str]]:
        """Return (year, number, name) of every data key of this service, oldest first."""
        if not self._dir.is_dir():
            return []
        matches = [self._pattern.fullmatch(path.name) for path in self._dir.iterdir()]
        return sorted((int(m[2]), int(m[3] or 1), m[1]) for m in matches if m)


def this_year() -> int:
    """Return the year of the real clock, in UTC."""
    return datetime.now(UTC).year


def create_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless it is there: of rivals, the first wins."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all: two processes starting together end with one key.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    # Data may be sealed with it in a moment, so its name must be on the disk as well.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _fresh() -> str:
    return secrets.token_hex(32)
