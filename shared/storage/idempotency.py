"""Answers kept with the change that they answer, so that a retry gets the same bytes again.

The row is a plain INSERT inside the one write statement: its unique violation undoes everything
and the stored answer is replayed. Refusals are never stored (decisions, 1).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.storage.db import Runtime, Transaction, dumps, loads
from shared.storage.tables import NAMES

CONSTRAINT = NAMES["pk"] % {"table_name": "idempotency"}


@dataclass(frozen=True, slots=True)
class Key:
    """Who asked for what under which key, bound to what exactly was asked."""

    actor: str
    operation: str
    key: str
    request_hash: bytes

    @property
    def row(self) -> str:
        return f"{self.actor}\x1f{self.operation}\x1f{self.key}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller got: status, body bytes, and the headers that belong to them."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class AnsweredBefore(Exception):
    """This key has its answer already: replay it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


class KeyReused(Exception):
    """The same key came with another request."""

    status = 422
    code = "idempotency_key_reused"


def request_hash(method: str, route: str, body: bytes) -> bytes:
    """What makes two requests the same: method, route with its parameters, body."""
    return hashlib.sha256(b"\n".join((method.encode(), route.encode(), body))).digest()


async def find(tx: Transaction, key: Key) -> Answer | None:
    """The stored answer of this key; raises KeyReused where it belongs to another request."""
    table = f'"{tx.schema}".idempotency'
    row = await tx.fetchrow(
        "SELECT request_hash, status, headers, body FROM " + table + " "  # noqa: S608
        "WHERE actor = $1 AND operation = $2 AND key = $3 AND expires_at > $4",
        key.actor, key.operation, key.key, tx.now,
    )  # fmt: skip
    if row is None:
        return None
    if row["request_hash"] != key.request_hash:
        raise KeyReused
    body = tx.runtime.crypto.open_bytes(row["body"], table=table, column="body", row=key.row)
    return Answer(row["status"], body, loads(row["headers"]))


async def replay_if_known(tx: Transaction) -> None:
    """Raise AnsweredBefore when this request has been answered: asked before outside inquiries."""
    if tx.key is not None and (answer := await find(tx, tx.key)) is not None:
        raise AnsweredBefore(answer)


def values(runtime: Runtime, key: Key, answer: Answer, *, now: Any) -> dict[str, Any]:
    """The row that keeps an answer."""
    body = runtime.crypto.seal(
        answer.body, table=f'"{runtime.service}".idempotency', column="body", row=key.row
    )
    return {
        "actor": key.actor,
        "operation": key.operation,
        "key": key.key,
        "request_hash": key.request_hash,
        "status": answer.status,
        "headers": answer.headers,
        "body": body,
        "expires_at": now + timedelta(days=runtime.settings.idempotency_days),
    }


async def keep(tx: Transaction, answer: Answer) -> Answer:
    """Keep the answer of a cold path inside its transaction; a path without a key keeps none."""
    if tx.key is not None:
        row = values(tx.runtime, tx.key, answer, now=tx.now)
        row["headers"] = dumps(row["headers"])
        await tx.begin()
        await tx.write(
            f'INSERT INTO "{tx.schema}".idempotency ({", ".join(row)}) VALUES '  # noqa: S608
            f"({', '.join(f'${n}' for n in range(1, len(row) + 1))})",
            *row.values(),
        )
    return answer
