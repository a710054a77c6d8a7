"""Households come together, gain and lose members, change head and office."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.intake.catalogue.queries import rulebook
from services.intake.coverage.actions import Past, remember, start, uncover
from services.intake.coverage.schemas import CoverageIn
from services.intake.errors import HeadNeedsSuccessor
from services.intake.households.schemas import (
    HouseholdChangeIn,
    HouseholdIn,
    HouseholdRow,
    MemberEndIn,
    MemberIn,
    TransferIn,
)
from services.intake.people.actions.living import Place, add_member, new_household
from services.intake.people.actions.persons import refresh
from services.intake.people.models import Household, Membership
from services.intake.people.queries import records_of
from services.intake.schemas import AddressIn, not_after
from shared.storage import audit, idempotency
from shared.storage.db import Transaction
from shared.storage.outbox import tell
from shared.values.calendar import tehran_date
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput, NotFound, StaleVersion


async def take_over(tx: Transaction, row: HouseholdRow, *, actor: Actor) -> UUID:
    """A household that an older system covered: formed and covered as an office would do it.

    Raises as `form` and the start of a coverage do, and InvalidInput for a day that has not come.
    """
    today = tehran_date(tx.now)
    not_after(row.covered_on, today, "/covered_on")
    household_id = await form(tx, row.household(), since=row.covered_on)
    people = [one.person_id for one in await _members(tx, household_id)]
    covering = CoverageIn(
        household_id=household_id, person_ids=people, reason=row.reason, started_on=row.covered_on
    )
    await start(tx, covering, actor=actor)
    taken = Past("taken_over", "none", "formed", "import")
    await remember(tx, household_id, 1, taken, actor=actor)
    household = await _locked(tx, household_id)
    await audit.record(
        tx,
        actor=actor.sub,
        action="household.taken_over",
        subject=tx.runtime.crypto.pseudonym(household.head_id),
        reference=str(household_id),
        role=min(actor.roles),
    )
    return household_id


async def form(
    tx: Transaction, body: HouseholdIn, *, actor: Actor | None = None, since: date | None = None
) -> UUID:
    """A head and those who live with them, as the civil registry knows them.

    With an actor the place must be of their province; `since` is the head's first day, today
    where none is given.
    Raises RegistryAway, PersonInOtherHousehold, and InvalidInput with every fault at once.
    """
    today = tehran_date(tx.now)
    place = await _place(tx, body.address, actor)
    codes = [body.head, *(member.national_code for member in body.members)]
    if len(set(codes)) != len(codes):
        raise InvalidInput(errors=[_fault("/members", "repeated", "یکی دو بار آمده است", "Twice")])
    for at, member in enumerate(body.members):
        not_after(member.joined_on or today, today, f"/members/{at}/joined_on")
    await idempotency.replay_if_known(tx)
    asked = {"/head": body.head}
    asked |= {f"/members/{at}": member.national_code for at, member in enumerate(body.members)}
    records = await records_of(tx, asked)
    ids = {code: await refresh(tx, records[code], tracking_code=None) for code in sorted(codes)}
    first = min([since or today, *(member.joined_on or today for member in body.members)])
    household_id = await new_household(tx, ids[body.head], place=place, on=first)
    for member in body.members:
        person_id = ids[member.national_code]
        on = member.joined_on or today
        await add_member(tx, household_id, person_id, member.relation, on=on)
    household = await _locked(tx, household_id)
    await _tell(tx, household, "formed", list(ids.values()))
    return household_id


async def join(tx: Transaction, household_id: UUID, body: MemberIn, *, on: date) -> None:
    """Somebody lives here from a day on. Raises RegistryAway, PersonInOtherHousehold (H09)."""
    not_after(on, tehran_date(tx.now), "/joined_on")
    await idempotency.replay_if_known(tx)
    records = await records_of(tx, {"": body.national_code})
    household = await _locked(tx, household_id)
    person_id = await refresh(tx, records[body.national_code], tracking_code=None)
    await add_member(tx, household_id, person_id, body.relation, on=on)
    await _changed(tx, household, "member_joined", [person_id])


async def leave(
    tx: Transaction, household_id: UUID, person_id: UUID, body: MemberEndIn, *, actor: Actor
) -> None:
    """Somebody lives here no more from a day on, nor is covered with this household.

    Raises HeadNeedsSuccessor while others stay, and NotFound for whom it does not have.
    """
    not_after(body.on, tehran_date(tx.now), "/on")
    household = await _locked(tx, household_id)
    members = {one.person_id: one for one in await _members(tx, household_id)}
    membership = members.pop(person_id, None)
    if membership is None:
        raise NotFound
    if person_id == household.head_id and members:
        raise HeadNeedsSuccessor
    if body.on < membership.joined_on:
        fault = _fault("/on", "ends_before_it_begins", "پیش از پیوستن او است", "Before they joined")
        raise InvalidInput(errors=[fault])
    membership.ended_on = body.on
    await uncover(tx, household_id, person_id, on=body.on)
    await _changed(tx, household, "member_left", [person_id])
    taken = Past("member_left", "member", "left", body.reason)
    await remember(tx, household_id, household.version, taken, actor=actor)


async def change(
    tx: Transaction, household_id: UUID, body: HouseholdChangeIn, *, actor: Actor
) -> None:
    """Another head, other relations, another address. Raises StaleVersion, InvalidInput."""
    household = await _locked(tx, household_id)
    members = {one.person_id: one for one in await _members(tx, household_id)}
    named = {body.head_id, *(kin.person_id for kin in body.members)}
    if named - set(members):
        fault = _fault("/head_id", "not_a_member", "عضو این خانوار نیست", "Not a member here")
        raise InvalidInput(errors=[fault])
    if body.head_id != household.head_id:
        if household.head_id in members:
            members[household.head_id].relation = "other"
        members[body.head_id].relation = "head"
        household.head_id = body.head_id
    for kin in body.members:
        if kin.person_id != body.head_id:
            members[kin.person_id].relation = kin.relation
    if body.address is not None:
        _settle(tx, household, await _place(tx, body.address, actor))
    await _changed(tx, household, "changed", list(members))


async def transfer(tx: Transaction, household_id: UUID, body: TransferIn, *, actor: Actor) -> None:
    """The household goes to another office, and its applications with it.

    What was answered with a yes goes along: what was granted is served where the household is.
    """
    book = await rulebook(tx)
    office = next((one for one in book.offices if one.code == body.office_code), None)
    if office is None:
        fault = _fault("/office_code", "unknown_office", "این اداره شناخته نیست", "Not known")
        raise InvalidInput(errors=[fault])
    household = await _locked(tx, household_id)
    left = household.office_code or "none"
    if body.address is not None:
        _settle(tx, household, await _place(tx, body.address, None))
    elif household.province != office.province:
        household.county = None
    household.province, household.office_code = office.province, office.code
    await tx.flush()
    await tx.write(
        "UPDATE intake.application SET province = $2, office_code = $3, changed_at = $4"
        " WHERE household_id = $1 AND (stopped_on IS NULL OR status = 'closed')",
        household_id,
        office.province,
        office.code,
        tx.now,
    )
    people = [one.person_id for one in await _members(tx, household_id)]
    await _changed(tx, household, "transferred", people, office=office.name_fa)
    taken = Past("transferred", left, office.code, body.reason)
    await remember(tx, household_id, household.version, taken, actor=actor)


async def _locked(tx: Transaction, household_id: UUID) -> Household:
    """The household, held until the end. Raises NotFound, StaleVersion."""
    found: Household | None = await tx.scalar(
        select(Household).where(Household.id == household_id).with_for_update()
    )
    if found is None:
        raise NotFound
    if tx.if_match not in {None, found.version}:
        raise StaleVersion
    return found


async def _members(tx: Transaction, household_id: UUID) -> Sequence[Membership]:
    found = await tx.scalars(
        select(Membership).where(
            Membership.household_id == household_id, Membership.ended_on.is_(None)
        )
    )
    return found.all()


async def _place(tx: Transaction, address: AddressIn | None, actor: Actor | None) -> Place:
    """Where it is and who serves it. Raises InvalidInput for a place that is not the caller's."""
    book = await rulebook(tx)
    if address is None:
        province = actor.province if actor else None
        office = book.office(province, None)
        return Place(province, None, office.code if office else None)
    province = book.area(address.province)
    county = book.area(address.county, within=province) if province else None
    faults = []
    if province is None or county is None:
        unknown = "این محل در فهرست تقسیمات کشوری نیست", "This place is not in the list of areas"
        at = "/address/county" if province else "/address/province"
        faults.append(_fault(at, "unknown_area", *unknown))
    elif actor is not None and province != actor.province:
        other = "این استان حوزهٔ کار شما نیست", "This is not your province"
        faults.append(_fault("/address/province", "other_province", *other))
    if faults:
        raise InvalidInput(errors=faults)
    office = book.office(province, county)
    return Place(province, county, office.code if office else None, address.model_dump())


def _settle(tx: Transaction, household: Household, place: Place) -> None:
    household.province, household.county = place.province, place.county
    household.office_code = place.office_code
    household.address = tx.runtime.crypto.seal_json(
        dict(place.address or {}), table="intake.household", column="address", row=household.id
    )


async def _changed(
    tx: Transaction, household: Household, what: str, people: list[UUID], **facts: str
) -> None:
    household.version += 1
    await _tell(tx, household, what, people, **facts)


async def _tell(
    tx: Transaction, household: Household, what: str, people: list[UUID], **facts: str
) -> None:
    await tx.flush()
    payload: dict[str, Any] = {
        "household_id": str(household.id),
        "head_id": str(household.head_id),
        "person_ids": [str(person) for person in people],
        "province": household.province,
        "county": household.county,
        "office_code": household.office_code,
        "change": what,
        "version": household.version,
        "on": tehran_date(tx.now).isoformat(),
        "facts": facts,
    }
    await tell(
        tx, "household.changed", subject_id=household.id, version=household.version,
        payload=payload,
    )  # fmt: skip


def _fault(pointer: str, code: str, fa: str, en: str) -> Fault:
    return Fault(pointer, code, fa, en)
