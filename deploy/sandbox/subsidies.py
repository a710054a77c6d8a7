"""The Targeted Subsidies Organisation: takes batches of introduced households, each id once."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from deploy.sandbox.desk import Body, Desk, PartyRefusal
from deploy.sandbox.records import Record

Id = Annotated[str, Field(pattern=r"\A[0-9a-f-]{36}\z")]
Month = Annotated[str, Field(pattern=r"\A1[345][0-9]{2}-(?:0[1-9]|1[0-2])\z")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class RowAsked(Record):
    reference: Id
    kind: Literal["introduction", "removal"]
    nationalId: Annotated[str, Field(pattern=r"\A[0-9]{10}\z")]  # noqa: N815 the party's spelling
    coveredSize: Annotated[int, Field(ge=0, le=100)]  # noqa: N815
    fromPeriod: Month  # noqa: N815
    lastPeriod: Month | None = None  # noqa: N815

    def line(self) -> str:
        """What the hash of a batch is made of; the national code is not in it."""
        size = str(self.coveredSize)
        return "|".join((self.reference, self.kind, size, self.fromPeriod, self.lastPeriod or ""))


class BatchAsked(Record):
    batchId: Id  # noqa: N815
    number: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
    rows: Annotated[list[RowAsked], Field(min_length=1, max_length=5_000)]


class StatusAsked(Record):
    batchId: Id  # noqa: N815


class Subsidies:
    """What the organisation has taken, by batch id, rebuilt from its journal."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.taken: dict[str, dict[str, Any]] = {
            line["reference"]: line for line in desk.journal.read() if line["line"] == "effect"
        }

    def take(self, asked: BatchAsked) -> Body:
        """Take a batch once. Raises PartyRefusal."""
        first = self.taken.get(asked.batchId)
        if first is not None:
            differs = first["sha256"] != asked.sha256
            self._desk.journal.note(line="repeat", reference=asked.batchId, differs=differs)
            if differs:
                raise PartyRefusal(422, 409, "permanent", "this batch id has another content")
            return _receipt(first)
        found = hashlib.sha256("".join(f"{row.line()}\n" for row in asked.rows).encode())
        if asked.count != len(asked.rows) or asked.sha256 != found.hexdigest():
            raise PartyRefusal(422, 412, "permanent", "count or hash is not that of the rows")
        line = self._desk.journal.note(
            line="effect",
            reference=asked.batchId,
            receipt=f"S-{len(self.taken) + 1:06d}",
            number=asked.number,
            count=asked.count,
            sha256=asked.sha256,
            rows=[row.model_dump(mode="json") for row in asked.rows],
        )
        self.taken[asked.batchId] = line
        return _receipt(line)

    def status(self, asked: StatusAsked) -> Body:
        found = self.taken.get(asked.batchId)
        return {"found": False} if found is None else {"found": True, **_receipt(found)}


def routes(subsidies: Subsidies, desk: Desk) -> APIRouter:
    """The organisation's two calls, and what people may look at."""
    router = APIRouter()

    @router.post("/subsidies/v1/batches")
    async def batches(request: Request) -> JSONResponse:
        return await desk.serve(request, BatchAsked, subsidies.take)

    @router.post("/subsidies/v1/status")
    async def status(request: Request) -> JSONResponse:
        return await desk.serve(request, StatusAsked, subsidies.status)

    @router.get("/subsidies/batches")
    async def taken(limit: Limit = 200) -> dict[str, Any]:
        shown = ("reference", "receipt", "number", "count", "sha256", "rows", "at")
        found = list(subsidies.taken.values())[-limit:]
        return {"items": [{name: line[name] for name in shown} for line in found]}

    return router


def _receipt(line: dict[str, Any]) -> Body:
    return {"receipt": line["receipt"], "count": line["count"]}
