"""The catalogue is loaded once, and changed by new versions only."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from services.intake.catalogue.models import (
    Area,
    Card,
    Channel,
    CounterContract,
    Office,
    StatementText,
)
from services.intake.catalogue.queries import forget
from shared.storage.db import Runtime, Transaction
from shared.values.identifiers import uuid7
from shared.values.text import for_matching

DATA = Path(__file__).parent.parent / "data"
LOADED_BY = "system"


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
