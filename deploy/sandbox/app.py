"""Puts the sandbox together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import ValidationError

from deploy.sandbox import bank, control, oauth, pages, registries, sms, subsidies
from deploy.sandbox.clock import MovedClock
from deploy.sandbox.desk import desks
from deploy.sandbox.issuer import Issuer
from deploy.sandbox.world import World

CLIENTS = Path(__file__).parent / "clients.json"


def create_app(*, data: Path, run_dir: Path, base_url: str, production: bool, door: str) -> FastAPI:
    """The outside world over `data`; `base_url` is the issuer of its tokens.

    `door` is the agency's, to which banks bring their results.
    """
    world = World(data)
    party_desks = desks(world, data)
    providers = sms.Providers(world, party_desks)
    clock = MovedClock(run_dir)
    issuer = Issuer(base_url, data / "keys")
    banks = bank.Bank(party_desks["bank"], issuer, door)
    register = oauth.Clients(CLIENTS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await world.fill()
        yield

    # No docs pages: they would load their assets from elsewhere. README.md is the contract.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.include_router(registries.routes(world, party_desks))
    app.include_router(sms.routes(providers, party_desks))
    app.include_router(bank.routes(banks))
    app.include_router(bank.control_routes(banks))
    organisation = party_desks["subsidies"]
    app.include_router(subsidies.routes(subsidies.Subsidies(organisation), organisation))
    app.include_router(control.world_routes(world))
    app.include_router(control.clock_routes(clock, production=production))
    app.include_router(control.phone_routes(providers))
    app.include_router(oauth.issuer_routes(issuer, register))
    app.include_router(oauth.login_routes(world, register))

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    async def front() -> HTMLResponse:
        recent = providers.messages(mobile=None, limit=20)
        faults = {party: world.fault(party).mode for party in party_desks}
        return HTMLResponse(pages.front(recent[::-1], faults, str(clock.shown()["now"])))

    return app


async def _invalid(_: Request, fault: Exception) -> JSONResponse:
    """Which field and why, never the input itself: it may not even be writable as JSON."""
    found = fault.errors() if isinstance(fault, (RequestValidationError, ValidationError)) else []
    errors = [{"field": [str(part) for part in e["loc"]], "code": e["type"]} for e in found]
    return JSONResponse({"detail": "invalid_input", "errors": errors}, 422)
