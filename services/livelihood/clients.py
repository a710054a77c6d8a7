"""Adapters: whose account a Sheba is (central bank), and what intake knows of an application."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from shared.storage.db import Runtime, Transaction
from shared.web.clients import Declined, Outside, PartyRefused, PartyUnavailable
from shared.web.errors import NotFound


class Clients:
    """The outside parties of livelihood."""

    def __init__(self, runtime: Runtime) -> None:
        self._index = runtime.crypto.index
        url = runtime.settings.sandbox_url
        self._bank = Outside(f"{url}/central-bank/v1", party="central-bank", timeout_s=2)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._bank.aclose()

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


def clients(runtime: Runtime) -> Clients:
    """The adapters of a running livelihood, typed."""
    found: Clients = runtime.clients
    return found


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
    sheba: str
    address: Address


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
