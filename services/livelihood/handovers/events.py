"""What the hand-over does when an award begins, stops or is given back."""

from uuid import UUID

from services.livelihood.handovers import queries
from services.livelihood.handovers.actions.preparing import follow
from services.livelihood.handovers.actions.sending import HAND_OVER, send
from shared.storage.db import Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event
from shared.storage.timers import AnyTimerHandler, staged


async def on_activated(tx: Transaction, event: Event) -> None:
    """A case came to an award: the household is to be introduced."""
    award_id = await queries.award_of_case(tx, UUID(event.payload["case_id"]))
    if award_id is not None:
        await follow(tx, award_id)


async def on_award(tx: Transaction, event: Event) -> None:
    """An award was stopped, or given back."""
    await follow(tx, UUID(event.payload["award_id"]))


HEARS: dict[str, Handler] = {
    "livelihood.activated": on_activated,
    "livelihood.taken_over": on_activated,
    "livelihood.stopped": on_award,
    "livelihood.reinstated": on_award,
}
TIMERS: dict[str, AnyTimerHandler] = {HAND_OVER: staged(send)}
