"""Households come together; nobody lives in two at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from services.intake.errors import PersonInOtherHousehold
from services.intake.people.actions.persons import contradict
from services.intake.people.models import Household, Membership, Person
from services.intake.people.queries import household_of
from shared.storage.db import Transaction
from shared.values.identifiers import uuid7


@dataclass(frozen=True, slots=True)
class Place:
    """Where a household lives, and which office serves it; the address is a sealed field."""

    province: str | None = None
    county: str | None = None
    office_code: str | None = None
    address: Mapping[str, Any] | None = None


async def join_household(
    tx: Transaction,
    head_id: UUID,
    members: Sequence[tuple[UUID, str]],
    *,
    place: Place,
    on: date,
    tracking_code: str,
) -> UUID:
    """The head's household, made where there is none, with these members in it from that day.

    A member who lives in another household is left there, nobody is ever in two at a time (H09);
    one who lives here and was not named stays. Both are noted as contradictions.
    """
    household_id = await household_of(tx, head_id, on=on, or_since=True)
    if household_id is None:
        household_id = await new_household(tx, head_id, place=place, on=on)
    else:
        await _move_house(tx, household_id, place)
        named = [head_id, *(person_id for person_id, _ in members)]
        for person_id in await _unnamed(tx, household_id, named):
            await contradict(tx, person_id, "members", tracking_code=tracking_code)
    for person_id, relation in members:
        lives_in = await household_of(tx, person_id, on=on, or_since=True)
        if lives_in is None:
            await tx.add(_membership(household_id, person_id, relation, on=on))
        elif lives_in != household_id:
            await contradict(tx, person_id, "household", tracking_code=tracking_code)
    return household_id


async def _unnamed(tx: Transaction, household_id: UUID, named: Sequence[UUID]) -> list[UUID]:
    """Living members of a household whom its head did not name."""
    found = await tx.scalars(
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.household_id == household_id,
            Membership.ended_on.is_(None),
            Membership.person_id.not_in(named),
            Person.alive,
        )
    )
    return list(found)


async def _move_house(tx: Transaction, household_id: UUID, place: Place) -> None:
    """The address that was filed last is where the household lives."""
    if place.address is None:
        return
    household: Household = await tx.scalar(
        select(Household).where(Household.id == household_id).with_for_update()
    )
    household.province, household.county = place.province, place.county
    household.address = _sealed(tx, household_id, place.address)
    household.version += 1
    await tx.flush()


def _sealed(tx: Transaction, household_id: UUID, address: Mapping[str, Any]) -> bytes:
    return tx.runtime.crypto.seal_json(
        dict(address), table="intake.household", column="address", row=household_id
    )


async def new_household(tx: Transaction, head_id: UUID, *, place: Place, on: date) -> UUID:
    """A household with its head as the first member. Raises PersonInOtherHousehold."""
    household_id = uuid7()
    household = Household(
        id=household_id,
        head_id=head_id,
        province=place.province,
        county=place.county,
        office_code=place.office_code,
        created_at=tx.now,
        version=1,
    )
    if place.address:
        household.address = _sealed(tx, household_id, place.address)
    await tx.add(household)
    await add_member(tx, household_id, head_id, "head", on=on)
    return household_id


async def add_member(
    tx: Transaction, household_id: UUID, person_id: UUID, relation: str, *, on: date
) -> Membership:
    """Somebody lives here from that day. Raises PersonInOtherHousehold, also under race (H09)."""
    membership = _membership(household_id, person_id, relation, on=on)
    try:
        await tx.add(membership)
    except Exception as failure:
        if _violates(failure, "one_household_at_a_time"):
            raise PersonInOtherHousehold(person_id=str(person_id)) from None
        raise
    return membership


def _violates(failure: Exception, constraint: str) -> bool:
    """Whether a database error names this constraint, however deep the driver's error is."""
    cause: BaseException | None = getattr(failure, "orig", failure)
    while cause is not None:
        if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
            return bool(cause.constraint_name == constraint)
        cause = cause.__cause__
    return False


def _membership(household_id: UUID, person_id: UUID, relation: str, *, on: date) -> Membership:
    return Membership(
        id=uuid7(),
        household_id=household_id,
        person_id=person_id,
        relation=relation,
        joined_on=on,
    )
