"""Runtime (what one service holds while it runs) and Transaction (one per request).

One asyncpg pool serves both paths. The hot path lets a single statement commit itself; the cold
path opens an explicit transaction on a connection of the same pool and gives it to an
AsyncSession. Either way the commit comes before the answer leaves.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Self, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import MetaData, Result, ScalarResult
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import Executable

from shared.running.clock import Clock
from shared.running.settings import Settings
from shared.storage.encryption import Crypto
from shared.storage.tables import Mechanisms, mechanisms

T = TypeVar("T")
WAIT_FOR_CONNECTION_S = 1.0
BATCH_CONNECTIONS = 2
"""Of the batch role, for each process: the role may have four."""


class PoolExhausted(Exception):
    """No connection within a second: the caller is asked to come again (decision 12)."""

    sqlstate = "53300"


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A pooled connection that is not reset at release: this code never changes session state."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


_lent: ContextVar[PoolConnectionProxy] = ContextVar("_lent")


class _Lent:
    """The driver connection as SQLAlchemy sees it: it may use it, never close it."""

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def close(self, **_: object) -> None:
        """The transaction that lent it gives it back."""

    def terminate(self) -> None:
        """SQLAlchemy breaks off what was cancelled; here it is rolled back and used again."""


class LentDialect(PGDialect_asyncpg):
    """asyncpg's dialect on a connection that is already set up: no round trip at connect."""

    supports_statement_cache = True

    def on_connect(self) -> None:
        return None


registry.register("postgresql.lent", __name__, "LentDialect")


async def _lend() -> _Lent:
    return _Lent(_lent.get())


async def seen_through(work: Awaitable[T]) -> T:
    """Finish what has begun although the caller hangs up; only then is the caller cancelled.

    A commit that is under way is neither abandoned nor rolled back beside itself (decision 14).
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # nobody is left to hear it; unheard, its text would go to the log
        raise


class Runtime:
    """What one service holds while it runs; handed down, never a global.

    `clients` are the service's own adapters to the outside, `inside` calls our other services.
    """

    def __init__(self, settings: Settings, *, service: str, metadata: MetaData) -> None:
        self.settings = settings
        self.service = service
        self.metadata = metadata
        self.tables: Mechanisms = mechanisms(metadata)
        self.clock = Clock(settings)
        self.crypto = Crypto(settings.keys_dir, service=service, may_create=not settings.production)
        self.clients: Any = None
        self.inside: Any = None
        self.poke = asyncio.Event()  # set when something is told: the courier comes at once
        self.wake = asyncio.Event()  # set when something has come in
        self.due = asyncio.Event()  # set when a reminder is due at once
        self.memory: dict[str, Any] = {}
        self._pool: asyncpg.Pool | None = None
        self._batch: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+lent://",
            async_creator=_lend,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",  # the transaction is ours, opened on the driver
            hide_parameters=True,
        )

    @property
    def pool(self) -> asyncpg.Pool:
        """The pool of this service's role. Raises PoolExhausted before `open()`."""
        if self._pool is None:
            raise PoolExhausted
        return self._pool

    async def open(self) -> None:
        """Connect as this service's role."""
        self._pool = await asyncpg.create_pool(
            self.settings.dsn(self.service),
            min_size=1,
            max_size=self.settings.pool_size,
            connection_class=_Connection,
            command_timeout=5,
            statement_cache_size=500,
        )

    async def batch(self) -> asyncpg.Pool:
        """A small pool of the batch role, for work on whole months (decision 11).

        Opened at its first use; a connection that rests for half a minute is given back.
        """
        async with self._opening:
            if self._batch is None:
                self._batch = await asyncpg.create_pool(
                    self.settings.dsn(self.service, role="batch"),
                    min_size=0,
                    max_size=BATCH_CONNECTIONS,
                    max_inactive_connection_lifetime=30,
                    command_timeout=120,
                )
            return self._batch

    async def close(self) -> None:
        """Lend no connection any more; those in use get a moment and are still taken back."""
        for pool in (self._batch, self._pool):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), 5)
                except TimeoutError:
                    pool.terminate()
        self._pool = self._batch = None

    @asynccontextmanager
    async def transaction(self, *, lone: bool = True) -> AsyncIterator["Transaction"]:
        """One unit of work: committed at the end, rolled back on any exception.

        With `lone` False every write opens the explicit transaction first: for work that must
        commit together with something else, as a message with its effect.
        """
        tx = Transaction(self, lone=lone)
        try:
            yield tx
        except BaseException:
            await tx.rollback()
            raise
        await tx.commit()


class Transaction:
    """One per request. Reads and lone writes borrow a connection for one statement each.

    `execute`, `scalar`, `scalars` and `add` open the explicit transaction at their first use.
    """

    __slots__ = (
        *("_connection", "_lone_write", "_open", "_session"),
        *("if_match", "key", "lone", "made", "now", "reply", "runtime", "trace"),
    )

    def __init__(self, runtime: Runtime, *, lone: bool = True) -> None:
        self.runtime = runtime
        self.now: datetime = runtime.clock.now()
        self.lone = lone
        self.key: Any = None  # idempotency.Key of this request
        self.reply: Any = None  # makes the answer from the row as it will be
        self.made: Any = None  # the answer that was stored with the change
        self.trace: str | None = None
        self.if_match: int | None = None
        self._connection: PoolConnectionProxy | None = None
        self._open: Any = None
        self._session: AsyncSession | None = None
        self._lone_write = False

    @property
    def tables(self) -> Mechanisms:
        return self.runtime.tables

    @property
    def schema(self) -> str:
        return self.runtime.service

    # The driver

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """One row of one reading statement."""
        if self._connection is not None:
            return await self._connection.fetchrow(sql, *args)
        connection = await self._acquire()
        try:
            return await connection.fetchrow(sql, *args)
        finally:
            await self.runtime.pool.release(connection)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows of one statement."""
        if self._connection is not None:
            return list(await self._connection.fetch(sql, *args))
        connection = await self._acquire()
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await self.runtime.pool.release(connection)

    async def write(self, sql: str, *args: object) -> asyncpg.Record | None:
        """One statement that changes rows: it commits itself unless the transaction is open.

        A second lone write would be a second commit: raises RuntimeError.
        """
        if self._connection is None and not self.lone:
            await self.begin()
        if self._connection is not None:
            return await self._connection.fetchrow(sql, *args)
        if self._lone_write:
            raise RuntimeError("a second lone write in one request: begin() first")
        self._lone_write = True
        connection = await self._acquire()
        try:
            return await seen_through(connection.fetchrow(sql, *args))
        finally:
            await self.runtime.pool.release(connection)

    async def _acquire(self) -> PoolConnectionProxy:
        pool = self.runtime.pool
        if pool.get_idle_size():
            return await pool.acquire()  # there is nothing to wait for, so no timer is set
        try:
            return await pool.acquire(timeout=WAIT_FOR_CONNECTION_S)
        except TimeoutError:
            raise PoolExhausted from None

    # The explicit transaction

    async def begin(self) -> Self:
        """Open the explicit transaction now. Raises RuntimeError after a lone write."""
        if self._connection is None:
            if self._lone_write:
                raise RuntimeError("a lone write has been committed already")
            connection = await self._acquire()
            self._connection, self._open = connection, connection.transaction()
            try:
                await seen_through(self._open.start())
            except BaseException:
                await self.rollback()
                raise
        return self

    async def session(self) -> AsyncSession:
        """SQLAlchemy on the explicit transaction."""
        if self._session is None:
            await self.begin()
            session = AsyncSession(self.runtime.engine, expire_on_commit=False)
            token = _lent.set(self._connection)
            try:
                await session.connection()
            finally:
                _lent.reset(token)
            self._session = session
        return self._session

    async def execute(self, statement: Executable) -> Result[Any]:
        return await (await self.session()).execute(statement)

    async def scalar(self, statement: Executable) -> Any:
        return await (await self.session()).scalar(statement)

    async def scalars(self, statement: Executable) -> ScalarResult[Any]:
        return await (await self.session()).scalars(statement)

    async def add(self, *rows: object) -> None:
        """New rows, written now so that what is wrong with them is known here."""
        session = await self.session()
        session.add_all(rows)
        await session.flush()

    async def flush(self) -> None:
        if self._session is not None:
            await self._session.flush()

    async def commit(self) -> None:
        """Make it durable and give the connection back."""
        if self._connection is not None:
            await seen_through(self._commit(self._connection))

    async def rollback(self) -> None:
        """Undo whatever has not been committed."""
        if self._connection is not None:
            await seen_through(self._rollback(self._connection))

    async def _commit(self, connection: PoolConnectionProxy) -> None:
        try:
            await self.flush()
            await self._open.commit()
        except BaseException:
            await self._rollback(connection)
            raise
        await self._give_back(connection)

    async def _rollback(self, connection: PoolConnectionProxy) -> None:
        try:
            if not connection.is_closed():
                await self._open.rollback()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            with suppress(asyncpg.InterfaceError):  # the pool may have noticed by itself
                connection.terminate()
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: PoolConnectionProxy) -> None:
        self._connection = None
        session, self._session = self._session, None
        try:
            if session is not None:
                session.expunge_all()
                await session.close()
        finally:
            await self.runtime.pool.release(connection)


def loads(value: str | None) -> Any:
    """A json column as the driver hands it over."""
    return None if value is None else json.loads(value)


def dumps(value: object) -> str:
    """A value for a json column, as the driver takes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
