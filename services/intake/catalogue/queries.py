"""What an application is checked against, read once and remembered for a few seconds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.storage.db import Transaction, loads
from shared.values.text import for_matching

REMEMBER_S = 5.0


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
        memory["rulebook"] = (time.monotonic(), held)
    found: Rulebook = held
    return found


def forget(tx: Transaction) -> None:
    """The catalogue has changed: the next question reads it anew."""
    tx.runtime.memory.pop("rulebook", None)


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
