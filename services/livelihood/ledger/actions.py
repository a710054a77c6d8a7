"""The one way to write into the books."""

from collections.abc import Sequence
from uuid import UUID

from services.livelihood.ledger import queries
from services.livelihood.ledger.rules import Line, mirrored
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7

COUNTER = "counter"


async def post(
    tx: Transaction,
    kind: str,
    reference: str,
    lines: Sequence[Line],
    *,
    run_id: UUID | None = None,
) -> UUID:
    """Enter what happened, once, with the rest of this transaction; returns the entry's id.

    Whether it balances the database says at the commit (CheckViolationError). Raises
    UniqueViolationError when it is in the books, ForeignKeyViolationError for a strange account.
    """
    entry_id = uuid7()
    await tx.begin()
    await tx.write(
        """
        WITH entry AS (
            INSERT INTO livelihood.journal_entry (id, at, run_id, kind, reference, lines)
            VALUES ($1, $2, $3, $4, $5, $6)
        )
        INSERT INTO livelihood.posting (entry_id, line, account, side, amount_rial)
        SELECT $1, line, account, side, amount_rial
        FROM unnest($7::text[], $8::text[], $9::bigint[])
             WITH ORDINALITY AS l (account, side, amount_rial, line)
        """,
        entry_id,
        tx.now,
        run_id,
        kind,
        reference,
        len(lines),
        [line.account for line in lines],
        [line.side for line in lines],
        [line.amount_rial for line in lines],
    )
    return entry_id


async def counter(tx: Transaction, entry_id: UUID) -> UUID:
    """Take an entry back by its mirror image; nothing is ever changed or taken out.

    Raises LookupError for an entry that is not there, UniqueViolationError for one taken back.
    """
    found = await queries.entry(tx, entry_id)
    if found is None:
        raise LookupError("no such entry")
    run_id, lines = found
    return await post(tx, COUNTER, str(entry_id), mirrored(lines), run_id=run_id)
