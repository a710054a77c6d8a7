"""Cases are taken in hand, given back and handed on: a lease that ends by itself (H50).

It keeps two people from the same work; what keeps the case whole is its version. Its time is the
office's, not the database's: it is a promise among people, not among processes.
"""

from datetime import datetime, timedelta

from services.intake.applications.models import Application
from services.intake.errors import AlreadyClaimed
from services.intake.worklist import queries
from services.intake.worklist.schemas import ReassignIn
from shared.storage import audit, policy
from shared.storage.db import Transaction
from shared.values.calendar import tehran_date
from shared.web.auth import Actor, Role
from shared.web.errors import RoleNotAllowed, StepNotAllowed

_TAKE = """
INSERT INTO intake.claim (application_id, holder, role, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (application_id) DO UPDATE
SET holder = excluded.holder, role = excluded.role, until = excluded.until
WHERE claim.holder = excluded.holder OR claim.until <= $5 OR claim.role <> ALL ($6::text[])
RETURNING until
"""


async def claim(tx: Transaction, case: Application, actor: Actor) -> None:
    """Take a case in hand; again by the same person it is held longer.

    Raises RoleNotAllowed, StepNotAllowed, AlreadyClaimed.
    """
    waited = _waited(case)
    mine = [role for role in waited if role in actor.roles]
    if not mine:
        raise RoleNotAllowed
    await tx.begin()
    until = await _until(tx)
    if await tx.write(_TAKE, case.id, actor.sub, mine[0], until, tx.now, waited) is None:
        raise AlreadyClaimed
    await _record(tx, case, actor, "claimed")


async def release(tx: Transaction, case: Application, actor: Actor) -> None:
    """Give a case back; one that nobody holds stays so. Raises AlreadyClaimed for another's."""
    line = await queries.one(tx, case.tracking_code)
    if line["holder"] not in {None, actor.sub}:
        raise AlreadyClaimed
    await tx.begin()
    await tx.write(
        "DELETE FROM intake.claim WHERE application_id = $1 AND holder = $2", case.id, actor.sub
    )
    await _record(tx, case, actor, "released")


async def reassign(tx: Transaction, case: Application, body: ReassignIn, actor: Actor) -> None:
    """Hand a case on: whoever holds it may, and the head of the office.

    Raises RoleNotAllowed, StepNotAllowed.
    """
    waited = _waited(case)
    line = await queries.one(tx, case.tracking_code)
    if line["holder"] != actor.sub and not actor.has(Role.APPROVER):
        raise RoleNotAllowed
    if not waited:
        raise StepNotAllowed(current_status=case.status)
    await tx.begin()
    await tx.write("DELETE FROM intake.claim WHERE application_id = $1", case.id)
    await tx.write(_TAKE, case.id, body.to, waited[0], await _until(tx), tx.now, waited)
    await _record(tx, case, actor, "reassigned")


def _waited(case: Application) -> list[str]:
    """The roles that an open case waits for. Raises StepNotAllowed for one that is not open."""
    if case.stopped_on is not None or case.due_on is None:
        raise StepNotAllowed(current_status=case.status)
    return queries.waits_for(case.status, case.waits_for)


async def _until(tx: Transaction) -> datetime:
    rule = await policy.on(tx, "intake.claim", tehran_date(tx.now))
    return tx.now + timedelta(minutes=rule["minutes"])


async def _record(tx: Transaction, case: Application, actor: Actor, what: str) -> None:
    await audit.record(
        tx,
        actor=actor.sub,
        action=f"worklist.{what}",
        subject=tx.runtime.crypto.pseudonym(case.subject_id),
        reference=case.tracking_code,
        request_id=tx.trace,
        role=min(actor.roles),
    )
