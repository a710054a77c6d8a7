"""The chain over the audit rows, and the signed heads that are kept outside the database.

Pure but for the anchor files: both the sealer, which writes, and the verifier, which trusts
neither the database nor the service, stand on these few lines.
"""

import base64
import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.storage.keyring import KeysMissing, create_once

LATE = timedelta(minutes=10)
"""No row commits later than this after its id was made: the longest batch takes two minutes."""
TAIL_BYTES = 1 << 16

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


class AnchorForged(ValueError):
    """A line of an anchor file was not signed by the service that it speaks for."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One signed head: how far the chain of a service had come, at what (real) time.

    `accepted` is the reason when people took over a restored database whose chain is shorter.
    """

    service: str
    seq: int
    hash: bytes
    at: datetime
    accepted: str | None = None

    def line(self, key: Ed25519PrivateKey) -> bytes:
        """Return the line that stands in the file: the head and its signature."""
        body = self._body()
        signature = base64.b64encode(key.sign(canonical(body))).decode()
        return canonical({**body, "signature": signature}) + b"\n"

    def _body(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "seq": self.seq,
            "hash": self.hash.hex(),
            "at": instant(self.at),
            **({} if self.accepted is None else {"accepted": self.accepted}),
        }


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one spelling of a JSON object: sorted keys, no spaces, ASCII."""
    return _ENCODER.encode(value).encode("ascii")


def instant(at: datetime) -> str:
    """Return the one spelling of an instant: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def genesis(service: str) -> bytes:
    """Return the hash before the first link; another one for each service."""
    return sha256(f"soha audit of {service}".encode()).digest()


def link(previous: bytes, entry: bytes, audit_id: UUID) -> bytes:
    """Return the hash of the next link."""
    return sha256(previous + sha256(entry).digest() + audit_id.bytes).digest()


def append(anchor: Anchor, folder: Path, *, key: Ed25519PrivateKey) -> None:
    """Write a head to `<folder>/<service>.jsonl`; on the disk when this returns. Blocks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{anchor.service}.jsonl"
    fresh = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        # A line that a power cut left half written is ended first, or it would spoil this one.
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, b"\n" * torn + anchor.line(key))
        os.fsync(handle)
    finally:
        os.close(handle)
    if fresh:
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def parse(line: bytes, *, key: Ed25519PublicKey) -> Anchor | None:
    """Return the head that a line holds, or None for a half-written line, which never was one.

    Raises AnchorForged when the signature is not the service's.
    """
    try:
        body = json.loads(line)
    except ValueError:
        return None
    try:
        signature = base64.b64decode(body.pop("signature"), validate=True)
        key.verify(signature, canonical(body))
        return Anchor(
            body["service"],
            body["seq"],
            bytes.fromhex(body["hash"]),
            datetime.fromisoformat(body["at"]),
            body.get("accepted"),
        )
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        raise AnchorForged("the line is not signed by its service") from None


def last_anchor(folder: Path, service: str, *, key: Ed25519PrivateKey) -> Anchor | None:
    """Return the newest head in the file, read from its end; None when there is none. Blocks."""
    try:
        with (folder / f"{service}.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    found = (parse(line, key=key.public_key()) for line in reversed(lines))
    return next((anchor for anchor in found if anchor is not None), None)


def smallest_id(at: datetime, *, back: timedelta) -> UUID:
    """Return the smallest UUIDv7 of the instant `back` before `at`."""
    milliseconds = int((at.timestamp() - back.total_seconds()) * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


def made_at(audit_id: UUID) -> datetime:
    """Return when a UUIDv7 was made; an id that is none counts as the oldest."""
    if audit_id.version != 7:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromtimestamp((audit_id.int >> 80) / 1000, UTC)


def signing_key(keys_dir: Path, service: str, *, may_create: bool) -> Ed25519PrivateKey:
    """Return the key that signs the heads of a service, and put its public half beside it.

    Raises KeysMissing when it is not there and may not be made.
    """
    # Apart from the keys that sign requests: nobody may take a head's key for a caller's.
    path = keys_dir / "anchor" / f"{service}.key"
    if may_create:
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        create_once(path, pem.decode())
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise KeysMissing(f"The key that signs the audit of {service} is not at {path}.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysMissing(f"{path} is not an Ed25519 key.")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    create_once(path.with_suffix(".pub"), public.decode())
    return key


def public_key(keys_dir: Path, service: str) -> Ed25519PublicKey:
    """Return the public half that the verifier trusts. Raises KeysMissing."""
    path = keys_dir / "anchor" / f"{service}.pub"
    try:
        key = load_pem_public_key(path.read_bytes())
    except FileNotFoundError:
        raise KeysMissing(f"The public key of the audit of {service} is not at {path}.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeysMissing(f"{path} is not an Ed25519 key.")
    return key
