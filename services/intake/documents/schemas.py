"""The public shape of a stored paper. The name of the file that somebody sent is never kept."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class DocumentOut(BaseModel):
    """A stored paper, and the channel by which it came."""

    id: UUID
    kind: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str
    channel: str
    added_at: datetime
