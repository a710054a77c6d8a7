"""Reads: the text of a day, a citizen's inbox, and what became of each message."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.notify.channels import portal
from services.notify.errors import TemplateMissing
from services.notify.models import InboxItem, Notice
from services.notify.rules import Words, mask_mobile, segments
from services.notify.schemas import InboxItemOut, NoticeOut, TemplateOut, TemplateVersion
from services.notify.workflow import NOTICE, Status
from shared.storage.db import Runtime, Transaction
from shared.topics import TOPICS
from shared.values.calendar import jalali_text, parse_instant
from shared.values.identifiers import TrackingCode
from shared.web.errors import NotFound
from shared.web.page import Cursor, InvalidCursor, Page

_NOTICE = ", ".join(column.name for column in Notice.__table__.columns)
_SAID = "(SELECT b.inbox FROM notify.broadcast b WHERE b.event_id = i.event_id) AS said"
ITEM = ", ".join([*(f"i.{column.name}" for column in InboxItem.__table__.columns), _SAID])


# Texts


async def words_on(tx: Transaction, topic: str, day: date) -> Words:
    """The texts of a topic in force on a day. Raises TemplateMissing."""
    row = await tx.fetchrow(
        "SELECT title, sms, inbox FROM notify.template WHERE topic = $1 AND valid @> $2::date",
        topic,
        day,
    )
    if row is None:
        raise TemplateMissing(topic)
    return Words(*row)


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of a topic's texts, newest first."""

    topic: str
    rows: list[asyncpg.Record]

    @property
    def newest(self) -> int:
        return int(self.rows[0]["version"])

    def shown(self, today: date) -> TemplateOut:
        """The text in force today (or the first that will be), and the days of all of them."""
        now = next((row for row in self.rows if row["valid_from"] <= today), self.rows[-1])
        words = Words(now["title"], now["sms"], now["inbox"])
        return TemplateOut(
            topic=self.topic,
            version=now["version"],
            title=words.title,
            sms=words.sms,
            inbox=words.inbox,
            segments=segments(words.sms),
            placeholders=sorted(TOPICS[self.topic].facts),
            versions=[
                TemplateVersion(
                    version=row["version"],
                    valid_from_on=row["valid_from"],
                    valid_to_on=row["valid_to"],
                    written_by=row["written_by"],
                    written_at=row["written_at"],
                )
                for row in self.rows
            ],
        )


async def versions(tx: Transaction, topic: str) -> Versions:
    """Every version of a topic. Raises NotFound for a topic that has no texts."""
    rows = await tx.fetch(
        "SELECT version, valid_from, valid_to, title, sms, inbox, written_by, written_at"
        " FROM notify.template WHERE topic = $1 ORDER BY version DESC",
        topic,
    )
    if not rows or topic not in TOPICS:
        raise NotFound
    return Versions(topic, rows)


# The inbox


async def inbox(
    tx: Transaction, national_code: str, *, limit: int, cursor: str | None
) -> Page[InboxItemOut]:
    """What this citizen has been told, newest first."""
    mine = tx.runtime.crypto.indexes(national_code)
    after = "" if cursor is None else "AND (created_at, id) < ($3, $4)"
    rows = await tx.fetch(
        f"SELECT {ITEM} FROM notify.inbox_item i WHERE holder_index = ANY($1::bytea[]) {after}"  # noqa: S608
        " ORDER BY created_at DESC, id DESC LIMIT $2",
        mine,
        limit + 1,
        *_after(cursor),
    )
    shown = [item_shown(tx.runtime, row) for row in rows[:limit]]
    return Page(items=shown, next_cursor=_next(rows, limit))


def item_shown(runtime: Runtime, row: asyncpg.Record) -> InboxItemOut:
    """An item of the inbox for its reader, opened."""
    return InboxItemOut(
        id=row["id"],
        topic=row["topic"],
        tracking_code=row["tracking_code"],
        title=row["title"],
        text=portal.opened(runtime.crypto, row["id"], row["text"]) if row["text"] else row["said"],
        created_at=row["created_at"],
        created_at_jalali=jalali_text(row["created_at"]),
        read_at=row["read_at"],
    )


# Notices


async def find_notice(tx: Transaction, notice_id: UUID) -> Notice | None:
    """One notice, ready for a step."""
    row = await tx.fetchrow(f"SELECT {_NOTICE} FROM notify.notice WHERE id = $1", notice_id)  # noqa: S608
    if row is None:
        return None
    notice = Notice()
    notice.__dict__.update(row)
    return notice


async def broadcast(tx: Transaction, event_id: UUID) -> asyncpg.Record | None:
    """An event for very many, its words and how far it is."""
    return await tx.fetchrow("SELECT * FROM notify.broadcast WHERE event_id = $1", event_id)


async def due(tx: Transaction, kind: str) -> int:
    """How many reminders of a kind are due."""
    row = await tx.fetchrow(
        "SELECT count(*) AS due FROM notify.timer WHERE kind = $1 AND due_at <= $2", kind, tx.now
    )
    return int(row["due"]) if row else 0


async def already_told(tx: Transaction, event_id: UUID) -> Collection[UUID]:
    """The people who have been told of this event before."""
    rows = await tx.fetch("SELECT person_id FROM notify.inbox_item WHERE event_id = $1", event_id)
    return {row["person_id"] for row in rows}


async def notices(
    tx: Transaction,
    *,
    tracking_code: TrackingCode | None,
    status: Status | None,
    limit: int,
    cursor: str | None,
) -> Page[NoticeOut]:
    """What became of messages, newest first: by case, or by status for those who look after it."""
    where, values = ["true"], list[Any]()
    for column, value in (("tracking_code", tracking_code), ("status", status)):
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    if status not in {None, Status.SENT}:
        where.append("status <> 'sent'")  # the words of the index on what is not settled
    if cursor is not None:
        values += _after(cursor)
        where.append(f"(created_at, id) < (${len(values) - 1}, ${len(values)})")
    values.append(limit + 1)
    rows = await tx.fetch(
        f"SELECT {_NOTICE} FROM notify.notice WHERE {' AND '.join(where)}"  # noqa: S608
        f" ORDER BY created_at DESC, id DESC LIMIT ${len(values)}",
        *values,
    )
    shown = [_notice_shown(tx.runtime, row) for row in rows[:limit]]
    return Page(items=shown, next_cursor=_next(rows, limit))


def _notice_shown(runtime: Runtime, row: asyncpg.Record) -> NoticeOut:
    sealed = {"table": "notify.notice", "column": "mobile", "row": row["id"]}
    mobile = runtime.crypto.open(row["mobile"], **sealed) if row["mobile"] else None
    status = Status(row["status"])
    return NoticeOut(
        id=row["id"],
        topic=row["topic"],
        tracking_code=row["tracking_code"],
        channel=row["channel"],
        mobile=mask_mobile(mobile) if mobile else None,
        status=status,
        status_label=NOTICE.labels[status],
        segments=row["segments"],
        provider=row["provider"],
        attempts=row["attempts"],
        error_code=row["error_code"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _after(cursor: str | None) -> list[Any]:
    if cursor is None:
        return []
    at, row_id = Cursor.decode(cursor, str, str)
    try:
        return [parse_instant(at), UUID(row_id)]
    except ValueError:
        raise InvalidCursor from None


def _next(rows: list[asyncpg.Record], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Cursor.encode([last["created_at"].isoformat(), str(last["id"])])
