"""Work that goes on by itself. Loop turns, rests, and outlives a lost database; Crew claims work
under a lease, handles a few things at a time and puts off what failed.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from shared.running.log import get_logger

BUSY_S = 0.01
"""Rest after a turn that found work, so that what comes meanwhile makes one batch."""
IDLE_S = 0.1
FAILED_S = 5.0
FIRST_DELAY_S, LAST_DELAY_S = 0.2, 60.0
LEASE_S = 30.0
STUCK_AFTER = 20
"""After so many attempts somebody should look; the work is still tried about once a minute."""

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_log = get_logger()


class Taken(Exception):
    """The lease ran out and somebody else has the work: what was done here is undone."""


def delay_s(attempts: int) -> float:
    """Seconds until the next attempt: 0.2 doubled each time, up to 60, a fifth more or less."""
    grown = FIRST_DELAY_S * 2.0 ** min(attempts - 1, 30)
    return min(LAST_DELAY_S, grown) * random.uniform(0.8, 1.2)


def said_of(error: BaseException) -> str:
    """What may be kept of a failure: its type and its code, never its words, which quote data."""
    code = getattr(type(error), "code", None)
    if not isinstance(code, str):
        code = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
        code = code if isinstance(code, str) and _SQLSTATE.fullmatch(code) else None
    name = type(error).__name__
    return f"{name}:{code}" if code else name


class Loop:
    """Turns again and again until stopped, whatever a turn raises.

    A turn returns how much it found. Idle turns rest longer and longer, up to `idle_s` seconds,
    and a poke ends such a rest. After a turn that raised the rest grows up to 5 s.
    """

    def __init__(self, name: str, *, poke: asyncio.Event, idle_s: float = IDLE_S) -> None:
        self.name = name
        self.stopping = False
        self._poke = poke
        self._stopped = asyncio.Event()
        self._idle_s = idle_s

    async def run(self, turn: Callable[[], Awaitable[int]]) -> None:
        """Run until `stop()`; the turn that is under way is finished."""
        rest_s, failures = BUSY_S, 0
        while not self.stopping:
            self._poke.clear()
            try:
                found = await turn()
            except Exception as error:  # noqa: BLE001 - the worst loop is one that ended silently
                failures += 1
                _log.warning("loop_failed", consumer=self.name, count=failures, exc_info=error)
                await self._rest(self._stopped, min(FAILED_S, delay_s(failures)))
                continue
            failures = 0
            if found:
                rest_s = BUSY_S
                await self._rest(self._stopped, BUSY_S)
            elif await self._rest(self._poke, rest_s):
                rest_s = BUSY_S  # the poke may have come a moment before its commit
            else:
                rest_s = min(rest_s * 2, self._idle_s)

    def stop(self) -> None:
        """Ask the loop to end; `run` returns soon after."""
        self.stopping = True
        self._stopped.set()
        self._poke.set()

    async def _rest(self, event: asyncio.Event, seconds: float) -> bool:
        """Return whether the event came first."""
        if self.stopping:
            return True
        try:
            async with asyncio.timeout(seconds):
                return await event.wait()
        except TimeoutError:
            return False


class Leased(Protocol):
    """Work under a lease; `attempts` counts the present one."""

    @property
    def attempts(self) -> int: ...


Work = TypeVar("Work", bound=Leased)


class Crew(Generic[Work]):
    """Claims up to `batch` things for `LEASE_S` seconds and handles `at_once` of them together.

    `handle` raises Taken when its fence no longer holds. `put_off(work, seconds, said)` makes the
    work due again; with nothing said it is given back and the attempt does not count.
    One slow thing holds one place, and the others go on beside it.
    """

    def __init__(
        self,
        name: str,
        *,
        claim: Callable[[int], Awaitable[Sequence[Work]]],
        handle: Callable[[Work], Awaitable[None]],
        put_off: Callable[[Work, float, str | None], Awaitable[None]],
        poke: asyncio.Event,
        idle_s: float = IDLE_S,
        batch: int = 50,
        at_once: int = 4,
    ) -> None:
        self.name = name
        self._loop = Loop(name, poke=poke, idle_s=idle_s)
        self._claim, self._handle, self._put_off = claim, handle, put_off
        self._batch = batch
        self._places = asyncio.Semaphore(at_once)

    async def run(self) -> None:
        """Run until `stop()`; what is in hand is finished, what only waits is given back."""
        async with asyncio.TaskGroup() as tasks:
            await self._loop.run(partial(self._turn, tasks))

    async def run_once(self) -> int:
        """Claim and handle what is due now, to its end; return how much was claimed."""
        async with asyncio.TaskGroup() as tasks:
            return await self._turn(tasks)

    def stop(self) -> None:
        """Ask the crew to end; `run` returns when what is in hand is finished."""
        self._loop.stop()

    async def _turn(self, tasks: asyncio.TaskGroup) -> int:
        found = 0
        while not self._loop.stopping:
            start = asyncio.get_running_loop().time()
            claimed = await self._claim(self._batch)
            found += len(claimed)
            await self._hand_out(claimed, tasks, start)
            if len(claimed) < self._batch:
                break
        return found

    async def _hand_out(
        self, claimed: Sequence[Work], tasks: asyncio.TaskGroup, start: float
    ) -> None:
        now = asyncio.get_running_loop().time
        for at, work in enumerate(claimed):
            await self._places.acquire()
            # Started late in its lease it could be taken away in the middle.
            if self._loop.stopping or now() > start + LEASE_S / 2:
                self._places.release()
                for late in claimed[at:]:
                    await self._put_off(late, 0, None)
                return
            tasks.create_task(self._one(work, start + LEASE_S))

    async def _one(self, work: Work, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._handle(work)
        except Taken:
            _log.warning("lease_lost", consumer=self.name, attempt=work.attempts)
        except Exception as error:  # noqa: BLE001 - one failure never ends the crew
            await self._failed(work, error)
        finally:
            self._places.release()

    async def _failed(self, work: Work, error: Exception) -> None:
        word = "work_stuck" if work.attempts >= STUCK_AFTER else "work_failed"
        _log.warning(word, consumer=self.name, attempt=work.attempts, exc_info=error)
        try:
            await self._put_off(work, delay_s(work.attempts), said_of(error))
        except Exception as lost:  # noqa: BLE001 - the lease runs out and brings it back
            _log.warning("put_off_failed", consumer=self.name, exc_info=lost)
