"""HTTP of payments: a citizen's own, and for staff those of an award that they name."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.livelihood.payments import queries
from services.livelihood.payments.schemas import PaymentOut
from shared.service import Tx
from shared.values.identifiers import TrackingCode
from shared.web.auth import Actor, Role, allow
from shared.web.errors import Fault, InvalidQuery
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/livelihood/payments", tags=["livelihood"], dependencies=[KnownQuery])
Sees = Annotated[Actor, Depends(allow(*(set(Role) - {Role.SYSTEM})))]
UNNAMED = Fault("/query/award_id", "missing", "پرونده یا مستمری را نام ببرید", "Name an award")


@router.get("", summary="پرداخت‌های من", operation_id="livelihood_payments")
async def payments(
    tx: Tx,
    actor: Sees,
    *,
    award_id: UUID | None = None,
    tracking_code: TrackingCode | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[PaymentOut]:
    """A citizen's payments with the promised day; others name the award or the case."""
    if not actor.has(Role.CITIZEN) and award_id is None and tracking_code is None:
        raise InvalidQuery(errors=[UNNAMED])
    return await queries.page(
        tx, actor, award_id=award_id, tracking_code=tracking_code, limit=limit, cursor=cursor
    )
