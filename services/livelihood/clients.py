"""Adapters: the central bank, the banks that pay, the subsidies organisation, and intake."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from shared.storage.db import Runtime, Transaction
from shared.web.clients import Declined, Outside, PartyRefused, PartyUnavailable
from shared.web.errors import NotFound

WORD = re.compile(r"[a-z_]{1,35}")
BANK_S = 10
"""Longer than the other parties: a file is taken whole before the bank answers."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment file as its bank says that it has it."""

    bank_ref: str
    rows: int
    amount_rial: int
    sha256: str


class Clients:
    """The outside parties of livelihood."""

    def __init__(self, runtime: Runtime) -> None:
        self._index = runtime.crypto.index
        url = runtime.settings.sandbox_url
        self._bank = Outside(f"{url}/central-bank/v1", party="central-bank", timeout_s=2)
        self._payments = Outside(f"{url}/bank/v1", party="bank", timeout_s=BANK_S)
        self._subsidies = Outside(f"{url}/subsidies/v1", party="subsidies", timeout_s=5)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._bank.aclose()
        await self._payments.aclose()
        await self._subsidies.aclose()

    async def send_payment_file(self, file_id: UUID, content: bytes, *, bank: str) -> Taken:
        """Give a pain.001 file to its bank, once for ever by its message id.

        Raises PartyRefused; after PartyUnavailable nobody knows whether the bank has it.
        """
        headers = {"message-id": file_id.hex, "receiving-bank": bank}
        answer = await self._payments.post(
            "/files", content, headers=headers, content_type="application/xml"
        )
        return _taken(answer)

    async def payment_file(self, file_id: UUID) -> Taken | None:
        """What the bank has under a message id; None when it has never taken such a file.

        Raises PartyUnavailable, also where our own access to the bank is what it refuses.
        """
        try:
            asked = {"messageId": file_id.hex}
            answer = await self._payments.post("/inquiries", asked, inquiry=True)
        except PartyRefused:
            raise PartyUnavailable("bank") from None
        known = answer.get("found") if isinstance(answer, dict) else None
        if not isinstance(known, bool):
            raise PartyUnavailable("bank")
        return _taken(answer) if known else None

    async def payment(self, reference: UUID) -> str:
        """What the bank says of one payment when it is asked: its own word, or `not_found`.

        Raises PartyUnavailable, also where our own access to the bank is what it refuses.
        """
        try:
            asked = {"endToEndId": reference.hex}
            answer = await self._payments.post("/inquiries", asked, inquiry=True)
        except PartyRefused:
            raise PartyUnavailable("bank") from None
        known = answer.get("found") if isinstance(answer, dict) else None
        said = answer.get("status") if known else "not_found"
        if not (isinstance(known, bool) and isinstance(said, str) and WORD.fullmatch(said)):
            raise PartyUnavailable("bank")
        return said

    async def hand_over(self, batch: "HandoverBatch") -> str:
        """Give a batch to the subsidies organisation; returns its receipt.

        It takes a batch id once, so the same may be sent again. Raises PartyUnavailable,
        PartyRefused.
        """
        answer = await self._subsidies.post("/batches", batch.as_json())
        try:
            return str(answer["receipt"])
        except (KeyError, TypeError):
            raise PartyUnavailable("subsidies") from None

    async def account(self, sheba: str) -> tuple[bytes, str] | None:
        """The holder's blind index and the account's state; None when there is no such account.

        Raises PartyUnavailable, PartyRefused.
        """
        answer = await self._bank.post("/sheba-owner", {"sheba": sheba}, inquiry=True)
        try:
            if not answer["found"]:
                return None
            return self._index(answer["holderNationalId"]), answer["state"]
        except (KeyError, TypeError):
            raise PartyUnavailable("central-bank") from None


def _taken(answer: Any) -> Taken:
    try:
        return Taken(
            bank_ref=str(answer["bankRef"]),
            rows=int(answer["rows"]),
            amount_rial=int(answer["amountRial"]),
            sha256=str(answer["sha256"]),
        )
    except (KeyError, TypeError, ValueError):
        raise PartyUnavailable("bank") from None


def clients(runtime: Runtime) -> Clients:
    """The adapters of a running livelihood, typed."""
    found: Clients = runtime.clients
    return found


async def payment_of(runtime: Runtime, reference: UUID) -> str:
    """What the bank says of one payment when it is asked. Raises PartyUnavailable."""
    return await clients(runtime).payment(reference)


async def account_of(runtime: Runtime, sheba: str) -> tuple[bytes, str] | None:
    """Whose account this is and its state; None when the bank knows of none.

    Raises PartyUnavailable, also where our own access to the bank is what it refuses.
    """
    try:
        return await clients(runtime).account(sheba)
    except PartyRefused as refused:
        if refused.party_status != 422:
            raise PartyUnavailable(refused.party) from None
        return None


# What intake tells of an application


AdmissionReason = Literal["elderly", "disabled", "no_head", "illness", "other"]
Index = Annotated[bytes, BeforeValidator(bytes.fromhex)]


class Person(BaseModel):
    person_id: UUID
    birth_on: date | None = None


class Member(Person):
    relation: str


class Address(BaseModel):
    province: str | None = None
    county: str | None = None
    postal_code: str | None = None
    text: str | None = None


class Details(BaseModel):
    """What a livelihood application asks; the reason is mandatory (LV-11)."""

    reason: AdmissionReason
    sheba: str | None
    address: Address
    emergency_id: UUID | None = None


class Filed(BaseModel):
    """An application as intake has it, for the purpose of admission."""

    tracking_code: str
    application_id: UUID
    applicant: Person
    subject: Person
    person_ids: list[UUID]
    holders: list[Index]
    kin: list[Index]
    province: str | None
    county: str | None
    office_code: str | None
    filed_by: str | None
    channel: str | None
    submitted_on: date
    household_id: UUID | None
    members: list[Member] = Field(default_factory=list)
    missing_documents: list[str] = Field(default_factory=list)
    details: Details
    applicant_code: str

    def household(self) -> dict[str, Any]:
        """What is sealed of the household: who, related how, born when."""
        return {
            "subject_birth_on": self.birth_of(self.subject),
            "members": [member.model_dump(mode="json") for member in self.members],
        }

    def birth_of(self, person: Person) -> str | None:
        """The birth date of somebody whom the application names, if intake told it."""
        told = [person, self.subject, self.applicant, *self.members]
        births = (one.birth_on for one in told if one.person_id == person.person_id)
        return next((birth.isoformat() for birth in births if birth), None)


class Kin(Member):
    """A living member of a household; `holder` is their blind index."""

    holder: Index


class Home(BaseModel):
    """A head's household as intake has it."""

    household_id: UUID
    head_id: UUID
    holder: Index
    alive: bool
    province: str | None
    county: str | None
    office_code: str | None
    address: dict[str, Any]
    members: list[Kin]

    def kept(self) -> dict[str, Any]:
        """What is sealed of it with a case: who, related how, born when."""
        told = {"person_id", "relation", "birth_on"}
        members = [member.model_dump(mode="json", include=told) for member in self.members]
        head = next((one for one in members if one["person_id"] == str(self.head_id)), None)
        return {"subject_birth_on": head["birth_on"] if head else None, "members": members}


async def home_of(tx: Transaction, head: str) -> Home:
    """The household of a living head. Raises NotFound for who heads none, Unavailable."""
    path = "/internal/households/lookup"
    try:
        answer = await tx.runtime.inside.post("intake", path, {"head": head}, purpose="import")
    except Declined as declined:
        if declined.status != 404:
            raise
        raise NotFound from None
    found = Home.model_validate(answer)
    if not found.alive:
        raise NotFound
    return found


async def filed(tx: Transaction, tracking_code: str) -> Filed:
    """The application behind a case, asked of intake. Raises Unavailable and Declined.

    Raises ValueError, without its words, for an answer that is no livelihood application.
    """
    path = f"/internal/applications/{tracking_code}"
    answer = await tx.runtime.inside.get("intake", path, purpose="admission")
    try:
        return Filed.model_validate(answer)
    except ValidationError as error:
        where = sorted({".".join(map(str, found["loc"])) for found in error.errors()})
        raise ValueError(f"intake told no livelihood application: {where}") from None


class Found(BaseModel):
    """Somebody found in need, as intake has made them known; `open` where they have applied."""

    person_id: UUID
    birth_on: date | None
    holder: Index
    kin: list[Index]
    members: list[Member]
    household_id: UUID | None
    province: str | None
    county: str | None
    open: bool

    def household(self) -> dict[str, Any]:
        """What is sealed of the household: who, related how, born when."""
        head = Member(person_id=self.person_id, birth_on=self.birth_on, relation="head")
        return {
            "subject_birth_on": self.birth_on.isoformat() if self.birth_on else None,
            "members": [one.model_dump(mode="json") for one in (head, *self.members)],
        }


async def found(runtime: Runtime, who: dict[str, Any]) -> Found:
    """Have intake make somebody known, by code or id. Raises Unavailable and Declined."""
    body = {"service": "livelihood", **who}
    answer = await runtime.inside.post(
        "intake", "/internal/people/found", body, purpose="identification"
    )
    return Found.model_validate(answer)


# What the Targeted Subsidies Organisation is told


@dataclass(frozen=True, slots=True)
class HandoverEntry:
    """One row of a batch: what is said of one household."""

    reference: str
    kind: str
    national_code: str
    covered_size: int
    from_period: str
    last_period: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "kind": self.kind,
            "nationalId": self.national_code,
            "coveredSize": self.covered_size,
            "fromPeriod": self.from_period,
            "lastPeriod": self.last_period,
        }


@dataclass(frozen=True, slots=True)
class HandoverBatch:
    """A numbered batch; its id is the reference that the organisation takes once."""

    id: UUID
    number: int
    sha256: str
    entries: list[HandoverEntry]

    def as_json(self) -> dict[str, Any]:
        return {
            "batchId": str(self.id),
            "number": self.number,
            "count": len(self.entries),
            "sha256": self.sha256,
            "rows": [entry.as_json() for entry in self.entries],
        }


async def identities(
    runtime: Runtime, people: Collection[UUID], *, purpose: str
) -> dict[UUID, str]:
    """The national codes of people, which intake alone keeps. Raises Unavailable.

    Raises LookupError where intake does not know one of them.
    """
    body = {"person_ids": sorted(map(str, people))}
    answer = await runtime.inside.post(
        "intake", "/internal/people/identities", body, purpose=purpose
    )
    found = {UUID(one["person_id"]): str(one["national_code"]) for one in answer["items"]}
    if len(found) != len(people):
        raise LookupError("a person whom intake does not know")
    return found
