"""The object store: below DATA_DIR by default, elsewhere by DOCUMENTS_URL.

Everything in it is sealed before it leaves the process. The store's own asynchronous calls can
abort the interpreter at its exit, so that its plain ones run in a thread.
"""

import asyncio
import hashlib
from contextlib import suppress

from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.storage.db import Runtime

AT_ONCE = 4
"""So many files are sealed or opened at a time: each is in memory twice while it is."""
_PLACE = {"table": "intake.document", "column": "content"}


async def keep(runtime: Runtime, data: bytes) -> bytes:
    """Seal and store a file under its SHA-256, which is returned; what is there stays as it is."""
    async with _turn(runtime):
        return await asyncio.to_thread(_keep, runtime, data)


async def fetch(runtime: Runtime, sha256: bytes) -> bytes:
    """The file with this SHA-256. Raises FileNotFoundError, and SealBroken if it was changed."""
    async with _turn(runtime):
        return await asyncio.to_thread(_fetch, runtime, sha256)


def _keep(runtime: Runtime, data: bytes) -> bytes:
    digest = hashlib.sha256(data).digest()
    sealed = runtime.crypto.seal(data, row=digest.hex(), **_PLACE)
    with suppress(AlreadyExistsError):
        _store(runtime).put(_path(digest), sealed, mode="create")
    return digest


def _fetch(runtime: Runtime, sha256: bytes) -> bytes:
    sealed = bytes(_store(runtime).get(_path(sha256)).bytes())
    return runtime.crypto.open_bytes(sealed, row=sha256.hex(), **_PLACE)


def _path(sha256: bytes) -> str:
    return f"{sha256.hex()[:2]}/{sha256.hex()}"


def _store(runtime: Runtime) -> ObjectStore:
    if "documents" not in runtime.memory:
        url = runtime.settings.documents_url
        runtime.memory["documents"] = from_url(url) if url else _local(runtime)
    found: ObjectStore = runtime.memory["documents"]
    return found


def _local(runtime: Runtime) -> LocalStore:
    folder = runtime.settings.data_dir / "documents"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder)


def _turn(runtime: Runtime) -> asyncio.Semaphore:
    found: asyncio.Semaphore = runtime.memory.setdefault(
        "documents.turn", asyncio.Semaphore(AT_ONCE)
    )
    return found
