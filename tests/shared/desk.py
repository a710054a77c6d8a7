"""A service as small as can be, made of the mechanisms alone: one kind of case, one kind of thing.

Its database is a real one, its caller comes with a signed token, and its commits are real.
"""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.cases import CaseColumns, CaseOut, Nothing, case_router, made, shown
from shared.running.settings import Settings
from shared.service import KeyedTx, Service, Tx, _plain, answer, respond, transaction
from shared.storage.db import Runtime, Transaction
from shared.storage.tables import service_metadata
from shared.topics import Topic
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import Actor, Caller, Role, load_or_create_signer
from shared.workflow import Step, Workflow, advance


class Base(DeclarativeBase):
    metadata = service_metadata("desk")


class S(StrEnum):
    OPEN = "open"
    SEEN = "seen"
    DONE = "done"
    GONE = "gone"


DESK = {Role.SOCIAL_WORKER, Role.APPROVER}
FLOW = Workflow(
    "desk.case",
    S,
    S.OPEN,
    [
        Step("open", (), S.OPEN, by={Role.CITIZEN, Role.COUNTER}, tell="desk.opened", fa="باز شد"),
        Step("look", {S.OPEN}, S.SEEN, by={Role.SOCIAL_WORKER}, tell="desk.seen", fa="دیده شد"),
        Step(
            "decide",
            {S.SEEN},
            {S.DONE, S.GONE},
            by={Role.APPROVER},
            not_by=("look", "note"),
            tell={S.DONE: "desk.done", S.GONE: "desk.gone"},
            within="desk.decision",
            fa="تصمیم گرفته شد",
        ),
        Step("note", {S.OPEN, S.SEEN}, None, by=DESK, silent="a matter of the desk", fa="یادداشت"),
    ],
    labels={S.OPEN: "باز", S.SEEN: "دیده", S.DONE: "انجام", S.GONE: "رد"},
    paused={S.SEEN},
    stopped={S.DONE, S.GONE},
    next_step={S.OPEN: "دیده می‌شود."},
    refusals={"gone"},
)
TOLD = {
    name: Topic(name, ("notify",), None, citizen=True, facts=())
    for step in FLOW.steps.values()
    for name in step.topics
}


class Case(CaseColumns, Base):
    __tablename__ = "case"
    workflow: ClassVar[Workflow] = FLOW
    title: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Thing(Base):
    """A name that may stand once, which is seen to at the commit only."""

    __tablename__ = "thing"
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("name", deferrable=True, initially="DEFERRED"),)


class ThingIn(BaseModel):
    name: str
    refuse: bool = False


class ThingOut(BaseModel):
    id: UUID
    name: str


def case(actor_code: bytes | None = None, **more: Any) -> Case:
    """A case that nobody has written yet."""
    row = {
        "id": uuid7(),
        "tracking_code": new_tracking_code(uuid4().bytes),
        "person_ids": [uuid7()],
        "holders": [actor_code or uuid4().bytes],
        "kin": [],
        "province": "Tehran",
        "office_code": "T-1",
        "filed_by": None,
    }
    return Case(**row | more)


# HTTP


def show(tx: Transaction, row: Case, actor: Actor) -> CaseOut:
    return CaseOut.model_construct(**shown(tx, row, actor))


class DecideIn(BaseModel):
    to: S


async def look(tx: Transaction, row: Case, actor: Actor, _: Nothing) -> None:
    await advance(tx, row, "look", actor)


async def note(tx: Transaction, row: Case, actor: Actor, _: Nothing) -> None:
    await advance(tx, row, "note", actor, reason="یادداشت")


async def decide(tx: Transaction, row: Case, actor: Actor, body: DecideIn) -> None:
    await advance(tx, row, "decide", actor, to=body.to)


router = APIRouter()
LateTx = Annotated[Transaction, Depends(_plain)]  # FastAPI's default scope: what the house forbids


async def _add(tx: Transaction, body: ThingIn) -> ThingOut:
    row = Thing(id=uuid7(), name=body.name)
    await tx.add(row)
    return ThingOut(id=row.id, name=row.name)


@router.post("/things", status_code=201)
async def in_time(body: ThingIn, tx: Tx, _: Caller) -> ThingOut:
    return await _add(tx, body)


@router.post("/things-late", status_code=201)
async def too_late(body: ThingIn, tx: LateTx, _: Caller) -> ThingOut:
    return await _add(tx, body)


@router.post("/things-kept")
async def kept(body: ThingIn, tx: KeyedTx, _: Caller) -> Response:
    out = await _add(tx, body)
    if body.refuse:
        raise asyncio.InvalidStateError  # a bug of ours
    return await answer(tx, 201, out, Location=f"/v1/things/{out.id}")


@router.post("/cases")
async def file(body: ThingIn, request: Request, actor: Caller) -> Response:
    async with transaction(request, keyed=True) as tx:
        row = case(opened_at=tx.now, title=body.name)
        tx.reply = lambda: made(201, show(tx, row, actor), version=row.version)
        await advance(tx, row, "open", actor)
        return respond(tx)


cases = case_router(
    "desk", Case, show, out=CaseOut,
    actions={"look": (Nothing, look), "note": (Nothing, note), "decide": (DecideIn, decide)},
)  # fmt: skip
SERVICE = Service(
    name="desk", title="Desk", metadata=Base.metadata, routers=(router, cases), workflows=(FLOW,)
)


def actor(*roles: Role, sub: str | None = None, **more: Any) -> Actor:
    """Somebody of this province, another person each time."""
    claims = {"province": "Tehran", "channels": frozenset({"counter"})} | more
    return Actor(sub=sub or f"sub-{uuid4().hex[:8]}", roles=frozenset(roles), **claims)


class Desk:
    """The running service, an owner's eye on its tables, and its callers."""

    def __init__(self, settings: Settings, app: Any, eye: asyncpg.Pool) -> None:
        self.settings, self.app, self.eye = settings, app, eye
        self.runtime: Runtime = app.state.runtime
        self._signer = load_or_create_signer(settings.keys_dir, "gateway")
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=30)

    async def post(
        self, path: str, body: Any = None, *, by: Actor, key: str | None = None, **headers: str
    ) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {self._signer.sign(by, audience='desk')}"
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.http.post(f"/v1{path}", json=body or {}, headers=headers)

    async def get(self, path: str, *, by: Actor, **headers: str) -> httpx.Response:
        headers["Authorization"] = f"Bearer {self._signer.sign(by, audience='desk')}"
        return await self.http.get(f"/v1{path}", headers=headers)

    async def opened(self, **more: Any) -> Case:
        """A case as a citizen's step left it."""
        async with self.runtime.transaction() as tx:
            row = case(opened_at=tx.now, **more)
            await advance(tx, row, "open", actor(Role.CITIZEN))
        return row

    async def written(self, tables: Iterable[str] = ("history", "audit", "outbox")) -> list[int]:
        """How many rows stand in these tables."""
        return [await self.eye.fetchval(f'SELECT count(*) FROM desk."{table}"') for table in tables]

    async def stands(self, row: Case) -> tuple[str, int]:
        sql = "SELECT status, version FROM desk.case WHERE id = $1"
        return tuple(await self.eye.fetchrow(sql, row.id))

    def free(self) -> bool:
        """Whether no connection of the service's pool is lent."""
        pool = self.runtime.pool
        return pool.get_idle_size() == pool.get_size()
