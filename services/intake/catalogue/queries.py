"""The catalogue as it is shown, and as an application is checked against it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from services.intake.catalogue.card import STAGES, IdentityCard
from services.intake.catalogue.schemas import (
    AreaOut,
    ContractOut,
    LifeEvent,
    OfficeOut,
    Paper,
    ServiceRow,
    StatementRow,
)
from services.intake.catalogue.statement import Statement
from shared.storage import policy
from shared.storage.db import Transaction, loads
from shared.values.calendar import tehran_date
from shared.values.text import for_matching
from shared.web.errors import Fault, InvalidQuery, NotFound
from shared.web.page import Cursor, InvalidCursor, Page

REMEMBER_S = 5.0
SETTLE_S = 5.0
"""As long as a transaction may last: a reader beside it must not keep what it replaces."""
T = TypeVar("T")


# What an application is checked against, read once and remembered for a few seconds


@dataclass(frozen=True, slots=True)
class Contract:
    """A counter's right to file, from one day to another (the last one included)."""

    number: str
    office_code: str
    services: frozenset[str]
    from_on: date
    to_on: date | None

    def holds(self, service: str, day: date) -> bool:
        return (
            service in self.services
            and self.from_on <= day
            and (self.to_on is None or day <= self.to_on)
        )


@dataclass(frozen=True, slots=True)
class Office:
    code: str
    name_fa: str
    province: str
    counties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The catalogue as the guards need it."""

    cards: Mapping[str, Mapping[str, Any]]
    statements: Mapping[str, list[tuple[int, date, date | None]]]
    channels: frozenset[tuple[str, str, str]]
    contracts: tuple[Contract, ...]
    offices: tuple[Office, ...]
    areas: Mapping[str, str]  # a spelling made for matching -> area id

    def allows(self, service: str, stage: str, channel: str) -> bool:
        return (service, stage, channel) in self.channels

    def statement_version(self, service: str, day: date) -> int | None:
        """The version of the statement in force that day."""
        rows = self.statements.get(service, [])
        return max(
            (v for v, start, end in rows if start <= day and (end is None or day < end)),
            default=None,
        )

    def contract(self, number: str | None, office_code: str | None) -> list[Contract]:
        return [c for c in self.contracts if (c.number, c.office_code) == (number, office_code)]

    def area(self, name: str, *, within: str | None = None) -> str | None:
        """The id of a province, or of a county within one, by id or by Latin or Persian name."""
        key = for_matching(name).casefold()
        return self.areas.get(f"{within or ''}|{key}")

    def office(self, province: str | None, county: str | None) -> Office | None:
        """The office that serves a county; else the province's first one."""
        here = [office for office in self.offices if office.province == province]
        return next((o for o in here if county in o.counties), here[0] if here else None)


async def rulebook(tx: Transaction) -> Rulebook:
    """The catalogue's guards, at most a few seconds old."""
    memory = tx.runtime.memory
    at, held = memory.get("rulebook", (0.0, None))
    if held is None or time.monotonic() - at > REMEMBER_S:
        held = await _read(tx)
        if time.monotonic() > memory.get("rulebook_settles", 0.0):
            memory["rulebook"] = (time.monotonic(), held)
    found: Rulebook = held
    return found


def forget(tx: Transaction) -> None:
    """The catalogue is changing: nothing is remembered until the change has surely committed."""
    tx.runtime.memory.pop("rulebook", None)
    tx.runtime.memory["rulebook_settles"] = time.monotonic() + SETTLE_S


async def _read(tx: Transaction) -> Rulebook:
    cards = await tx.fetch(
        "SELECT DISTINCT ON (service) service, service_id, body FROM intake.card"
        " ORDER BY service, version DESC"
    )
    statements: dict[str, list[tuple[int, date, date | None]]] = {}
    for row in await tx.fetch(
        "SELECT service, version, valid_from, valid_to FROM intake.statement"
    ):
        statements.setdefault(row[0], []).append((row[1], row[2], row[3]))
    channels = await tx.fetch("SELECT service, stage, channel FROM intake.channel WHERE allowed")
    contracts = await tx.fetch(
        "SELECT number, office_code, services, from_on, to_on FROM intake.counter_contract"
    )
    offices = await tx.fetch(
        "SELECT code, name_fa, province, counties FROM intake.office ORDER BY code"
    )
    areas: dict[str, str] = {}
    for row in await tx.fetch("SELECT id, parent_id, matching FROM intake.area"):
        within = row["parent_id"] or ""
        last = row["id"].rpartition("/")[2]
        for spelling in (row["matching"], row["id"], last):
            areas[f"{within}|{for_matching(spelling).casefold()}"] = row["id"]
    return Rulebook(
        cards={row["service"]: loads(row["body"]) for row in cards},
        statements=statements,
        channels=frozenset((row[0], row[1], row[2]) for row in channels),
        contracts=tuple(Contract(c[0], c[1], frozenset(c[2]), c[3], c[4]) for c in contracts),
        offices=tuple(Office(o[0], o[1], o[2], frozenset(o[3])) for o in offices),
        areas=areas,
    )


# What is shown


async def service_named(tx: Transaction, ref: str) -> str:
    """The name of a service by its name or official id. Raises NotFound."""
    row = await tx.fetchrow(
        "SELECT service FROM intake.card WHERE service = $1 OR service_id = $1"
        " ORDER BY version DESC LIMIT 1",
        ref,
    )
    if row is None:
        raise NotFound
    return str(row["service"])


async def card(tx: Transaction, ref: str) -> tuple[IdentityCard, int]:
    """The newest card of a service, with the channels as they are today, and its version."""
    row = await tx.fetchrow(
        "SELECT version, body FROM intake.card WHERE service = $1 ORDER BY version DESC LIMIT 1",
        await service_named(tx, ref),
    )
    if row is None:
        raise NotFound
    shown = loads(row["body"])
    shown["channels"] = await live_channels(tx, shown["service"])
    return IdentityCard.model_validate(shown), row["version"]


async def live_channels(tx: Transaction, service: str) -> dict[str, list[str]]:
    """The channels that are open at each stage of a service."""
    rows = await tx.fetch(
        "SELECT stage, array_agg(channel ORDER BY channel) AS channels FROM intake.channel"
        " WHERE service = $1 AND allowed GROUP BY stage",
        service,
    )
    opened: dict[str, list[str]] = {stage: [] for stage in STAGES}
    return opened | {row["stage"]: list(row["channels"]) for row in rows}


async def services(
    tx: Transaction, *, event: LifeEvent | None, parent_id: str | None, page: tuple[int, str | None]
) -> Page[ServiceRow]:
    """Every service by its name; those of one life event, or below one official id."""
    limit, cursor = page
    book, today = await rulebook(tx), tehran_date(tx.now)
    rows = await tx.fetch(
        "SELECT DISTINCT ON (service) service, version, body FROM intake.card"
        " WHERE service > $1 ORDER BY service, version DESC",
        "" if cursor is None else Cursor.decode(cursor, str)[0],
    )
    found = []
    for row in rows:
        body = loads(row["body"])
        marks = body["life_events"] or {}
        if event is not None and marks.get(event, {}).get("mark") != "ticked":
            continue
        if parent_id is not None and body["parent_id"] != parent_id:
            continue
        current = book.statement_version(row["service"], today)
        more = {"version": row["version"], "statement_version": current}
        found.append(ServiceRow.model_validate(body | more))
    return paged(found, limit, key="service")


def after_id(cursor: str | None) -> UUID | None:
    """The id that a cursor names. Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        return UUID(Cursor.decode(cursor, str)[0])
    except ValueError:
        raise InvalidCursor from None


def paged(found: Sequence[T], limit: int, *, key: str) -> Page[T]:
    """The first of these rows, and where the next page begins if there are more."""
    more = len(found) > limit
    last = getattr(found[limit - 1], key) if more else None
    last = last if isinstance(last, int) else str(last)
    return Page(items=list(found[:limit]), next_cursor=Cursor.encode([last]) if more else None)


async def checklist(tx: Transaction, service: str, reason: str | None) -> list[Paper]:
    """The papers of a request on this day; without a reason, those of any reason.

    Then only what every reason requires is required. Raises InvalidQuery for an unknown reason.
    """
    key, today = f"intake.documents.{service}", tehran_date(tx.now)
    rows = await tx.fetch(
        "SELECT key FROM intake.policy WHERE (key = $1 OR starts_with(key, $1 || '.'))"
        " AND valid @> $2::date ORDER BY key",
        key,
        today,
    )
    keys = [row["key"] for row in rows]
    if reason is not None:
        keys = [name for name in keys if name == f"{key}.{reason}"]
        if not keys:
            fault = Fault("/query/reason", "not_one_of", "این دلیل شناخته نیست", "Not known here")
            raise InvalidQuery(errors=[fault])
    lists = [(await policy.on(tx, name, today))["items"] for name in keys]
    papers: dict[str, Paper] = {}
    for item in (item for items in lists for item in items):
        papers.setdefault(item["kind"], Paper(kind=item["kind"], fa=item["fa"], required=True))
    for paper in papers.values():
        wanted = [{item["kind"] for item in items if item["required"]} for items in lists]
        paper.required = all(paper.kind in kinds for kinds in wanted)
    return list(papers.values())


async def statements(tx: Transaction, service: str) -> list[Statement]:
    """Every version of a service's statement, the newest first.

    A version without an end of its own ends where a later one begins.
    """
    rows = await tx.fetch(
        "SELECT body FROM intake.statement WHERE service = $1 ORDER BY version DESC", service
    )
    found: list[Statement] = []
    for row in rows:
        text = Statement.model_validate_json(row["body"])
        later = min((one.valid_from for one in found), default=None)
        if text.valid_to is None and later is not None and later > text.valid_from:
            text = text.model_copy(update={"valid_to": later})
        found.append(text)
    return found


async def statement(tx: Transaction, service: str, version: int | None) -> Statement:
    """A version of a statement; without one, that which is in force today. Raises NotFound."""
    if version is None:
        book = await rulebook(tx)
        version = book.statement_version(service, tehran_date(tx.now))
    for text in await statements(tx, service):
        if text.version == version:
            return text
    raise NotFound


async def statement_versions(
    tx: Transaction, service: str, *, page: tuple[int, str | None]
) -> Page[StatementRow]:
    """The versions of a statement without their text, the newest first."""
    limit, cursor = page
    before = None if cursor is None else Cursor.decode(cursor, int)[0]
    found = [
        StatementRow.model_validate(text.model_dump(include=set(StatementRow.model_fields)))
        for text in await statements(tx, service)
        if before is None or text.version < before
    ]
    return paged(found, limit, key="version")


async def areas(
    tx: Transaction, *, kind: str | None, parent_id: str | None, page: tuple[int, str | None]
) -> Page[AreaOut]:
    """Provinces and counties by their id."""
    limit, cursor = page
    rows = await tx.fetch(
        "SELECT id, parent_id, kind, name_fa FROM intake.area WHERE id > $1"
        " AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR parent_id = $3)"
        " ORDER BY id LIMIT $4",
        "" if cursor is None else Cursor.decode(cursor, str)[0],
        kind,
        parent_id,
        limit + 1,
    )
    return paged([AreaOut(**row) for row in rows], limit, key="id")


async def offices(
    tx: Transaction, *, province: str | None, page: tuple[int, str | None]
) -> Page[OfficeOut]:
    """Offices by their code."""
    limit, cursor = page
    rows = await tx.fetch(
        "SELECT code, name_fa, province, counties FROM intake.office WHERE code > $1"
        " AND ($2::text IS NULL OR province = $2) ORDER BY code LIMIT $3",
        "" if cursor is None else Cursor.decode(cursor, str)[0],
        province,
        limit + 1,
    )
    return paged([OfficeOut(**row) for row in rows], limit, key="code")


async def contracts(
    tx: Transaction, *, office_code: str | None, number: str | None, page: tuple[int, str | None]
) -> Page[ContractOut]:
    """Contracts in the order in which they were written down."""
    limit, cursor = page
    rows = await tx.fetch(
        "SELECT id, number, office_code, services, from_on, to_on FROM intake.counter_contract"
        " WHERE ($1::uuid IS NULL OR id > $1) AND ($2::text IS NULL OR office_code = $2)"
        " AND ($3::text IS NULL OR number = $3) ORDER BY id LIMIT $4",
        after_id(cursor),
        office_code,
        number,
        limit + 1,
    )
    return paged([ContractOut(**row) for row in rows], limit, key="id")
