"""Who somebody is: asked of the registries before anything is written, and shown to whom it may be.

What a silent registry means is policy, per inquiry: the application is taken and finished when the
registry answers, or it is refused for now.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from services.intake.clients import Record, clients
from services.intake.errors import RegistryAway
from services.intake.people.models import Membership
from services.intake.people.schemas import LookupOut, PersonView
from shared.cases import SEES_ALL
from shared.storage import audit, idempotency, policy
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, tehran_date
from shared.values.identifiers import mask_national_code
from shared.web.auth import Actor
from shared.web.clients import PartyUnavailable
from shared.web.errors import Fault, InvalidInput

T = TypeVar("T")
ACCEPT = "accept_and_finish"


@dataclass(slots=True)
class Identity:
    """What the registries said: records by national code, faults, and whether all have answered."""

    records: dict[str, Record] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    pending: bool = False

    @property
    def state(self) -> str:
        return "pending" if self.pending else "confirmed"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an application says of its people: codes, and the mobile with whom it should be."""

    national_code: str
    birth_on: date
    mobile: str
    mobile_owner: str
    subject: str | None = None
    members: tuple[str, ...] = ()

    @property
    def others(self) -> dict[str, str]:
        """National codes of the further people named, by JSON pointer."""
        members = {f"/details/members/{at}": code for at, code in enumerate(self.members)}
        if self.subject is None or self.subject == self.national_code:
            return members
        return {"/subject": self.subject} | members


async def identify(tx: Transaction, claimed: Claimed) -> Identity:
    """Ask the civil registry and Shahkar at the same time, as far as they have not been asked.

    Raises RegistryAway where policy says that nothing is taken while a registry is silent, and
    AnsweredBefore for a request whose answer is kept.
    """
    day = tehran_date(tx.now)
    registry = await policy.on(tx, "intake.inquiry.civil_registry", day)
    shahkar = await policy.on(tx, "intake.inquiry.shahkar", day)
    ask = clients(tx.runtime)
    identity = Identity()
    keep = registry["cache_s"]
    others = claimed.others
    remembered = ask.remembers(
        claimed.national_code,
        claimed.birth_on,
        mobile=claimed.mobile,
        owner=claimed.mobile_owner,
        others=others.values(),
    )
    if not remembered:
        # A retry gets its first answer although a registry may be down by now.
        await idempotency.replay_if_known(tx)
    questions: list[Awaitable[Any]] = [
        _answered(
            partial(ask.person, claimed.national_code, claimed.birth_on, keep_s=keep),
            identity,
            registry,
        ),
        _answered(
            partial(ask.owns, claimed.mobile_owner, claimed.mobile, keep_s=shahkar["cache_s"]),
            identity,
            shahkar,
        ),
    ]
    questions += [
        _answered(partial(ask.relations, code, keep_s=keep), identity, registry)
        for code in others.values()
    ]
    if remembered:  # nobody is asked, so nothing need run beside anything
        person, owns, *relations = [await question for question in questions]
    else:
        person, owns, *relations = await asyncio.gather(*questions)
    _judge_person(identity, claimed.national_code, person, "/applicant")
    for (pointer, code), answer in zip(others.items(), relations, strict=True):
        _judge_person(identity, code, answer, pointer)
    if owns == (False,):
        identity.faults.append(
            Fault(
                "/applicant/mobile",
                "mobile_not_owned",
                "این شمارهٔ همراه به نام متقاضی نیست",
                "This mobile number is not registered to the applicant",
            )
        )
    return identity


async def _answered(
    ask: Callable[[], Awaitable[T]], identity: Identity, rule: dict[str, Any]
) -> tuple[T] | None:
    """The answer in a tuple, or None where the party is silent and policy takes that."""
    try:
        async with asyncio.timeout(rule["timeout_ms"] / 1000):
            return (await ask(),)
    except (PartyUnavailable, TimeoutError):
        if rule["when_unavailable"] != ACCEPT:
            raise RegistryAway from None
        identity.pending = True
        return None


def _judge_person(
    identity: Identity, code: str, answer: tuple[Record | None] | None, pointer: str
) -> None:
    if answer is None:
        return
    record = answer[0]
    if record is None:
        identity.faults.append(_mismatch() if pointer == "/applicant" else _unknown(pointer))
        return
    identity.records[code] = record
    if not record.alive:
        named = pointer if pointer.startswith("/details/") else f"{pointer}/national_code"
        identity.faults.append(deceased(named))


def _mismatch() -> Fault:
    return Fault(
        "/applicant",
        "identity_mismatch",
        "کد ملی و تاریخ تولد در ثبت احوال با هم نمی‌خوانند",
        "The civil registry does not know this code with this birth date",
    )


def _unknown(pointer: str) -> Fault:
    return Fault(
        pointer,
        "person_unknown",
        "ثبت احوال این کد ملی را نمی‌شناسد",
        "The civil registry does not know this national code",
    )


def deceased(pointer: str) -> Fault:
    """Nobody who has died asks, is served or lives in a household."""
    return Fault(
        pointer,
        "person_deceased",
        "بنا بر ثبت احوال این شخص درگذشته است",
        "According to the civil registry this person has died",
    )


async def household_of(
    tx: Transaction, person_id: UUID, *, on: date, or_since: bool = False
) -> UUID | None:
    """The household somebody lives in that day, or has come to since."""
    theirs = select(Membership.household_id).where(
        Membership.person_id == person_id,
        (Membership.ended_on.is_(None)) | (Membership.ended_on > on),
    )
    if not or_since:
        theirs = theirs.where(Membership.joined_on <= on)
    found: UUID | None = await tx.scalar(theirs.order_by(Membership.joined_on).limit(1))
    return found


async def contacts(tx: Transaction, person_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """How to reach people: the blind index that a citizen's token leads to, and the mobile."""
    rows = await tx.fetch(
        "SELECT id, code_index, mobile, alive FROM intake.person WHERE id = ANY($1::uuid[])",
        list(person_ids),
    )
    opened = tx.runtime.crypto.open
    return [
        {
            "person_id": row["id"],
            "holder": row["code_index"].hex(),
            "mobile": opened(row["mobile"], table="intake.person", column="mobile", row=row["id"])
            if row["mobile"]
            else None,
            "alive": row["alive"],
        }
        for row in rows
    ]


async def reachable(tx: Transaction, person_ids: Sequence[UUID]) -> str:
    """The living among very many as JSON: id, blind index in hex, whether there is a mobile."""
    row = await tx.fetchrow(
        "SELECT coalesce(json_agg(json_build_array(id, encode(code_index, 'hex'),"
        " mobile IS NOT NULL)), '[]')::text AS found"
        " FROM intake.person WHERE id = ANY($1::uuid[]) AND alive",
        list(person_ids),
    )
    return str(row["found"]) if row else "[]"


async def identities(
    tx: Transaction, person_ids: Sequence[UUID], actor: Actor
) -> list[dict[str, Any]]:
    """National codes by person, with an audit entry for each that says which service read it."""
    rows = await tx.fetch(
        "SELECT id, code FROM intake.person WHERE id = ANY($1::uuid[])", list(person_ids)
    )
    await tx.begin()
    for row in rows:
        await audit.record(
            tx, actor=actor.sub, action="person.identified", request_id=tx.trace,
            subject=tx.runtime.crypto.pseudonym(row["id"]), purpose=actor.purpose,
            reader=actor.service,
        )  # fmt: skip
    opened = tx.runtime.crypto.open
    place = {"table": "intake.person", "column": "code"}
    return [
        {"person_id": row["id"], "national_code": opened(row["code"], **place, row=row["id"])}
        for row in rows
    ]


# What offices and services see


_PERSON = """
SELECT p.*,
  (SELECT json_build_object('household_id', m.household_id, 'relation', m.relation,
      'joined_on', m.joined_on, 'head_id', h.head_id, 'province', h.province,
      'office_code', h.office_code)
    FROM intake.membership m JOIN intake.household h ON h.id = m.household_id
    WHERE m.person_id = p.id AND m.ended_on IS NULL) AS household,
  (SELECT json_agg(json_build_object('coverage_id', c.id, 'reason', c.reason,
      'from_on', cp.from_on, 'file_status', c.file_status) ORDER BY cp.from_on)
    FROM intake.covered_person cp JOIN intake.coverage c ON c.id = cp.coverage_id
    WHERE cp.person_id = p.id AND cp.to_on IS NULL) AS coverage,
  (SELECT json_agg(json_build_object('contradiction_id', d.id, 'field', d.field,
      'tracking_code', d.tracking_code, 'noted_at', d.noted_at) ORDER BY d.noted_at)
    FROM intake.contradiction d WHERE d.person_id = p.id AND d.settled_at IS NULL)
    AS contradictions,
  (SELECT array_agg(DISTINCT a.province) FROM intake.application a
    WHERE a.person_ids @> ARRAY[p.id]) AS asked_in
FROM intake.person p WHERE
"""


async def person(
    tx: Transaction, *, person_id: UUID | None = None, national_code: str | None = None
) -> dict[str, Any] | None:
    """A person with household, coverage and open contradictions, in one read."""
    index = tx.runtime.crypto.index(national_code) if national_code is not None else None
    row = await tx.fetchrow(f"{_PERSON} p.id = $1 OR p.code_index = $2", person_id, index)
    if row is None:
        return None
    found = dict(row)
    for name in ("household", "coverage", "contradictions"):
        found[name] = loads(found[name])
    return found


def serves(actor: Actor, province: str | None) -> bool:
    """Whether staff are of this province, or see every one."""
    mine = actor.province is not None and actor.province == province
    return mine or bool(actor.roles & SEES_ALL)


def in_reach(found: dict[str, Any], actor: Actor) -> bool:
    """Staff see the people of their province: by the household, else by what they applied for."""
    if actor.roles & SEES_ALL:
        return True
    if actor.province is None:
        return False
    if found["household"] is not None and found["household"]["province"] is not None:
        return bool(found["household"]["province"] == actor.province)
    return actor.province in (found["asked_in"] or ())


def opened(tx: Transaction, found: dict[str, Any]) -> dict[str, Any]:
    """What is sealed of a person: code, mobile, and the registry's record."""
    crypto, row = tx.runtime.crypto, found["id"]
    place = {"table": "intake.person", "row": row}
    mobile, record = found["mobile"], found["record"]
    return {
        "national_code": crypto.open(found["code"], column="code", **place),
        "mobile": crypto.open(mobile, column="mobile", **place) if mobile else None,
        "record": crypto.open_json(record, column="record", **place) if record else {},
    }


def view(tx: Transaction, found: dict[str, Any]) -> PersonView:
    """A person as an office sees them."""
    sealed = opened(tx, found)
    record, mobile = sealed["record"], sealed["mobile"]
    birth = record.get("birth_on")
    return PersonView(
        person_id=found["id"],
        version=found["version"],
        national_code=mask_national_code(sealed["national_code"]),
        mobile=f"{mobile[:4]}***{mobile[-4:]}" if mobile else None,
        first_name=record.get("first_name"),
        last_name=record.get("last_name"),
        father_name=record.get("father_name"),
        birth_on=birth,
        birth_on_jalali=jalali_text(date.fromisoformat(birth)) if birth else None,
        sex=record.get("sex"),
        marital_status=record.get("marital_status"),
        alive=found["alive"],
        died_on=found["died_on"],
        household=found["household"],
        coverage=found["coverage"] or [],
        contradictions=found["contradictions"] or [],
    )


def glimpse(tx: Transaction, found: dict[str, Any]) -> LookupOut:
    """A person as whoever knows the code may see them, in whatever province."""
    sealed = opened(tx, found)
    names = (sealed["record"].get("first_name"), sealed["record"].get("last_name"))
    return LookupOut(
        person_id=found["id"],
        national_code=mask_national_code(sealed["national_code"]),
        initials=" ".join(f"{name[0]}." for name in names if name) or None,
        alive=found["alive"],
        in_household=found["household"] is not None,
        covered=bool(found["coverage"]),
    )


def for_service(tx: Transaction, found: dict[str, Any]) -> dict[str, Any]:
    """A person in clear, for one of our own services with its purpose."""
    sealed, home = opened(tx, found), found["household"] or {}
    return {
        "person_id": found["id"],
        "version": found["version"],
        "holder": found["code_index"].hex(),
        "alive": found["alive"],
        "died_on": found["died_on"],
        "mobile": sealed["mobile"],
        **sealed["record"],
        "national_code": sealed["national_code"],
        "household_id": home.get("household_id"),
        "head_id": home.get("head_id"),
        "province": home.get("province"),
        "coverage": found["coverage"] or [],
    }


async def records_of(tx: Transaction, asked: Mapping[str, str]) -> dict[str, Record]:
    """The registry's records of living people, by code; `asked` is code by JSON pointer.

    Raises RegistryAway, and InvalidInput for whom the registry does not know or knows as dead.
    """
    rule = await policy.on(tx, "intake.inquiry.civil_registry", tehran_date(tx.now))
    ask, identity = clients(tx.runtime), Identity()
    for pointer, code in asked.items():
        try:
            record = await ask.relations(code, keep_s=rule["cache_s"])
        except PartyUnavailable:
            raise RegistryAway from None
        _judge_person(identity, code, (record,), pointer)
    if identity.faults:
        raise InvalidInput(errors=identity.faults)
    return identity.records
