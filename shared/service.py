"""Service: the manifest of one service, and the application that is made from it.

Every service is a FastAPI application of its own. Alone it runs under uvicorn
(`uvicorn --factory services.loans.app:create_app`); by default all of them share one process.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from sqlalchemy import MetaData

from shared.running import telemetry
from shared.running.settings import Settings
from shared.storage import idempotency, policy
from shared.storage.audit import Sealer
from shared.storage.db import PoolExhausted, Runtime, Transaction
from shared.storage.idempotency import Answer, AnsweredBefore, KeyReused
from shared.storage.inbox import Handler, Inbox
from shared.storage.migrate import at_head
from shared.storage.timers import AnyTimerHandler, Timers
from shared.web import answering
from shared.web.auth import Identity, load_or_create_signer, load_verifier
from shared.web.clients import Inside
from shared.web.document import KEYED
from shared.web.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    RequestInProgress,
    Unavailable,
)
from shared.web.ingress import Ingress
from shared.web.page import version_from_if_match
from shared.workflow import Workflow

JSON = "application/json"
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(kw_only=True)
class Service:
    """What a service is made of; `create_app` makes it run."""

    name: str
    title: str
    metadata: MetaData
    routers: Sequence[APIRouter] = ()
    internal: Sequence[APIRouter] = ()
    workflows: Sequence[Workflow] = ()
    hears: Mapping[str, Handler] = field(default_factory=dict)
    timers: Mapping[str, AnyTimerHandler] = field(default_factory=dict)
    clients: Callable[[Runtime], Any] | None = None
    seeds: Callable[[Runtime, bool], Awaitable[None]] | None = None
    streams: re.Pattern[str] | None = None  # paths whose body may be large and of any kind

    @property
    def folder(self) -> Path:
        return Path(__file__).parent.parent / "services" / self.name

    def create_app(self, settings: Settings | None = None, *, loops: bool = True) -> FastAPI:
        """Return the application; nothing is opened before its lifespan starts.

        `loops` False leaves inbox, timers and sealer out, for measurements of the request alone.
        """
        settings = settings or Settings()
        runtime = self.runtime(settings)
        app = FastAPI(
            title=self.title,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,  # its answer would name this process, not the door
            lifespan=_lifespan(self, runtime, loops=loops),
            separate_input_output_schemas=False,
            generate_unique_id_function=lambda route: route.name,  # a client's method, for good
            telemetry=telemetry.options(settings, self.name),  # type: ignore[arg-type]
        )
        app.state.runtime = runtime
        app.state.service = self
        for router in self.routers:
            app.include_router(router, prefix="/v1")
        for router in self.internal:
            app.include_router(router, prefix="/internal", include_in_schema=False)
        app.include_router(_health(runtime))
        answering.install(app, issuer=settings.oidc_issuer)
        app.add_exception_handler(AnsweredBefore, _replay)  # type: ignore[arg-type]
        app.add_middleware(Identity, verifier=load_verifier(settings.keys_dir, audience=self.name))
        app.add_middleware(Ingress, concurrency=settings.service_concurrency, streams=self.streams)
        return app

    def runtime(self, settings: Settings) -> Runtime:
        """What the service holds while it runs, not yet opened."""
        runtime = Runtime(settings, service=self.name, metadata=self.metadata)
        signer = load_or_create_signer(settings.keys_dir, self.name)
        runtime.inside = Inside(signer, urls=settings.services_urls)
        if self.clients is not None:
            runtime.clients = self.clients(runtime)
        return runtime

    async def seed(self, runtime: Runtime, *, demo: bool) -> None:
        """Load what the service starts with: dated policy, then its own data; again is harmless."""
        rows = self.folder / "data" / "policies.json"
        if rows.exists():
            async with runtime.transaction() as tx:
                await policy.seed_file(tx, rows)
        if self.seeds is not None:
            await self.seeds(runtime, demo)


def _lifespan(service: Service, runtime: Runtime, *, loops: bool) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await runtime.open()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runtime.close)
            stack.push_async_callback(runtime.inside.aclose)
            if runtime.clients is not None:
                stack.push_async_callback(runtime.clients.aclose)
            if loops:
                anchors = runtime.settings.data_dir / "anchors"
                running = (
                    Inbox(runtime, service.hears, poke=runtime.wake),
                    Timers(runtime, service.timers),
                    Sealer(runtime, anchors),
                )
                tasks = [asyncio.create_task(loop.run()) for loop in running]
                stack.push_async_callback(_finish, running, tasks)
            yield

    return lifespan


async def _finish(running: Sequence[Any], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Let every loop end what it has in hand; what takes longer is taken up again by its lease."""
    for loop in running:
        loop.stop()
    _, late = await asyncio.wait(tasks, timeout=10)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _health(runtime: Runtime) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        try:
            async with asyncio.timeout(0.5), runtime.transaction() as tx:
                ready = await at_head(tx)
        except Exception:  # noqa: BLE001
            ready = False
        if not ready:
            raise Unavailable
        return {"status": "ready"}

    return router


# One transaction per request


@asynccontextmanager
async def transaction(request: Request, *, keyed: bool = False) -> AsyncIterator[Transaction]:
    """Give the transaction of a request: committed before the answer leaves.

    `keyed` requires an Idempotency-Key. Whatever goes wrong under a key that has been answered
    before, the stored answer goes out: refusals never stand in the way of a replay.
    """
    tx = Transaction(request.app.state.runtime)
    scope = request.scope
    tx.trace = scope.get("soha.request_id")
    tx.if_match = version_from_if_match(request.headers)
    tx.key = await _key(request, required=keyed)
    try:
        yield tx
        await tx.commit()
    except (AnsweredBefore, PoolExhausted):  # nothing to ask, or no connection to ask with
        await tx.rollback()
        raise
    except BaseException as failure:
        await tx.rollback()
        if tx.key is not None and isinstance(failure, Exception):
            await _replay_or_refuse(tx, failure)
        raise
    finally:
        tx.reply = None  # it knows the transaction: a circle that only the collector would undo


async def _plain(request: Request) -> AsyncIterator[Transaction]:
    async with transaction(request) as tx:
        yield tx


class _Keyed(SecurityBase):
    """As `_plain`, with a key; a scheme only so that OpenAPI learns of it, by its name."""

    model = APIKey.model_validate({"in": APIKeyIn.header, "name": "Idempotency-Key"})
    scheme_name = KEYED

    async def __call__(self, request: Request) -> AsyncIterator[Transaction]:
        async with transaction(request, keyed=True) as tx:
            yield tx


# With FastAPI's default scope the commit would come after the response: a failed one answers 200.
Tx = Annotated[Transaction, Depends(_plain, scope="function")]
KeyedTx = Annotated[Transaction, Depends(_Keyed(), scope="function")]


async def _key(request: Request, *, required: bool) -> idempotency.Key | None:
    given = request.headers.get("idempotency-key")
    if given is None:
        if required:
            raise IdempotencyKeyRequired
        return None
    actor = request.scope.get("soha.actor")
    scope = request.scope
    body = scope.get("soha.body_sha256") or await request.body()
    route = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
    operation = f"{scope['method']} {getattr(scope.get('route'), 'path', scope['path'])}"
    return idempotency.Key(
        actor=actor.sub if actor else "",
        operation=operation,
        key=given,
        request_hash=idempotency.request_hash(scope["method"], route, body),
    )


async def _replay_or_refuse(tx: Transaction, failure: Exception) -> None:
    """Raise the stored answer of this key, or say that its first request is still running."""
    try:
        await idempotency.replay_if_known(tx)
    except KeyReused:
        raise IdempotencyKeyReused from None
    if getattr(failure, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        raise RequestInProgress(headers={"Retry-After": "1"}) from None


async def _replay(_: Request, before: AnsweredBefore) -> Response:
    answer = before.answer
    headers = {**answer.headers, "Idempotency-Replayed": "true"}
    return Response(answer.body, answer.status, headers, media_type=JSON)


def respond(tx: Transaction) -> Response:
    """Return the answer that was stored with the change, byte for byte."""
    answer: Answer = tx.made
    return Response(answer.body, answer.status, answer.headers, media_type=JSON)


async def answer(tx: Transaction, status: int, out: Any, **headers: str) -> Response:
    """Answer a cold path: the body is kept under the request's key inside the transaction."""
    made = Answer(
        status,
        out.model_dump_json().encode(),
        {name.replace("_", "-"): value for name, value in headers.items()},
    )
    tx.made = await idempotency.keep(tx, made)
    return respond(tx)
