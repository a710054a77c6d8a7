"""Who did or read what, when and why: written with the change, sealed into a chain within seconds.

An entry is canonical bytes with codes and pseudonyms only, so that nothing in it must ever be
erased and what was sealed (`audit_seal`) is exactly what is verified (`audit_verify`).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.storage.audit_chain import canonical, instant
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7


def entry_bytes(
    *,
    id: UUID,  # noqa: A002
    at: datetime,
    service: str,
    actor: str,
    action: str,
    subject: str | None,
    reference: str | None,
    request_id: str | None,
    purpose: str | None = None,
    **codes: str | int | None,
) -> bytes:
    """Return one audit entry as canonical JSON; what is None is left out.

    `subject` is a pseudonym, `reference` a tracking code. Raises ValueError for a code that is not
    plain ASCII: words about people do not belong here.
    """
    entry: dict[str, Any] = {
        "id": str(id),
        "at": instant(at),
        "service": service,
        "actor": actor,
        "action": action,
        "subject": subject,
        "reference": reference,
        "request_id": request_id,
        "purpose": purpose,
    }
    for name, code in codes.items():
        if isinstance(code, str) and not code.isascii():
            raise ValueError(f"audit code {name} is not plain ASCII")
        entry[name] = code
    return canonical({name: value for name, value in entry.items() if value is not None})


async def record(
    tx: Transaction,
    *,
    actor: str,
    action: str,
    subject: str | None = None,
    reference: str | None = None,
    request_id: str | None = None,
    purpose: str | None = None,
    **codes: str | int | None,
) -> UUID:
    """Write one entry now: for reads of personal data, and changes that are no step.

    It is a lone write unless the transaction is open; returns the entry's id.
    """
    audit_id = uuid7()
    entry = entry_bytes(
        id=audit_id,
        at=tx.now,
        service=tx.schema,
        actor=actor,
        action=action,
        subject=subject,
        reference=reference,
        request_id=request_id,
        purpose=purpose,
        **codes,
    )
    await tx.write(
        f'INSERT INTO "{tx.schema}".audit (id, at, entry) VALUES ($1, $2, $3)',  # noqa: S608
        audit_id,
        tx.now,
        entry,
    )
    return audit_id
