"""Who somebody is, asked of the registries before anything is written.

What a silent registry means is policy, per inquiry: the application is taken and finished when the
registry answers, or it is refused for now.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from services.intake.clients import Record, clients
from services.intake.errors import RegistryAway
from shared.storage import policy
from shared.storage.db import Transaction
from shared.values.calendar import tehran_date
from shared.web.clients import PartyUnavailable
from shared.web.errors import Fault

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


async def identify(tx: Transaction, claimed: Claimed) -> Identity:
    """Ask the civil registry and Shahkar at the same time.

    Raises RegistryAway where policy says that nothing is taken while a registry is silent.
    """
    day = tehran_date(tx.now)
    registry = await policy.on(tx, "intake.inquiry.civil_registry", day)
    shahkar = await policy.on(tx, "intake.inquiry.shahkar", day)
    ask = clients(tx.runtime)
    identity = Identity()
    keep = registry["cache_s"]
    questions: list[Awaitable[Any]] = [
        _answered(
            ask.person(claimed.national_code, claimed.birth_on, keep_s=keep), identity, registry
        ),
        _answered(
            ask.owns(claimed.mobile_owner, claimed.mobile, keep_s=shahkar["cache_s"]),
            identity,
            shahkar,
        ),
    ]
    if claimed.subject is not None and claimed.subject != claimed.national_code:
        asked = ask.relations(claimed.subject, keep_s=keep)
        questions.append(_answered(asked, identity, registry))
    person, owns, *subject = await asyncio.gather(*questions)
    _judge_person(identity, claimed.national_code, person, "/applicant")
    if subject:
        _judge_person(identity, str(claimed.subject), subject[0], "/subject")
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
    asking: Awaitable[T], identity: Identity, rule: dict[str, Any]
) -> tuple[T] | None:
    """The answer in a tuple, or None where the party is silent and policy takes that."""
    try:
        return (await asyncio.wait_for(asking, rule["timeout_ms"] / 1000),)
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
        identity.faults.append(
            Fault(
                pointer,
                "identity_mismatch",
                "کد ملی و تاریخ تولد در ثبت احوال با هم نمی‌خوانند",
                "The civil registry does not know this code with this birth date",
            )
        )
        return
    identity.records[code] = record
    if not record.alive:
        identity.faults.append(
            Fault(
                f"{pointer}/national_code",
                "person_deceased",
                "بنا بر ثبت احوال این شخص درگذشته است",
                "According to the civil registry this person has died",
            )
        )
