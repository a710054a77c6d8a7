"""Tables of the catalogue: cards and statements by version, and the lists they rest on."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.models import INSTANT, Base


class Card(Base):
    """One version of a service's identity card; the newest is the one in force."""

    __tablename__ = "card"

    service: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    service_id: Mapped[str | None] = mapped_column(Text, index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(INSTANT)


class StatementText(Base):
    """One version of a service-level statement, valid from a day on."""

    __tablename__ = "statement"

    service: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(INSTANT)


class Channel(Base):
    """Whether a service may be entered by a channel at a stage: the seeds' matrix, as rows."""

    __tablename__ = "channel"

    service: Mapped[str] = mapped_column(Text, primary_key=True)
    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    allowed: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)


class Area(Base):
    """A province, or a county of one."""

    __tablename__ = "area"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(Text, index=True)
    kind: Mapped[str] = mapped_column(Text)
    name_fa: Mapped[str] = mapped_column(Text)
    matching: Mapped[str] = mapped_column(Text, index=True)
    source: Mapped[str] = mapped_column(Text)


class Office(Base):
    """An office of the agency and the counties it serves."""

    __tablename__ = "office"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name_fa: Mapped[str] = mapped_column(Text)
    province: Mapped[str] = mapped_column(Text, index=True)
    counties: Mapped[list[str]] = mapped_column(ARRAY(Text))


class CounterContract(Base):
    """A counter office may file for these services, from one day to another (JS-23)."""

    __tablename__ = "counter_contract"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    office_code: Mapped[str] = mapped_column(Text, index=True)
    services: Mapped[list[str]] = mapped_column(ARRAY(Text))
    from_on: Mapped[date]
    to_on: Mapped[date | None]
    written_by: Mapped[str] = mapped_column(Text)
