"""What happened in a life: proven where it must be, written once, told once."""

from datetime import date
from uuid import UUID

from services.intake.clients import Life, Record, clients
from services.intake.errors import DeathNotProven, DeathStands, RegistryAway
from services.intake.life_events.schemas import LifeEventIn
from services.intake.people import queries
from services.intake.people.actions.persons import Happened, happened, locked, refresh
from services.intake.people.models import LifeEvent, Person
from services.intake.schemas import not_after
from shared.storage import idempotency
from shared.storage.db import Transaction
from shared.values.calendar import tehran_date
from shared.web.auth import Actor
from shared.web.clients import PartyUnavailable
from shared.web.errors import NotFound


async def report(tx: Transaction, body: LifeEventIn, *, actor: Actor) -> Happened:
    """Write a life event and tell it; the same one again changes and tells nothing.

    Raises NotFound for whom the caller does not serve, RegistryAway, DeathNotProven, DeathStands.
    """
    not_after(body.occurred_on, tehran_date(tx.now), "/occurred_on")
    await idempotency.replay_if_known(tx)
    if body.kind == "birth":
        return await _born(tx, body, actor=actor)
    found = await queries.person(tx, national_code=body.national_code)
    if found is None or not queries.in_reach(found, actor):
        raise NotFound
    life = await _proof(tx, body) if body.kind in {"death", "death_reversed"} else None
    person = await _locked(tx, found["id"])
    on = life.died_on if life and life.died_on else body.occurred_on
    turns = _turn(person, body.kind, on, life) if life is not None else False
    home = found["household"] or {}
    event = LifeEvent(
        person_id=person.id, kind=body.kind, occurred_on=on, evidence=body.evidence,
        reported_by=actor.sub,
    )  # fmt: skip
    return await happened(
        tx, person, event, people=[person.id], household_id=home.get("household_id"), turns=turns
    )


async def _proof(tx: Transaction, body: LifeEventIn) -> Life:
    """What the registry says today: only it makes a death or undoes one (H03)."""
    try:
        life = await clients(tx.runtime).life(body.national_code)
    except PartyUnavailable:
        raise RegistryAway from None
    if body.kind == "death" and (life is None or life.alive):
        raise DeathNotProven
    if body.kind == "death_reversed" and (life is None or not life.alive):
        raise DeathStands
    if life is None:
        raise NotFound
    return life


def _turn(person: Person, kind: str, on: date, life: Life) -> bool:
    """Bring the person to what the registry says; True where that is news to us."""
    news = person.alive is not life.alive
    person.alive = life.alive
    person.died_on = on if kind == "death" else None
    return news


async def _born(tx: Transaction, body: LifeEventIn, *, actor: Actor) -> Happened:
    """A child whom the registry knows, of a parent whom we know."""
    record = await _registered(tx, body.national_code)
    parents = [
        found
        for code in (record.mother, record.father)
        if code and (found := await queries.person(tx, national_code=code)) is not None
        and queries.in_reach(found, actor)
    ]  # fmt: skip
    if not parents:
        raise NotFound
    child = await _locked(tx, await refresh(tx, record, tracking_code=None))
    homes = [found["household"] for found in parents if found["household"]]
    event = LifeEvent(
        person_id=child.id, kind=body.kind, occurred_on=record.birth_on, evidence=body.evidence,
        reported_by=actor.sub,
    )  # fmt: skip
    people = [child.id, *(found["id"] for found in parents)]
    home = homes[0]["household_id"] if homes else None
    return await happened(tx, child, event, people=people, household_id=home)


async def _registered(tx: Transaction, national_code: str) -> Record:
    try:
        record = await clients(tx.runtime).relations(national_code, keep_s=0)
    except PartyUnavailable:
        raise RegistryAway from None
    if record is None:
        raise NotFound
    return record


async def _locked(tx: Transaction, person_id: UUID) -> Person:
    person = await locked(tx, person_id=person_id)
    if person is None:
        raise NotFound
    return person
