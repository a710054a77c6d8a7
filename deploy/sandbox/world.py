"""The state of the outside world: one log per kind of record, replayed at start."""

import json
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from deploy.sandbox.lines import Lines
from deploy.sandbox.records import (
    Account,
    Blocked,
    Conscription,
    Fault,
    Party,
    Person,
    Record,
    Shares,
    Welfare,
)

T = TypeVar("T", bound=Record)
DEMO: Final = Path(__file__).parent / "demo_people.json"


class Shelf(Generic[T]):
    """Records of one kind by their key; the last line for a key wins."""

    def __init__(self, data: Path, kind: str, record: type[T]) -> None:
        self._record = record
        self._lines = Lines(data / "state" / f"{kind}.jsonl")
        self._held = {
            line["key"]: record.model_validate_json(json.dumps(line["value"]))
            for line in self._lines.read()
        }

    def get(self, key: str) -> T | None:
        return self._held.get(key)

    def items(self) -> list[tuple[str, T]]:
        return list(self._held.items())

    async def put(self, key: str, value: T) -> None:
        """Keep the value; returns when it is on disk."""
        self._held[key] = value
        self._lines.note(key=key, value=value.model_dump(mode="json"))
        await self._lines.sync()

    async def put_json(self, key: str, value: bytes) -> T:
        """Keep what a caller says. Raises pydantic's ValidationError."""
        record = self._record.model_validate_json(value)
        await self.put(key, record)
        return record

    async def load(self, values: dict[str, Any]) -> None:
        """Keep what the demo file says."""
        for key, value in values.items():
            await self.put_json(key, json.dumps(value).encode())


class World:
    """All that the stand-ins know. Empty shelves are filled with the demo world."""

    def __init__(self, data: Path) -> None:
        self.people = Shelf(data, "people", Person)
        self.welfare = Shelf(data, "welfare", Welfare)
        self.conscription = Shelf(data, "conscription", Conscription)
        self.accounts = Shelf(data, "accounts", Account)
        self.shares = Shelf(data, "shares", Shares)
        self.faults = Shelf(data, "faults", Fault)
        self.blacklist = Shelf(data, "sms-blacklist", Blocked)

    def fault(self, party: Party) -> Fault:
        return self.faults.get(party) or Fault(mode="ok")

    async def fill(self) -> None:
        """Load the demo world when nobody has been told of yet."""
        if self.people.items():
            return
        demo = json.loads(DEMO.read_text(encoding="utf-8"))
        await self.welfare.load(demo["welfare"])
        await self.conscription.load(demo["conscription"])
        await self.accounts.load(demo["accounts"])
        await self.shares.load(demo["shares"])
        await self.people.load(demo["people"])  # last: a kill before this line fills anew
