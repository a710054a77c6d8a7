"""Two SMS providers with one contract: deduplicated by the caller's reference, for ever."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from deploy.sandbox.desk import Body, Desk, PartyRefusal
from deploy.sandbox.lines import Line
from deploy.sandbox.records import Party, Record
from deploy.sandbox.world import World

PROVIDERS: Final[tuple[Party, Party]] = ("sms-primary", "sms-secondary")
FIRST_ID: Final = 100_000_001
RIAL_PER_PART: Final = 1_200
DELIVERED_AFTER: Final = timedelta(seconds=2)
NEVER_DELIVERED: Final = "09000000003"
MOBILE: Final = re.compile(r"09[0-9]{9}")

LocalId = Annotated[str, Field(pattern=r"\A[!-~]{1,64}\z")]

# Receptors with a fate of their own, so that each class of error can be met on demand.
FATES: Final = {
    "09000000000": (422, 411, "permanent", "the receptor is not valid"),
    "09000000001": (503, 409, "retryable", "the line is busy"),
    "09000000002": (402, 418, "account", "no credit"),
}


class SendAsked(Record):
    receptor: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=100_000)]
    localId: LocalId  # noqa: N815 the party's spelling


class StatusAsked(Record):
    localId: LocalId  # noqa: N815


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a provider has accepted."""

    id: int
    mobile: str
    text: str
    at: str
    provider: str

    def shown(self) -> dict[str, str]:
        return {
            "id": str(self.id),
            "mobile": self.mobile,
            "text": self.text,
            "at": self.at,
            "provider": self.provider,
        }

    def status(self) -> str:
        if self.mobile == NEVER_DELIVERED:
            return "undelivered"
        delivered = datetime.now(UTC) - datetime.fromisoformat(self.at) >= DELIVERED_AFTER
        return "delivered" if delivered else "queued"


class Provider:
    """One provider: what it accepted, by the caller's reference, rebuilt from its journal."""

    def __init__(self, desk: Desk, world: World) -> None:
        self._desk = desk
        self._world = world
        self.accepted: dict[str, Message] = {}
        for line in desk.journal.read():
            if line["line"] == "effect":
                self._keep(line)

    def send(self, asked: SendAsked) -> Body:
        """Accept once per localId. Raises PartyRefusal."""
        first = self.accepted.get(asked.localId)
        if first is not None:
            differs = (first.mobile, first.text) != (asked.receptor, asked.message)
            self._desk.journal.note(line="repeat", reference=asked.localId, differs=differs)
            return _receipt(first)
        self._refuse(asked)
        line = self._desk.journal.note(
            line="effect",
            reference=asked.localId,
            messageId=FIRST_ID + len(self.accepted),
            receptor=asked.receptor,
            message=asked.message,
        )
        return _receipt(self._keep(line))

    def status(self, asked: StatusAsked) -> Body:
        message = self.accepted.get(asked.localId)
        if message is None:
            return {"found": False}
        return {"found": True, "messageId": message.id, "status": message.status()}

    def _refuse(self, asked: SendAsked) -> None:
        if asked.receptor in FATES:
            raise PartyRefusal(*FATES[asked.receptor])
        if not MOBILE.fullmatch(asked.receptor):
            raise PartyRefusal(*FATES["09000000000"])
        if not 1 <= len(asked.message) <= 900:
            raise PartyRefusal(422, 413, "permanent", "the text is empty or too long")
        blocked = self._world.blacklist.get(asked.receptor)
        if blocked is not None and blocked.blocked:
            raise PartyRefusal(422, 115, "permanent", "the receptor is on the black list")

    def _keep(self, line: Line) -> Message:
        message = Message(
            id=line["messageId"],
            mobile=line["receptor"],
            text=line["message"],
            at=line["at"],
            provider=self._desk.party,
        )
        self.accepted[line["reference"]] = message
        return message


class Providers:
    """Both providers, and the phone of everybody who got a message."""

    def __init__(self, world: World, desks: dict[Party, Desk]) -> None:
        self._providers = {name: Provider(desks[name], world) for name in PROVIDERS}

    def __getitem__(self, name: Party) -> Provider:
        return self._providers[name]

    def messages(self, *, mobile: str | None, limit: int) -> list[dict[str, str]]:
        """The last `limit` accepted messages, newest last."""
        found = [
            message
            for provider in self._providers.values()
            for message in provider.accepted.values()
            if mobile in (None, message.mobile)
        ]
        found.sort(key=lambda message: message.at)
        return [message.shown() for message in found[-limit:]]


def routes(providers: Providers, desks: dict[Party, Desk]) -> APIRouter:
    """The same two calls for each provider."""
    router = APIRouter()
    for name in PROVIDERS:
        router.include_router(_provider_routes(providers[name], desks[name]), prefix=f"/{name}/v1")
    return router


def _provider_routes(provider: Provider, desk: Desk) -> APIRouter:
    router = APIRouter()

    @router.post("/send")
    async def send(request: Request) -> JSONResponse:
        return await desk.serve(request, SendAsked, provider.send)

    @router.post("/status")
    async def status(request: Request) -> JSONResponse:
        return await desk.serve(request, StatusAsked, provider.status)

    return router


def _receipt(message: Message) -> dict[str, Any]:
    parts = parts_of(message.text)
    return {
        "messageId": message.id,
        "status": "queued",
        "parts": parts,
        "cost": parts * RIAL_PER_PART,
    }


def parts_of(text: str) -> int:
    """Persian goes as UCS-2: 70 characters alone, 67 in each of several parts; ASCII 160, 153."""
    alone, joined = (160, 153) if text.isascii() else (70, 67)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= alone else -(-length // joined)
