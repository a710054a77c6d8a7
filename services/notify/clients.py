"""Whom notify asks: the SMS providers outside, and intake for how to reach a person."""

from collections.abc import Collection
from dataclasses import dataclass
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
