"""The banks that pay: files in, inquiries, and results back to the door as each bank's own caller.

All banks are one party here; which one a file is for, its `receiving-bank` says.
"""

import random
import uuid
from typing import Annotated, Any, Final

import httpx
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from deploy.sandbox.bank_books import Books, File, Given, Transfer, answer_of
from deploy.sandbox.desk import Body, Desk, PartyRefusal
from deploy.sandbox.issuer import Issuer
from deploy.sandbox.lines import timestamp
from deploy.sandbox.records import Record

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Reference = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
Limit = Annotated[int, Query(ge=1, le=1_000_000)]
ANSWER_S: Final = 60
AT_ONCE: Final = 1_000


class Asked(Record):
    """About a file, or about one transfer in one."""

    messageId: Reference | None = None  # noqa: N815 the party's spelling
    endToEndId: Reference | None = None  # noqa: N815


class Settle(Record):
    """What becomes of a file's transfers, and how the agency hears of it.

    `late` gives back a share of what was paid before. `shuffled` and `repeat` (all that is decided
    is told again) trouble the hearer; with `tell` false results are only in the answer.
    """

    file_id: str
    returned: Share = 0.0
    unknown: Share = 0.0
    late: Share = 0.0
    shuffled: bool = False
    repeat: bool = False
    tell: bool = True


class Bank:
    """The banks' desk, their books, and the door that they answer to."""

    def __init__(self, desk: Desk, issuer: Issuer, door: str) -> None:
        self.desk = desk
        self.books = Books(desk.journal)
        self._issuer = issuer
        self._door = door

    async def tell(self, file: File, results: list[Body]) -> list[int]:
        """Post results to the agency's door as this bank; returns the statuses of its answers."""
        claims = {
            "sub": f"bank-{file.bank}",
            "roles": ["bank"],
            "channels": ["interagency_api"],
            "organisation": file.bank,
        }
        token = self._issuer.access_token(claims, ttl_s=300)["access_token"]
        path = f"/v1/livelihood/runs/{uuid.UUID(file.run_id)}/bank-results"
        statuses = []
        async with httpx.AsyncClient(
            base_url=self._door, timeout=ANSWER_S, trust_env=False
        ) as client:
            for start in range(0, len(results), AT_ONCE):
                headers = {
                    "authorization": f"Bearer {token}",
                    "idempotency-key": str(uuid.uuid4()),
                }
                body = {"results": results[start : start + AT_ONCE]}
                answer = await client.post(path, json=body, headers=headers)
                statuses.append(answer.status_code)
        return statuses


def routes(bank: Bank) -> APIRouter:
    """What the agency's adapter speaks to."""
    router = APIRouter()

    @router.post("/bank/v1/files")
    async def take(request: Request) -> JSONResponse:
        given = Given(
            message_id=request.headers.get("message-id", ""),
            bank=request.headers.get("receiving-bank", ""),
            content=await request.body(),
        )
        said = {"message_id": given.message_id, "bank": given.bank, "bytes": len(given.content)}
        return await bank.desk.answer(request, given, bank.books.take, said=said)

    @router.post("/bank/v1/inquiries")
    async def inquire(request: Request) -> JSONResponse:
        return await bank.desk.serve(request, Asked, lambda asked: _found(bank.books, asked))

    return router


def control_routes(bank: Bank) -> APIRouter:
    """What a tester sees of the banks, and decides for them."""
    router = APIRouter()

    @router.get("/bank/files")
    async def files() -> Body:
        return {"items": [file.shown() for file in bank.books.files.values()]}

    @router.get("/bank/transfers")
    async def transfers(file_id: str | None = None, limit: Limit = 1_000_000) -> Body:
        found = bank.books.transfers.values()
        chosen = [t.shown() for t in found if file_id is None or t.file_id == _plain(file_id)]
        return {"items": chosen[-limit:]}

    @router.post("/bank/settle")
    async def settle(request: Request) -> Body:
        asked = Settle.model_validate_json(await request.body())
        file = bank.books.files.get(_plain(asked.file_id))
        if file is None:
            raise HTTPException(404, "unknown_file")
        settled = bank.books.settle(
            file, returned=asked.returned, unknown=asked.unknown, late=asked.late
        )
        await bank.desk.journal.sync()
        results = _results(file, settled, asked)
        try:
            statuses = await bank.tell(file, results) if asked.tell else []
        except httpx.HTTPError:
            raise HTTPException(502, "door_does_not_answer") from None
        counts = dict.fromkeys(("paid", "returned", "unknown"), 0)
        for transfer in settled:
            counts[transfer.state] += 1
        return {**counts, "told": statuses, "results": [] if asked.tell else results}

    return router


def _found(books: Books, asked: Asked) -> Body:
    if (asked.messageId is None) == (asked.endToEndId is None):
        raise PartyRefusal(422, 400, "permanent", "ask for one id")
    if asked.messageId is not None:
        file = books.files.get(asked.messageId)
        return {"found": False} if file is None else {"found": True, **answer_of(file)}
    transfer = books.transfers.get(asked.endToEndId or "")
    if transfer is None:
        return {"found": False}
    return {"found": True, "status": transfer.state, "bankRef": transfer.ref or None}


def _results(file: File, settled: list[Transfer], asked: Settle) -> list[dict[str, Any]]:
    decided = [one for one in file.transfers if one.state != "accepted"] if asked.repeat else []
    results = [
        {
            "reference": transfer.reference,
            "status": transfer.state,
            "reason": transfer.reason,
            "bank_ref": transfer.ref,
            "at": transfer.at or timestamp(),
        }
        for transfer in [*settled, *decided]
    ]
    if asked.shuffled:
        random.shuffle(results)
    return results


def _plain(file_id: str) -> str:
    return file_id.replace("-", "").lower()
