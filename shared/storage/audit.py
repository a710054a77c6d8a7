"""Who did or read what, when and why: written with the change, sealed into a chain within seconds.

An entry is canonical bytes with codes and pseudonyms only, so that nothing in it must ever be
erased and what was sealed is exactly what is verified (`audit_verify`). The chain's head is signed
into a file outside the database: its owner cannot rewrite what happened without the file telling.
"""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.running.log import get_logger
from shared.storage import audit_link
from shared.storage.audit_chain import (
    LATE,
    Anchor,
    append,
    canonical,
    instant,
    last_anchor,
    made_at,
    signing_key,
    smallest_id,
)
from shared.storage.db import Runtime, Transaction
from shared.values.identifiers import uuid7

BATCH = 2_000
EVERY_S = 1.0
BROKEN_S = 60.0
# An id is made before its row commits: each look goes back further than a request may last, and
# now and then as far as a batch may.
SLACK = timedelta(seconds=10)
DEEP_EVERY = timedelta(minutes=5)
_NEVER = datetime.min.replace(tzinfo=UTC)

_log = get_logger()


class ChainBroken(RuntimeError):
    """The chain in the database does not reach the last signed head: nothing is signed on it."""


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


class Sealer:
    """Seals one service. Several processes may run one each over the same `anchor_dir`.

    An advisory lock keeps the chain single. It never signs a chain without its last signed head.
    """

    def __init__(self, runtime: Runtime, anchor_dir: Path) -> None:
        self._runtime = runtime
        self._folder = anchor_dir
        self._service = runtime.service
        settings = runtime.settings
        self._key = signing_key(
            settings.keys_dir, self._service, may_create=not settings.production
        )
        self._anchored: Anchor | None = None
        self._looked_at = self._deep_at = _NEVER
        self._stopped = asyncio.Event()

    async def seal_once(self) -> int:
        """Link up to one batch of the rows that are in no link yet; returns how many.

        Raises ChainBroken when the database is behind or beside the last signed head.
        """
        known = self._anchored or await self._find_anchor()
        started = datetime.now(UTC)
        deep = started - self._deep_at > DEEP_EVERY
        floor = smallest_id(self._looked_at, back=LATE if deep else SLACK)
        async with self._runtime.transaction() as tx:
            if not deep and not await audit_link.unsealed(tx, floor, limit=1):
                self._looked_at = started
                return 0
            await tx.begin()
            if not await audit_link.alone(tx):
                return 0
            await self._check(tx, known)
            rows = await audit_link.unsealed(tx, floor, limit=BATCH)
            head = await audit_link.add(tx, rows)
        if len(rows) < BATCH:
            self._looked_at = started
            self._deep_at = started if deep else self._deep_at
        else:
            self._looked_at = min(started, made_at(rows[-1]["id"]))
        # Signed after the commit: a signed head that never came to be would be a false alarm.
        if head.seq > known.seq:
            await self._sign(head)
        return len(rows)

    async def run(self) -> None:
        """Seal every second until `stop()`, and once more then; a failure is tried again."""
        while not self._stopped.is_set():
            rest_s = EVERY_S
            try:
                while await self.seal_once() == BATCH:
                    pass
            except ChainBroken:
                rest_s = BROKEN_S
                _log.exception("audit_chain_broken", service=self._service)
            except Exception as error:  # noqa: BLE001 - the worst loop is one that ended silently
                _log.warning("audit_seal_failed", service=self._service, exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s * random.uniform(0.75, 1.25)):
                    await self._stopped.wait()
        with suppress(Exception):  # what is left is sealed at the next start
            await self.seal_once()

    def stop(self) -> None:
        """Ask the loop to end; `run` returns soon after."""
        self._stopped.set()

    async def accept_restore(self, reason: str) -> Anchor:
        """Take over the chain as the database has it, after people restored it on purpose.

        The signed line keeps the reason, and the verifier shows it for ever.
        """
        async with self._runtime.transaction() as tx:
            head = await audit_link.head(tx)
        await self._sign(Anchor(head.service, head.seq, head.hash, head.at, accepted=reason))
        return await self._find_anchor()

    async def _find_anchor(self) -> Anchor:
        """Return the last signed head; a chain that has not begun gets its first."""
        # The chain is read before the file: another process signs the first head before it links.
        async with self._runtime.transaction() as tx:
            head = await audit_link.head(tx)
            last = await asyncio.to_thread(last_anchor, self._folder, self._service, key=self._key)
            if last is None:
                if head.seq:
                    raise ChainBroken(f"the signed heads of {self._service} are gone")
                last = await self._sign(head)
            found = await audit_link.linked(tx, last.seq)
        # What is older than the last sealed row was sealed before it, but for late commits.
        self._looked_at = _NEVER if found is None else min(last.at, made_at(found[0]))
        self._deep_at = _NEVER
        self._anchored = last
        return last

    async def _check(self, tx: Transaction, known: Anchor) -> None:
        if known.seq:
            found = await audit_link.linked(tx, known.seq)
            if found is None or found[1] != known.hash:
                self._anchored = None  # read again next time: people may accept a restored chain
                raise ChainBroken(f"link {known.seq} of {self._service} is not what was signed")

    async def _sign(self, head: Anchor) -> Anchor:
        await asyncio.to_thread(append, head, self._folder, key=self._key)
        self._anchored = head
        return head
