"""People become known, what happened to them is told once, and contradictions are noted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from services.intake.clients import Record
from services.intake.people.models import Contradiction, LifeEvent, Person
from services.intake.people.queries import household_of
from shared.storage.db import Transaction
from shared.storage.outbox import tell
from shared.storage.step import fresh, row_of
from shared.values.calendar import tehran_date
from shared.values.identifiers import uuid7
from shared.values.text import for_matching
from shared.web.errors import NotFound


async def known(tx: Transaction, codes: Iterable[str]) -> dict[str, tuple[UUID, bool]]:
    """Id, and whether alive, of those people whom we know already, by national code: one read."""
    by_index = {tx.runtime.crypto.index(code): code for code in codes}
    rows = await tx.fetch(
        "SELECT code_index, id, alive FROM intake.person WHERE code_index = ANY($1::bytea[])",
        list(by_index),
    )
    return {by_index[row["code_index"]]: (row["id"], row["alive"]) for row in rows}


def new_person(
    tx: Transaction, national_code: str, record: Record | None, *, mobile: str | None = None
) -> Person:
    """A person not known before; what names them is sealed to this row."""
    crypto, person_id = tx.runtime.crypto, uuid7()
    person = fresh(
        Person,
        id=person_id,
        code_index=crypto.index(national_code),
        code=crypto.seal(national_code, table="intake.person", column="code", row=person_id),
        alive=record.alive if record else True,
        died_on=record.died_on if record else None,
        known_at=tx.now,
        version=1,
    )
    if record is not None:
        person.name_index = name_index(tx, record)
        person.record = _sealed_record(tx, person_id, record)
    if mobile is not None:
        person.mobile = crypto.seal(mobile, table="intake.person", column="mobile", row=person_id)
        person.mobile_source = "shahkar"
    return person


def name_index(tx: Transaction, record: Record) -> bytes:
    """A name as one blind index: Arabic and Persian spellings of it are the same (H68)."""
    return tx.runtime.crypto.index(
        f"name|{for_matching(record.first_name)}|{for_matching(record.last_name)}"
    )


def _sealed_record(tx: Transaction, person_id: UUID, record: Record) -> bytes:
    return tx.runtime.crypto.seal_json(
        record.as_json(), table="intake.person", column="record", row=person_id
    )


async def refresh(
    tx: Transaction, record: Record, *, tracking_code: str | None, mobile: str | None = None
) -> UUID:
    """Make a person known, or bring what we know of them up to date.

    A changed name is a contradiction for an officer to settle; it refuses nothing (H68).
    """
    crypto = tx.runtime.crypto
    index = crypto.index(record.national_code)
    found = await locked(tx, code_index=index)
    if found is None:
        person = new_person(tx, record.national_code, record, mobile=mobile)
        await tx.execute(row_of(person, on_conflict="skip").insert())
        found = await locked(tx, code_index=index)  # it, or that of a rival who was first
        if found is None:
            raise LookupError("a person who was just written is not there")
    name = name_index(tx, record)
    if found.name_index is not None and found.name_index != name:
        await contradict(tx, found.id, "name", tracking_code=tracking_code)
    found.name_index = name
    found.record = _sealed_record(tx, found.id, record)
    found.known_at = tx.now
    if mobile is not None:
        found.mobile = crypto.seal(mobile, table="intake.person", column="mobile", row=found.id)
        found.mobile_source = "shahkar"
    if found.alive and not record.alive:  # the other way needs a report: this answer may be old
        found.alive, found.died_on = False, record.died_on
        died_on = record.died_on or tehran_date(tx.now)
        event = LifeEvent(
            person_id=found.id, kind="death", occurred_on=died_on, reported_by="civil-registry"
        )
        home = await household_of(tx, found.id, on=tehran_date(tx.now))
        await happened(tx, found, event, people=[found.id], household_id=home, turns=True)
    await tx.flush()
    return found.id


async def locked(
    tx: Transaction, *, person_id: UUID | None = None, code_index: bytes | None = None
) -> Person | None:
    """A person by id or by blind index; whoever else changes them waits."""
    which = Person.id == person_id if person_id is not None else Person.code_index == code_index
    found: Person | None = await tx.scalar(select(Person).where(which).with_for_update())
    return found


TOPICS = {
    "death": "person.died",
    "death_reversed": "person.death_reversed",
    "marriage": "person.married",
    "divorce": "person.divorced",
    "birth": "person.born",
    "business_sustained": "person.business_sustained",
    "income_changed": "person.income_changed",
    "moved": "person.moved",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """A life event as it is kept; `repeated` when it was known and nobody is told again."""

    event: LifeEvent
    repeated: bool


async def happened(
    tx: Transaction,
    person: Person,
    event: LifeEvent,
    *,
    people: Sequence[UUID],
    household_id: UUID | str | None,
    turns: bool = False,
) -> Happened:
    """Keep a life event once and tell it once; the caller holds the person.

    `turns` says that it is news whatever is kept: dead a second time after a false report.
    """
    event.id, event.reported_at = uuid7(), tx.now
    await tx.execute(row_of(event, on_conflict="skip").insert())
    which = (LifeEvent.person_id == person.id, LifeEvent.kind == event.kind)
    kept: LifeEvent = await tx.scalar(
        select(LifeEvent).where(*which, LifeEvent.occurred_on == event.occurred_on)
    )
    if kept.id != event.id and not turns:
        return Happened(kept, repeated=True)
    person.version += 1
    await tx.flush()
    payload = {
        "person_id": str(person.id),
        "person_ids": [str(one) for one in people],
        "household_id": str(household_id) if household_id else None,
        "kind": event.kind,
        "occurred_on": event.occurred_on.isoformat(),
        "version": person.version,
        "on": tehran_date(tx.now).isoformat(),
        "facts": {"occurred_on": event.occurred_on.isoformat()},
    }
    topic = TOPICS[event.kind]
    await tell(tx, topic, subject_id=person.id, version=person.version, payload=payload)
    return Happened(kept, repeated=False)


async def contradict(
    tx: Transaction, person_id: UUID, field: str, *, tracking_code: str | None
) -> None:
    """Two sources say different things of a person: an officer's task, never a refusal."""
    await tx.add(
        Contradiction(
            id=uuid7(),
            person_id=person_id,
            tracking_code=tracking_code,
            field=field,
            noted_at=tx.now,
        )
    )


async def note_conflict(tx: Transaction, person_id: UUID) -> None:
    """Two households claim one person: an officer's task, noted once (H09)."""
    await tx.write(
        "INSERT INTO intake.contradiction (id, person_id, field, noted_at)"
        " SELECT $1, $2, 'household', $3 WHERE NOT EXISTS (SELECT FROM intake.contradiction"
        " WHERE person_id = $2 AND field = 'household' AND settled_at IS NULL)",
        uuid7(),
        person_id,
        tx.now,
    )


async def settle(tx: Transaction, person_id: UUID, contradiction_id: UUID, *, by: str) -> None:
    """An officer looked into it. Raises NotFound for what is not open."""
    await tx.begin()
    done = await tx.write(
        "UPDATE intake.contradiction SET settled_at = $3, settled_by = $4"
        " WHERE id = $1 AND person_id = $2 AND settled_at IS NULL RETURNING id",
        contradiction_id,
        person_id,
        tx.now,
        by,
    )
    if done is None:
        raise NotFound
