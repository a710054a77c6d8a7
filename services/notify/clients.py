"""Whom notify asks: the SMS providers outside, and intake for how to reach a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.notify.channels.sms import SandboxSms, SmsProvider
from shared.storage.db import Runtime


@dataclass(frozen=True, slots=True)
class Contact:
    """How a living person is reached; without a mobile, by the portal only."""

    person_id: UUID
    holder: bytes
    mobile: str | None


class Clients:
    """The SMS providers, in the order in which they are asked."""

    def __init__(self, runtime: Runtime) -> None:
        url = runtime.settings.sandbox_url
        self.sms: tuple[SmsProvider, ...] = (SandboxSms(url, name="sms-primary"),)

    def provider(self, name: str) -> SmsProvider:
        """The provider of this name. Raises LookupError for one that is no longer ours."""
        for one in self.sms:
            if one.name == name:
                return one
        raise LookupError("a notice names an SMS provider that is not configured")

    async def aclose(self) -> None:
        for one in self.sms:
            await one.aclose()


def clients(runtime: Runtime) -> Clients:
    """The adapters of a running notify, typed."""
    found: Clients = runtime.clients
    return found


async def contacts(runtime: Runtime, people: Collection[UUID]) -> list[Contact]:
    """How these people are reached now, the dead left out. Raises Unavailable."""
    body = {"person_ids": [str(person) for person in people]}
    answer = await runtime.inside.post(
        "intake", "/internal/people/contacts", body, purpose="notify"
    )
    return [
        Contact(UUID(row["person_id"]), bytes.fromhex(row["holder"]), row["mobile"])
        for row in answer["items"]
        if row["alive"]
    ]


# Very many at a time: ids stay text, as they came


class Reachable(NamedTuple):
    """A living person: the blind index of whose inbox it is, and whether there is a mobile."""

    person_id: str
    holder: bytes
    has_mobile: bool


@dataclass(frozen=True, slots=True)
class Recipients:
    """One page of those whom an event is for; `after` asks for the next one, None ends it."""

    person_ids: Sequence[str]
    after: str | None


async def recipients(
    runtime: Runtime, service: str, path: str, *, after: UUID | None, limit: int
) -> Recipients:
    """Whom an event is for, as its owner says. Raises Unavailable."""
    params = {"limit": str(limit)} | ({"after": str(after)} if after else {})
    answer = await runtime.inside.get(service, path, purpose="notify", params=params)
    return Recipients(answer["person_ids"], answer["after"])


async def reachable(runtime: Runtime, people: Sequence[str]) -> list[Reachable]:
    """Those of them who live. Raises Unavailable."""
    answer = await runtime.inside.post(
        "intake", "/internal/people/reachable", {"person_ids": people}, purpose="notify"
    )
    return [
        Reachable(person_id, bytes.fromhex(holder), has_mobile)
        for person_id, holder, has_mobile in answer["items"]
    ]
