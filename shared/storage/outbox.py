"""Telling: an event is a row of the outbox, written with the change that it tells of.

It carries ids, codes and dates only (decision 4); the courier takes it to those who hear it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from shared.storage.db import Transaction, dumps

NAMESPACE = UUID("6f0b5c1e-54a7-5d0c-9a3e-2f6f7c1d8b40")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one subject, as its hearers get it; `source` is the schema that told it."""

    id: UUID
    source: str
    topic: str
    subject_id: UUID
    version: int
    payload: dict[str, Any]
    at: datetime
    trace: str | None


def event_id(subject_id: UUID, version: int, topic: str) -> UUID:
    """Return the id of an event: the same change tells the same event, however often."""
    return uuid5(NAMESPACE, f"{subject_id}/{version}/{topic}")


def hearers_of(topic: str) -> list[str]:
    """Return the services that hear a topic. Raises LookupError for one that nobody declared."""
    from shared.topics import TOPICS  # the page of topics stands above storage

    if topic not in TOPICS:
        raise LookupError(f"{topic} is not among the topics of the agency")
    return sorted(TOPICS[topic].heard_by)


def outbox_values(
    topic: str,
    *,
    subject_id: UUID,
    version: int,
    payload: Mapping[str, Any],
    at: datetime,
    trace: str | None,
    hearers: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return the columns of an event's row, for a statement that writes it with the change."""
    return {
        "event_id": event_id(subject_id, version, topic),
        "topic": topic,
        "subject_id": subject_id,
        "version": version,
        "hearers": hearers_of(topic) if hearers is None else sorted(hearers),
        "payload": dict(payload),
        "trace": trace,
        "at": at,
    }


async def tell(
    tx: Transaction,
    topic: str,
    *,
    subject_id: UUID,
    version: int,
    payload: Mapping[str, Any],
    hearers: Collection[str] | None = None,
) -> None:
    """Write an event within the explicit transaction, opened here if it is not yet.

    Raises UniqueViolationError when this change has told this topic before.
    """
    await tx.begin()
    values = outbox_values(
        topic,
        subject_id=subject_id,
        version=version,
        payload=payload,
        at=tx.now,
        trace=tx.trace,
        hearers=hearers,
    )
    await tx.write(
        f"""
        INSERT INTO "{tx.schema}".outbox
            (event_id, topic, subject_id, version, hearers, payload, trace, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,  # noqa: S608 - the schema's name comes from code
        *(values | {"payload": dumps(values["payload"])}).values(),
    )
    tx.runtime.poke.set()
