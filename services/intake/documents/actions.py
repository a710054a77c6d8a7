"""A paper comes to an application: by a channel that may, as a file that is what it seems."""

import asyncio

from services.intake.applications.models import Application, Document
from services.intake.catalogue.queries import rulebook
from services.intake.documents import clients, queries, rules
from services.intake.documents.schemas import DocumentOut
from services.intake.workflow import Status
from shared.storage import audit, idempotency
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7
from shared.web.auth import Actor
from shared.web.errors import ChannelNotAllowed, StepNotAllowed

# A refused or closed case may be objected to, with papers; these three are over.
OVER = {Status.WITHDRAWN, Status.EXPIRED, Status.CLOSED_DECEASED}


async def add(
    tx: Transaction,
    application: Application,
    actor: Actor,
    *,
    kind: str,
    data: bytes,
    channel: str | None,
) -> tuple[DocumentOut, bool]:
    """Store a paper and return it, with whether it is new; the same one again adds nothing.

    Raises ChannelNotAllowed (LV-37), StepNotAllowed, DocumentNotAccepted, DocumentNotWhole.
    """
    came_by = await _channel(tx, application, actor, channel)
    if application.status in OVER:
        raise StepNotAllowed(current_status=application.status)
    await idempotency.replay_if_known(tx)
    media_type = await asyncio.to_thread(rules.media_type, data)
    sha256 = await clients.keep(tx.runtime, data)
    await tx.begin()
    lock = f"intake.document/{application.id}"
    await tx.fetchrow("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
    known = await queries.same(tx, application, kind, sha256)
    if known is not None:
        return known, False
    document = Document(
        id=uuid7(),
        application_id=application.id,
        kind=kind,
        media_type=media_type,
        size=len(data),
        sha256=sha256,
        channel=came_by,
        added_by=actor.sub,
        added_at=tx.now,
    )
    await tx.add(document)
    await record(tx, application, actor, "document.added", kind=kind, channel=came_by)
    return await queries.one(tx, application, document.id), True


async def record(
    tx: Transaction, application: Application, actor: Actor, action: str, **codes: str
) -> None:
    """Write down that somebody gave or opened a paper of this application."""
    await audit.record(
        tx,
        actor=actor.sub,
        action=action,
        subject=tx.runtime.crypto.pseudonym(application.subject_id),
        reference=application.tracking_code,
        request_id=tx.trace,
        role=min(actor.roles),
        **codes,
    )


async def _channel(
    tx: Transaction, application: Application, actor: Actor, asked: str | None
) -> str:
    """The channel by which the paper comes: the credential's, where papers may come by it."""
    book = await rulebook(tx)
    acting = actor.channels if asked is None else actor.channels & {asked}
    open_to = {one for one in acting if book.allows(application.service, "documents", one)}
    if not open_to:
        raise ChannelNotAllowed(service=application.service)
    return application.channel if application.channel in open_to else min(open_to)
