"""The papers of an application, as they are listed and opened."""

from uuid import UUID

from services.intake.applications.models import Application
from services.intake.catalogue.queries import after_id, paged
from services.intake.documents.schemas import DocumentOut
from shared.storage.db import Transaction
from shared.web.errors import NotFound
from shared.web.page import Page

_COLUMNS = "id, kind, media_type, size, encode(sha256, 'hex') AS sha256, channel, added_at"


async def listed(
    tx: Transaction, application: Application, *, limit: int, cursor: str | None
) -> Page[DocumentOut]:
    """The papers in the order in which they came."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM intake.document WHERE application_id = $1"  # noqa: S608
        " AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        application.id,
        after_id(cursor),
        limit + 1,
    )
    return paged([DocumentOut(**row) for row in rows], limit, key="id")


async def one(tx: Transaction, application: Application, document_id: UUID) -> DocumentOut:
    """A paper of this application. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM intake.document WHERE application_id = $1 AND id = $2",  # noqa: S608
        application.id,
        document_id,
    )
    if row is None:
        raise NotFound
    return DocumentOut(**row)


async def same(
    tx: Transaction, application: Application, kind: str, sha256: bytes
) -> DocumentOut | None:
    """The very paper, if it was given before as the same kind."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM intake.document"  # noqa: S608
        " WHERE application_id = $1 AND kind = $2 AND sha256 = $3",
        application.id,
        kind,
        sha256,
    )
    return DocumentOut(**row) if row else None
