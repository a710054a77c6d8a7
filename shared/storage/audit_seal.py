"""The sealer: links the audit rows of a service into its chain, and signs the chain's head.

The head goes to a file outside the database, so that whoever owns the database cannot rewrite what
happened without the file telling. It never signs a chain that does not reach its last head.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from shared.running.log import get_logger
from shared.storage.audit_chain import (
    LATE,
    Anchor,
    append,
    genesis,
    last_anchor,
    link,
    made_at,
    signing_key,
    smallest_id,
)
from shared.storage.db import PoolExhausted, Runtime, Transaction

BATCH = 2_000
EVERY_S = 1.0
# An id is made before its row commits: each look goes back further than a request may last, and
# now and then as far as a batch may.
SLACK = timedelta(seconds=10)
DEEP_EVERY = timedelta(minutes=5)
_NEVER = datetime.min.replace(tzinfo=UTC)

log = get_logger()


class ChainBroken(RuntimeError):
    """The chain in the database does not reach the last signed head: nothing is signed on it."""


class Sealer:
    """Seals one service. Several processes may run one each over the same `anchor_dir`.

    An advisory lock keeps the chain single.
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
        self._looked_at = _NEVER
        self._deep_at = _NEVER

    async def seal_once(self) -> int:
        """Link up to one batch of the rows that are in no link yet; returns how many.

        Raises ChainBroken when the database is behind or beside the last signed head.
        """
        if self._anchored is None:
            self._anchored = await self._find_anchor()
        started = datetime.now(UTC)
        deep = started - self._deep_at > DEEP_EVERY
        floor = smallest_id(self._looked_at, back=LATE if deep else SLACK)
        async with self._runtime.transaction() as tx:
            if not deep and not await self._unsealed(tx, floor, limit=1):
                self._looked_at = started
                return 0
            await tx.begin()
            if not await self._alone(tx):
                return 0
            await self._check(tx, self._anchored)
            rows = await self._unsealed(tx, floor, limit=BATCH)
            head = await self._link(tx, rows)
        if len(rows) < BATCH:
            self._looked_at = started
            self._deep_at = started if deep else self._deep_at
        # Signed after the commit: a signed head that never came to be would be a false alarm.
        if head.seq > self._anchored.seq:
            await self._sign(head)
        return len(rows)

    async def run(self) -> None:
        """Seal every second until cancelled; a failure is logged and tried again."""
        while True:
            try:
                while await self.seal_once() == BATCH:
                    pass
            except (asyncpg.PostgresError, asyncpg.InterfaceError, PoolExhausted, OSError) as error:
                log.warning("audit_seal_failed", service=self._service, exc_info=error)
            except ChainBroken:
                log.exception("audit_chain_broken", service=self._service)
            await asyncio.sleep(EVERY_S * random.uniform(0.75, 1.25))

    async def accept_restore(self, reason: str) -> Anchor:
        """Take over the chain as the database has it, after people restored it on purpose.

        The signed line keeps the reason, and the verifier shows it for ever.
        """
        async with self._runtime.transaction() as tx:
            head = await self._head(tx)
        await self._sign(Anchor(head.service, head.seq, head.hash, head.at, accepted=reason))
        self._anchored = None
        return await self._find_anchor()

    async def _find_anchor(self) -> Anchor:
        """Return the last signed head; a chain that has not begun gets its first."""
        # The chain is read before the file: another process signs the first head before it links.
        async with self._runtime.transaction() as tx:
            head = await self._head(tx)
            last = await asyncio.to_thread(last_anchor, self._folder, self._service, key=self._key)
            if last is None:
                if head.seq:
                    raise ChainBroken(f"the signed heads of {self._service} are gone")
                return await self._sign(head)
            row = await tx.fetchrow(
                f'SELECT audit_id FROM "{self._service}".audit_link WHERE seq = $1',  # noqa: S608
                last.seq,
            )
        # What is older than the last sealed row was sealed before it, but for late commits.
        self._looked_at = _NEVER if row is None else min(last.at, made_at(row["audit_id"]))
        self._deep_at = _NEVER
        return last

    async def _alone(self, tx: Transaction) -> bool:
        row = await tx.fetchrow(
            "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS alone",
            f"audit chain of {self._service}",
        )
        return row is not None and bool(row["alone"])

    async def _check(self, tx: Transaction, known: Anchor) -> None:
        if not known.seq:
            return
        row = await tx.fetchrow(
            f'SELECT hash FROM "{self._service}".audit_link WHERE seq = $1',  # noqa: S608
            known.seq,
        )
        if row is None or row["hash"] != known.hash:
            self._anchored = None  # read again next time: people may accept a restored chain
            raise ChainBroken(f"link {known.seq} of {self._service} is not what was signed")

    async def _head(self, tx: Transaction) -> Anchor:
        row = await tx.fetchrow(
            f'SELECT seq, hash FROM "{self._service}".audit_link ORDER BY seq DESC LIMIT 1'  # noqa: S608
        )
        seq, head = (0, genesis(self._service)) if row is None else row
        return Anchor(self._service, seq, head, datetime.now(UTC))

    async def _unsealed(self, tx: Transaction, floor: UUID, *, limit: int) -> list[asyncpg.Record]:
        schema = f'"{self._service}"'
        return await tx.fetch(
            f"SELECT id, entry FROM {schema}.audit AS a WHERE id >= $1 AND NOT EXISTS"  # noqa: S608
            f" (SELECT FROM {schema}.audit_link AS l WHERE l.audit_id = a.id)"
            " ORDER BY id LIMIT $2",
            floor,
            limit,
        )

    async def _link(self, tx: Transaction, rows: list[asyncpg.Record]) -> Anchor:
        """Append a link for each row, in the order of their ids, and return the new head."""
        head = await self._head(tx)
        if not rows:
            return head
        previous = head.hash
        hashes = [previous := link(previous, row["entry"], row["id"]) for row in rows]
        last = head.seq + len(rows)
        await tx.write(
            f'INSERT INTO "{self._service}".audit_link (seq, audit_id, hash)'  # noqa: S608
            " SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[])",
            list(range(head.seq + 1, last + 1)),
            [row["id"] for row in rows],
            hashes,
        )
        return Anchor(self._service, last, previous, datetime.now(UTC))

    async def _sign(self, head: Anchor) -> Anchor:
        await asyncio.to_thread(append, head, self._folder, key=self._key)
        self._anchored = head
        return head
