"""The switches: what the outside world knows, how ill it is, what time it is, what it has sent."""

from typing import Annotated, Any, get_args

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import TypeAdapter

from deploy.sandbox.clock import MovedClock
from deploy.sandbox.records import BusinessTime, Fault, Party, Record
from deploy.sandbox.sms import Providers
from deploy.sandbox.world import Shelf, World
from shared.values.identifiers import Mobile, NationalCode, Sheba

PARTIES = frozenset(get_args(Party))
Limit = Annotated[int, Query(ge=1, le=1000)]
_national_code = TypeAdapter[str](NationalCode)
_sheba = TypeAdapter[str](Sheba)
_mobile = TypeAdapter[str](Mobile)


def world_routes(world: World) -> APIRouter:
    """What the outside parties know, and what ails them."""
    router = APIRouter()
    for path, key, shelf in (
        ("people", _national_code, world.people),
        ("welfare", _national_code, world.welfare),
        ("conscription", _national_code, world.conscription),
        ("accounts", _sheba, world.accounts),
        ("shares", _national_code, world.shares),
        ("sms-blacklist", _mobile, world.blacklist),
    ):
        router.include_router(_shelf_routes(key, shelf), prefix=f"/{path}")

    @router.put("/faults/{party}")
    async def put_fault(party: str, request: Request) -> Fault:
        if party not in PARTIES:
            raise HTTPException(404, "unknown_party")
        return await world.faults.put_json(party, await request.body())

    @router.get("/faults")
    async def faults() -> dict[str, Fault]:
        return {party: world.fault(party) for party in sorted(PARTIES)}

    return router


def clock_routes(clock: MovedClock, *, production: bool) -> APIRouter:
    """Business time. Production follows the real one."""
    router = APIRouter()

    @router.get("/clock")
    async def now() -> dict[str, str | float]:
        return clock.shown()

    @router.put("/clock")
    async def move(request: Request) -> dict[str, str | float]:
        refuse_in_production()
        asked = BusinessTime.model_validate_json(await request.body())
        try:
            clock.move(asked.now)
        except ValueError:
            raise HTTPException(422, "clock_too_far") from None
        return clock.shown()

    @router.delete("/clock")
    async def reset() -> dict[str, str | float]:
        refuse_in_production()
        clock.reset()
        return clock.shown()

    def refuse_in_production() -> None:
        if production:
            raise HTTPException(403, "clock_refused_in_production")

    return router


def phone_routes(providers: Providers) -> APIRouter:
    """What people find on their phones."""
    router = APIRouter()

    @router.get("/sms")
    async def sms(mobile: Mobile | None = None, limit: Limit = 200) -> dict[str, Any]:
        return {"items": providers.messages(mobile=mobile, limit=limit)}

    return router


def _shelf_routes(key: TypeAdapter[str], shelf: Shelf[Any]) -> APIRouter:
    router = APIRouter()

    @router.put("/{name}", response_model=None)
    async def put(name: str, request: Request) -> Record:
        kept: Record = await shelf.put_json(key.validate_python(name), await request.body())
        return kept

    @router.get("/{name}", response_model=None)
    async def get(name: str) -> Record:
        value: Record | None = shelf.get(key.validate_python(name))
        if value is None:
            raise HTTPException(404, "not_found")
        return value

    return router
