"""What a service asks before it begins a case for somebody who has not asked."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.intake.adoption import actions
from shared.service import Tx
from shared.web.auth import Actor, Role, allow

internal = APIRouter()
OurService = Annotated[Actor, Depends(allow(Role.SYSTEM))]


class FoundIn(BaseModel):
    """Somebody in need: by code, or by id where we know them; members by code."""

    service: str
    national_code: str | None = None
    person_id: UUID | None = None
    members: list[str] = []
    mobile: str | None = None
    province: str | None = None
    county: str | None = None


@internal.post("/people/found")
async def found(body: FoundIn, tx: Tx, actor: OurService) -> dict[str, Any]:
    """Make them known as the civil registry knows them; who read it is written down."""
    return await actions.make_known(tx, actor, **dict(body))
