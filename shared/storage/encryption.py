"""Fields sealed with AES-256-GCM, and blind indexes to find them again (decision 20).

A sealed field names its key in its first bytes and is bound to its schema, table, column and row:
moved anywhere else it does not open.
"""

import hmac
import json
import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag

from shared.storage.keyring import FORMAT, Keyring, KeysMissing, SealBroken, this_year

__all__ = ["Crypto", "KeysMissing", "SealBroken"]

NONCE_BYTES = 12
DIGEST_BYTES = 16
LOOK_AGAIN_S = 60.0

RowId = UUID | str | int


class Crypto:
    """Seals, opens and indexes for one service; one per process, safe among threads.

    `may_create` is for development, tests and an empty database. Raises KeysMissing where keys are
    absent and may not be made: a new key beside old data would hide a loss.
    """

    def __init__(
        self,
        keys_dir: Path,
        service: str,
        *,
        may_create: bool = False,
        year: Callable[[], int] = this_year,
    ) -> None:
        self.service = service
        self._ring = Keyring(keys_dir, service, may_create=may_create, year=year)
        self._index_keys = self._ring.index_keys()
        self._bind = lru_cache(512)(self._place)
        self.refresh()

    def seal(self, value: str | bytes, *, table: str, column: str, row: RowId) -> bytes:
        """Return the sealed field; the same value never seals to the same bytes twice."""
        if time.monotonic() >= self._look_again:
            self.refresh()
        data = value.encode() if isinstance(value, str) else value
        # Random nonces hold for 2**32 fields under one key: a service's year stays far below.
        nonce = os.urandom(NONCE_BYTES)
        bound = self._bind(table, column) + str(row).encode()
        return self._newest.prefix + nonce + self._newest.cipher.encrypt(nonce, data, bound)

    def open_bytes(self, sealed: bytes, *, table: str, column: str, row: RowId) -> bytes:
        """Return what was sealed.

        Raises SealBroken when it was changed or sealed for another place, and KeysMissing when its
        key is gone: lost, or destroyed on purpose together with all that it sealed.
        """
        if time.monotonic() >= self._look_again:
            self.refresh()
        name, start = _key_name(sealed)
        cipher = self._ring.key(name).cipher
        bound = self._bind(table, column) + str(row).encode()
        try:
            end = start + NONCE_BYTES
            return cipher.decrypt(sealed[start:end], sealed[end:], bound)
        except (InvalidTag, ValueError):
            raise SealBroken(f"{table}.{column}: not what was sealed for this row") from None

    def open(self, sealed: bytes, *, table: str, column: str, row: RowId) -> str:
        """Return the text that was sealed; raises as `open_bytes` does."""
        return self.open_bytes(sealed, table=table, column=column, row=row).decode()

    def seal_json(self, value: Any, *, table: str, column: str, row: RowId) -> bytes:
        """Seal any JSON value as one field."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return self.seal(text, table=table, column=column, row=row)

    def open_json(self, sealed: bytes, *, table: str, column: str, row: RowId) -> Any:
        """Return the JSON value that was sealed; raises as `open_bytes` does."""
        return json.loads(self.open_bytes(sealed, table=table, column=column, row=row))

    def stale(self, sealed: bytes) -> bool:
        """Whether the field is sealed under another key than the newest: it may be sealed anew."""
        return not sealed.startswith(self._newest.prefix)

    def index(self, value: str) -> bytes:
        """Return the blind index of a canonical value: the same in every service of the agency."""
        return self._index(self._index_keys[0], value)

    def indexes(self, value: str) -> list[bytes]:
        """Return the value's index under every live key, newest first: what a search compares."""
        return [self._index(key, value) for key in self._index_keys]

    def pseudonym(self, person: UUID | str) -> str:
        """Return the name under which the audit knows a person; nothing without the key."""
        return self._pseudonym(self._index_keys[0], person)

    def pseudonyms(self, person: UUID | str) -> list[str]:
        """Return every name that the audit may have given to a person, newest first."""
        return [self._pseudonym(key, person) for key in self._index_keys]

    def refresh(self) -> None:
        """Look at the key files again: done by itself once a minute.

        So a rotated key is taken up, and a destroyed one forgotten, by every running process.
        """
        self._newest = self._ring.newest()
        self._look_again = time.monotonic() + LOOK_AGAIN_S

    def rotate(self) -> str:
        """Make one more key for this year and seal under it from now on; returns its name.

        What was sealed before stays readable (see `stale`).
        """
        name = self._ring.add()
        self.refresh()
        return name

    @staticmethod
    def _index(key: tuple[int, bytes], value: str) -> bytes:
        # The key's number stands first, so that rows of an old key are found while it is replaced.
        digest = hmac.digest(key[1], b"index\0" + value.encode(), "sha256")
        return key[0].to_bytes() + digest[:DIGEST_BYTES]

    @staticmethod
    def _pseudonym(key: tuple[int, bytes], person: UUID | str) -> str:
        digest = hmac.digest(key[1], b"pseudonym\0" + str(person).encode(), "sha256")
        return f"p{key[0]}-{digest[:DIGEST_BYTES].hex()}"

    def _place(self, table: str, column: str) -> bytes:
        # `person` and `intake.person` are one table: the schema is the service's own.
        return f"{self.service}.{table.rpartition('.')[2]}\x1f{column}\x1f".encode()


def _key_name(sealed: bytes) -> tuple[str, int]:
    """Return the name of the key and where the nonce begins."""
    if len(sealed) < 2 or sealed[:1] != FORMAT:
        raise SealBroken("not a sealed field")
    start = 2 + sealed[1]
    try:
        return sealed[2:start].decode("ascii"), start
    except UnicodeDecodeError:
        raise SealBroken("not a sealed field") from None
