"""The catalogue is loaded once, and changed by new versions only."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from services.intake.catalogue.card import STAGES, IdentityCard, StageChannels
from services.intake.catalogue.models import (
    Area,
    Card,
    Channel,
    CounterContract,
    Office,
    StatementText,
)
from services.intake.catalogue.queries import forget, live_channels, statements
from services.intake.catalogue.schemas import ContractIn, ContractOut
from services.intake.catalogue.statement import Statement, StatementIn
from services.intake.errors import ServiceIdImmutable
from shared.storage import audit
from shared.storage.db import Runtime, Transaction, loads
from shared.storage.outbox import tell
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.values.text import for_matching
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput, NotFound, StaleVersion

DATA = Path(__file__).parent.parent / "data"
LOADED_BY = "system"
_NAMES = UUID("0d4b2f6e-7c1a-5b8e-8a55-3f0c4a9d1e77")


async def seed(runtime: Runtime, demo: bool) -> None:  # noqa: FBT001 - the manifest calls it so
    """Load cards, statements, channels and areas; offices and contracts too for a demonstration.

    What is there already stays as it is.
    """
    async with runtime.transaction() as tx:
        await _load(tx, Card.__table__, _cards(tx))
        await _load(tx, StatementText.__table__, _statements(tx))
        await _load(tx, Channel.__table__, _channels())
        await _load(tx, Area.__table__, _areas())
        if demo:
            offices = _read("offices.json")
            await _load(tx, Office.__table__, _offices(offices))
            await _load(tx, CounterContract.__table__, _contracts(offices))
        forget(tx)


async def _load(tx: Transaction, table: Any, rows: list[dict[str, Any]]) -> None:
    found: Table = table
    await tx.execute(insert(found).values(rows).on_conflict_do_nothing())


def _read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def _cards(tx: Transaction) -> list[dict[str, Any]]:
    cards = [json.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("catalogue/*.json"))]
    return [
        {
            "service": card["service"],
            "version": 1,
            "service_id": card["service_id"],
            "body": card,
            "written_by": LOADED_BY,
            "written_at": tx.now,
        }
        for card in cards
    ]


def _statements(tx: Transaction) -> list[dict[str, Any]]:
    texts = [json.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("statements/*.json"))]
    return [
        {
            "service": text["service"],
            "version": text["version"],
            "valid_from": date.fromisoformat(text["valid_from"]),
            "valid_to": date.fromisoformat(text["valid_to"]) if text["valid_to"] else None,
            "body": text,
            "written_by": LOADED_BY,
            "written_at": tx.now,
        }
        for text in texts
    ]


def _channels() -> list[dict[str, Any]]:
    names = ("service", "stage", "channel", "allowed", "source")
    return [{name: row[name] for name in names} for row in _read("channels.json")]


def _areas() -> list[dict[str, Any]]:
    areas = _read("areas.json")
    return [
        {
            "id": area["id"],
            "parent_id": area["id"].rpartition("/")[0] or None,
            "kind": kind,
            "name_fa": area["name_fa"],
            "matching": for_matching(area["name_fa"]),
            "source": area["source"],
        }
        for kind, of_kind in (("province", areas["provinces"]), ("county", areas["counties"]))
        for area in of_kind
    ]


def _offices(data: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("code", "name_fa", "province", "counties")
    return [{name: office[name] for name in names} for office in data["offices"]]


def _contracts(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": uuid7(),
            "number": contract["number"],
            "office_code": contract["office_code"],
            "services": contract["services"],
            "from_on": date.fromisoformat(contract["from_on"]),
            "to_on": date.fromisoformat(contract["to_on"]) if contract["to_on"] else None,
            "written_by": LOADED_BY,
        }
        for contract in data["contracts"]
    ]


# New versions


async def write_card(tx: Transaction, service: str, card: IdentityCard, *, actor: Actor) -> int:
    """Write the next version of a card and let the channel guard follow it; returns the version.

    Raises StaleVersion, ServiceIdImmutable, and InvalidInput for the card of another service.
    """
    _of_this_service(service, card.service)
    version = await _next_version(tx, "card", service)
    row = await tx.fetchrow(
        "SELECT body FROM intake.card WHERE service = $1 AND version = $2", service, version - 1
    )
    before = loads(row["body"]) if row else {}
    if before.get("service_id") not in {None, card.service_id}:
        raise ServiceIdImmutable
    body = card.model_dump(mode="json")
    new = {"service": service, "version": version, "service_id": card.service_id, "body": body}
    await tx.add(Card(**new, written_by=actor.sub, written_at=tx.now))
    await _open_channels(tx, service, card.channels, source=f"card {service} version {version}")
    await _written(tx, "card_written", actor, service=service, version=version)
    return version


async def write_statement(
    tx: Transaction, service: str, text: StatementIn, *, actor: Actor
) -> Statement:
    """Write the next version of a statement and tell those who live by it (EL-31 to EL-33).

    Those who accepted an earlier version keep it. Raises StaleVersion and InvalidInput.
    """
    _of_this_service(service, text.service)
    version = await _next_version(tx, "statement", service)
    newest = (await statements(tx, service))[0]
    if text.valid_from < newest.valid_from:
        fa, en = "پیش از آغاز نسخهٔ کنونی است", "Earlier than the present version begins"
        raise InvalidInput(errors=[Fault("/valid_from", "before_present_version", fa, en)])
    new = Statement(**text.model_dump(exclude={"version"}), version=version)
    row = StatementText(
        service=service,
        version=version,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        body=new.model_dump(mode="json"),
        written_by=actor.sub,
        written_at=tx.now,
    )
    await tx.add(row)
    await _written(tx, "statement_written", actor, service=service, version=version)
    told = {"service": service, "version": version, "valid_from": new.valid_from.isoformat()}
    await tell(
        tx,
        "statement.changed",
        subject_id=uuid5(_NAMES, f"statement/{service}"),
        version=version,
        payload={**told, "on": tehran_date(tx.now).isoformat(), "person_ids": [], "facts": {}},
    )
    return new


async def sign_contract(tx: Transaction, given: ContractIn, *, actor: Actor) -> ContractOut:
    """A counter may file from a day on. Raises InvalidInput where it would end before it begins."""
    if given.to_on is not None and given.to_on < given.from_on:
        fa, en = "پایان قرارداد پیش از آغاز آن است", "The contract would end before it begins"
        raise InvalidInput(errors=[Fault("/to_on", "ends_before_it_begins", fa, en)])
    services = sorted(set(given.services))
    row = {**given.model_dump(), "id": uuid7(), "services": services}
    await tx.add(CounterContract(**row, written_by=actor.sub))
    await audit.record(
        tx,
        actor=actor.sub,
        action="counter.contract_signed",
        reference=given.number,
        request_id=tx.trace,
        office=given.office_code,
    )
    forget(tx)
    return ContractOut(**row)


def _of_this_service(service: str, named: str) -> None:
    if named != service:
        fa, en = "این متن از آن خدمت دیگری است", "This text belongs to another service"
        raise InvalidInput(errors=[Fault("/service", "other_service", fa, en)])


async def _next_version(tx: Transaction, table: str, service: str) -> int:
    """The number of the next version; two who write the same one wait for each other."""
    await tx.begin()
    lock = f"intake.{table}/{service}"
    await tx.fetchrow("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
    row = await tx.fetchrow(
        f"SELECT max(version) AS newest FROM intake.{table} WHERE service = $1",  # noqa: S608
        service,
    )
    if row is None or row["newest"] is None:
        raise NotFound
    if tx.if_match not in {None, row["newest"]}:
        raise StaleVersion
    return int(row["newest"]) + 1


async def _open_channels(
    tx: Transaction, service: str, wanted: StageChannels, *, source: str
) -> None:
    """The matrix becomes what the card says; what the card leaves out is closed, not forgotten."""
    live = await live_channels(tx, service)
    table: Any = Channel.__table__
    for stage in STAGES:
        here, there = set(getattr(wanted, stage)), set(live[stage])
        for channel in sorted(here ^ there):
            row = {"allowed": channel in here, "source": source}
            key = {"service": service, "stage": stage, "channel": channel}
            new = insert(table).values(**key, **row)
            await tx.execute(new.on_conflict_do_update(index_elements=list(key), set_=row))


async def _written(
    tx: Transaction, action: str, actor: Actor, *, service: str, version: int
) -> None:
    await audit.record(
        tx,
        actor=actor.sub,
        action=f"catalogue.{action}",
        reference=service,
        request_id=tx.trace,
        version=version,
    )
    forget(tx)
