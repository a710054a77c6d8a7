"""The inbox in the portal: its items are written sealed, and opened only for their reader."""

from datetime import datetime
from uuid import UUID, uuid5

from services.notify.models import InboxItem
from services.notify.rules import Words
from shared.storage.encryption import Crypto
from shared.storage.outbox import Event

TABLE = "notify.inbox_item"


def item(
    crypto: Crypto, event: Event, words: Words, *, person_id: UUID, holder: bytes, at: datetime
) -> InboxItem:
    """What this event tells this person; the same event gives the same id again."""
    item_id = uuid5(event.id, f"{person_id}/portal")
    return InboxItem(
        id=item_id,
        event_id=event.id,
        person_id=person_id,
        holder_index=holder,
        topic=event.topic,
        tracking_code=event.payload.get("tracking_code"),
        title=words.title,
        text=crypto.seal(words.inbox, table=TABLE, column="text", row=item_id),
        created_at=at,
    )


def opened(crypto: Crypto, item_id: UUID, sealed: bytes) -> str:
    """The text of an item. Raises SealBroken and KeysMissing."""
    return crypto.open(sealed, table=TABLE, column="text", row=item_id)
