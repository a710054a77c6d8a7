"""The statements of the audit's chain: its head, the rows that are in no link, and new links."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from shared.storage.audit_chain import Anchor, genesis, link
from shared.storage.db import Transaction


async def alone(tx: Transaction) -> bool:
    """Take the chain for this transaction; False while another sealer has it."""
    row = await tx.fetchrow(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS alone",
        f"audit chain of {tx.schema}",
    )
    return row is not None and bool(row["alone"])


async def head(tx: Transaction) -> Anchor:
    """Return the last link as a head to be signed; before the first link it is link 0."""
    row = await tx.fetchrow(
        f'SELECT seq, hash FROM "{tx.schema}".audit_link ORDER BY seq DESC LIMIT 1'  # noqa: S608
    )
    seq, last = (0, genesis(tx.schema)) if row is None else row
    return Anchor(tx.schema, seq, last, datetime.now(UTC))


async def linked(tx: Transaction, seq: int) -> tuple[UUID, bytes] | None:
    """Return the audit id and the hash of one link."""
    row = await tx.fetchrow(
        f'SELECT audit_id, hash FROM "{tx.schema}".audit_link WHERE seq = $1',  # noqa: S608
        seq,
    )
    return None if row is None else (row["audit_id"], row["hash"])


async def unsealed(tx: Transaction, floor: UUID, *, limit: int) -> list[asyncpg.Record]:
    """Return id and entry of rows that are in no link, from the id `floor` on, oldest first."""
    return await tx.fetch(
        f'SELECT id, entry FROM "{tx.schema}".audit AS a WHERE id >= $1 AND NOT EXISTS'  # noqa: S608
        f' (SELECT FROM "{tx.schema}".audit_link AS l WHERE l.audit_id = a.id)'
        " ORDER BY id LIMIT $2",
        floor,
        limit,
    )


async def add(tx: Transaction, rows: list[asyncpg.Record]) -> Anchor:
    """Append a link for each row, in the order given, and return the new head."""
    last = await head(tx)
    if not rows:
        return last
    previous = last.hash
    hashes = [previous := link(previous, row["entry"], row["id"]) for row in rows]
    seq = last.seq + len(rows)
    await tx.write(
        f'INSERT INTO "{tx.schema}".audit_link (seq, audit_id, hash)'  # noqa: S608
        " SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[])",
        list(range(last.seq + 1, seq + 1)),
        [row["id"] for row in rows],
        hashes,
    )
    return Anchor(tx.schema, seq, previous, datetime.now(UTC))
