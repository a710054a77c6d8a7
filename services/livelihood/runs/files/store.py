"""Where payment files are kept: the object store of documents, below `payments/`, sealed.

A file is sealed frame by frame, so that none of any size is ever whole in memory; each frame is
bound to its file, its place in it and whether it is the last.
"""

import hashlib
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from shared.storage.db import Runtime

PART = 5 * 1024 * 1024
"""The least that an object store takes as a part of a larger whole."""
_LENGTH = 4
_PLACE = {"table": "livelihood.bank_file", "column": "content"}


class FileBroken(Exception):
    """A kept file is not the one that was written: cut, mixed up or of another hash."""


class Written(Protocol):
    """The store's own writer: what it is given is there only after `close`."""

    def write(self, buffer: bytes, /) -> int: ...

    def close(self) -> None: ...


def place_of(run_id: UUID, file_id: UUID) -> str:
    """The key of a file in the store."""
    return f"payments/{run_id.hex}/{file_id.hex}.xml.sealed"


class Writer:
    """Writes one file; it is there only after `close`, whole. Calls block: for a thread."""

    def __init__(self, runtime: Runtime, file_id: UUID, place: str) -> None:
        self._seal = runtime.crypto.seal
        self._file_id = file_id
        self._frames = 0
        self._hash = hashlib.sha256()
        self._out: Written = obstore.open_writer(
            _store(runtime), place, buffer_size=PART, max_concurrency=1
        )

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Seal some more of the file."""
        self._hash.update(data)
        row = _row(self._file_id, self._frames, last=last)
        sealed = self._seal(data, row=row, **_PLACE)
        self._out.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
        self._frames += 1

    def close(self) -> str:
        """Make the file appear; returns the SHA-256 of what was written, in hex."""
        self._out.close()
        return self._hash.hexdigest()


def read(runtime: Runtime, file_id: UUID, place: str, *, sha256: str) -> Iterator[bytes]:
    """The file, frame by frame. Raises SealBroken and FileBroken; calls block: for a thread."""
    found = hashlib.sha256()
    file = obstore.open_reader(_store(runtime), place, buffer_size=1024 * 1024)
    at = 0
    head = bytes(file.read(_LENGTH))
    while head:
        sealed = bytes(file.read(int.from_bytes(head, "big")))
        head = bytes(file.read(_LENGTH))
        row = _row(file_id, at, last=not head)
        data = runtime.crypto.open_bytes(sealed, row=row, **_PLACE)
        found.update(data)
        yield data
        at += 1
    if found.hexdigest() != sha256:
        raise FileBroken(str(file_id))


def _row(file_id: UUID, at: int, *, last: bool) -> str:
    return f"{file_id}/{at}/{'end' if last else 'on'}"


def _store(runtime: Runtime) -> ObjectStore:
    if "payments" not in runtime.memory:
        url = runtime.settings.documents_url
        runtime.memory["payments"] = from_url(url) if url else _local(runtime)
    found: ObjectStore = runtime.memory["payments"]
    return found


def _local(runtime: Runtime) -> LocalStore:
    folder = runtime.settings.data_dir / "documents"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder)
