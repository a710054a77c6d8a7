"""What the books say: an entry with its lines, and balances."""

from uuid import UUID

from sqlalchemy import case, func, select

from services.livelihood.ledger.models import Account, JournalEntry, Posting
from services.livelihood.ledger.rules import Line
from shared.storage.db import Transaction


async def entry(tx: Transaction, entry_id: UUID) -> tuple[UUID | None, list[Line]] | None:
    """The run and the lines of an entry; None when there is none."""
    found = await tx.execute(
        select(JournalEntry.run_id, Posting.account, Posting.side, Posting.amount_rial)
        .join(Posting, Posting.entry_id == JournalEntry.id)
        .where(JournalEntry.id == entry_id)
        .order_by(Posting.line)
    )
    rows = found.all()
    if not rows:
        return None
    return rows[0].run_id, [Line(row.account, row.side, row.amount_rial) for row in rows]


async def debts_changed(tx: Transaction, run_id: UUID) -> dict[str, int]:
    """By how many Rials a run has changed what is to be recovered, each kind of change above zero.

    Differences are `found` or `cancelled`, an `offset` goes by its kind. See `withdrawn` also.
    """
    rows = await tx.fetch(
        """
        SELECT CASE kind WHEN 'difference' THEN
                CASE WHEN debt_rial > 0 THEN 'found' ELSE 'cancelled' END
            ELSE kind END AS change,
            sum(abs(debt_rial))::bigint AS rial
        FROM livelihood.adjustment
        WHERE run_id = $1 AND debt_rial <> 0 AND kind <> 'withdrawn' GROUP BY change
        """,
        run_id,
    )
    return {row["change"]: row["rial"] for row in rows}


async def withdrawn(tx: Transaction, run_id: UUID) -> list[tuple[UUID, int, int]]:
    """What a run withdrew from each earlier one: that run, the Rials, and what of them was debt."""
    rows = await tx.fetch(
        """
        SELECT r.id, sum(d.delta_rial)::bigint AS rial, -sum(d.debt_rial)::bigint AS debt
        FROM livelihood.adjustment d
        JOIN livelihood.run r ON r.period = d.period AND r.kind = 'regular'
        WHERE d.run_id = $1 AND d.kind = 'withdrawn' GROUP BY r.id
        """,
        run_id,
    )
    return [(row["id"], row["rial"], row["debt"]) for row in rows]


async def balances(tx: Transaction, *, run_id: UUID | None = None) -> dict[str, int]:
    """What stands on each account in Rials, on the side on which it grows; of one run or of all.

    Accounts on which nothing was ever entered are left out.
    """
    amount = Posting.amount_rial
    stands = func.sum(case((Posting.side == Account.side, amount), else_=-amount))
    statement = (
        select(Account.code, stands.label("stands"))
        .join(Posting, Posting.account == Account.code)
        .group_by(Account.code)
    )
    if run_id is not None:
        entries = JournalEntry.id == Posting.entry_id
        statement = statement.join(JournalEntry, entries).where(JournalEntry.run_id == run_id)
    return {row.code: int(row.stands) for row in await tx.execute(statement)}
