"""One party's desk: what it receives is journalled, its faults befall it, it takes its time."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from deploy.sandbox.lines import Lines
from deploy.sandbox.records import Party, Record
from deploy.sandbox.world import World

HOLD_S: Final = 15.0
Body = dict[str, Any]
Asked = TypeVar("Asked", bound=Record)
Given = TypeVar("Given")


class PartyRefusal(Exception):
    """The party says no, in its own words."""

    def __init__(self, status: int, code: int, kind: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"code": code, "class": kind, "message": message}}


class Desk:
    """The desk of one party. `act` runs between journalling the request and answering it."""

    def __init__(self, party: Party, world: World, data: Path) -> None:
        self.party = party
        self.journal = Lines(data / "journal" / f"{party}.jsonl")
        self._world = world

    async def serve(
        self, request: Request, asked: type[Asked], act: Callable[[Asked], Body]
    ) -> JSONResponse:
        """Answer one request as the party's present fault allows.

        `act` is synchronous, so its effect and the journal's line about it cannot be parted.
        """
        raw = await request.body()
        try:
            question = asked.model_validate_json(raw)
        except ValidationError:
            question = None
        said = question.model_dump(mode="json") if question else None
        return await self.answer(request, question, act, said=said)

    async def answer(
        self,
        request: Request,
        question: Given | None,
        act: Callable[[Given], Body],
        *,
        said: Body | None,
    ) -> JSONResponse:
        """Answer a request that has been read already; `said` is what the journal keeps of it."""
        mode = self._mode()
        self.journal.note(line="request", path=request.url.path, fault=mode, body=said)
        if mode in ("error", "timeout"):
            return await self._fail(mode)
        before, after = _delays(mode)
        await asyncio.sleep(before)
        try:
            status, body = 200, act(_readable(question))
        except PartyRefusal as refusal:
            status, body = refusal.status, refusal.body
            self.journal.note(line="refused", code=body["error"]["code"])
        await self.journal.sync()
        await asyncio.sleep(after)
        return JSONResponse(body, status)

    def _mode(self) -> str:
        fault = self._world.fault(self.party)
        return fault.mode if random.random() < fault.rate else "ok"

    async def _fail(self, mode: str) -> JSONResponse:
        await self.journal.sync()
        if mode == "timeout":
            await asyncio.sleep(HOLD_S)
        refusal = PartyRefusal(
            504 if mode == "timeout" else 500, 500, "retryable", "the party does not answer"
        )
        return JSONResponse(refusal.body, refusal.status)


def desks(world: World, data: Path) -> dict[Party, Desk]:
    """A desk, and so a journal, for every party."""
    return {party: Desk(party, world, data) for party in get_args(Party)}


def _readable(question: Given | None) -> Given:
    if question is None:
        raise PartyRefusal(422, 400, "permanent", "the request cannot be read")
    return question


def _delays(mode: str) -> tuple[float, float]:
    """Seconds before and after the effect. A slow party accepts somewhere on the way: the caller
    who gives up cannot know whether it did."""
    if mode == "slow":
        whole = random.uniform(1.5, 3.0)
        before = whole * random.random()
        return before, whole - before
    return random.uniform(0.002, 0.005), HOLD_S if mode == "accepted_then_timeout" else 0.0
