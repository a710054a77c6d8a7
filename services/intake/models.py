"""The schema of intake; each folder adds its own tables to this one metadata."""

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase

from shared.imports import import_table
from shared.storage.tables import service_metadata

metadata = service_metadata("intake")
import_table(metadata)
INSTANT = DateTime(timezone=True)


class Base(DeclarativeBase):
    metadata = metadata
