"""What notify does when any service tells something that a citizen may see."""

from typing import Any
from uuid import UUID

from services.notify import actions, broadcasts, queries
from services.notify.clients import contacts
from services.notify.rules import readable
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.outbox import Event
from shared.storage.timers import staged
from shared.topics import TOPICS
from shared.values.calendar import tehran_date


async def on_told(tx: Transaction, event: Event) -> None:
    """Tell each living person whom the event names, once, whatever is delivered again.

    Everything is asked before anything is written; what cannot be asked brings the event back.
    """
    named = {UUID(person) for person in event.payload.get("person_ids") or ()}
    waiting = named - set(await queries.already_told(tx, event.id))
    if not waiting:
        return
    people = await contacts(tx.runtime, sorted(waiting))
    template = await queries.words_on(tx, event.topic, tehran_date(event.at))
    words = template.filled(readable(await _facts(tx, event)))
    await tx.begin()
    for person in people:
        await actions.announce(tx, event, person, words)


async def on_told_to_many(tx: Transaction, event: Event) -> None:
    """Tell everybody whom the event's owner names, in their own time."""
    template = await queries.words_on(tx, event.topic, tehran_date(event.at))
    facts = await _facts(tx, event)
    await broadcasts.begin(tx, event, template.filled(readable(facts)))


async def _facts(tx: Transaction, event: Event) -> dict[str, Any]:
    """What the event says, and what notify knows of every case by itself."""
    phone = await policy.on(tx, "contact.phone", tehran_date(event.at))
    return {
        **(event.payload.get("facts") or {}),
        "tracking_code": event.payload.get("tracking_code"),
        "status_label": event.payload.get("status_label"),
        "period": event.payload.get("period"),
        "phone": phone["printed"][0],
    }


HEARS = {
    name: on_told_to_many if topic.recipients else on_told
    for name, topic in TOPICS.items()
    if "notify" in topic.heard_by
}
TIMERS = {actions.SEND: staged(actions.send), broadcasts.BROADCAST: staged(broadcasts.carry_on)}
