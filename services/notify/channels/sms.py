"""SMS as a port, and the adapter to the provider of the sandbox.

A provider says what it guarantees: only one that never sends the same reference twice may be
handed a message again when nobody knows whether the first time arrived (decision 5).
"""

from dataclasses import dataclass
from typing import Protocol

from shared.web.clients import Outside, PartyRefused, PartyUnavailable

ACCOUNT_AT_FAULT = 402
# Two calls in a row, one to ask and one to send, stay well below the lease of a reminder.
TIMEOUT_S = 5.0


class NotAccepted(Exception):
    """The provider said no, and nothing went out.

    `code` is its own word for why; `account` tells that we are at fault, not the recipient.
    """

    def __init__(self, code: str, *, account: bool) -> None:
        super().__init__(code)
        self.code = code
        self.account = account


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has the message, under its own number."""

    provider_ref: str


class SmsProvider(Protocol):
    """What notify needs of a provider; `dedupes` is its guarantee on the caller's reference."""

    @property
    def name(self) -> str: ...

    @property
    def dedupes(self) -> bool: ...

    async def send(self, ref: str, *, mobile: str, text: str) -> Receipt:
        """Hand it over. Raises NotAccepted; after PartyUnavailable nobody knows."""

    async def status(self, ref: str) -> Receipt | None:
        """Whether it has this reference. Raises PartyUnavailable."""

    async def aclose(self) -> None: ...


class SandboxSms:
    """`sms-primary` or `sms-secondary` of the sandbox: deduplicates on `localId` for ever."""

    dedupes = True

    def __init__(self, url: str, *, name: str) -> None:
        self.name = name
        self._party = Outside(f"{url}/{name}/v1", party=name, timeout_s=TIMEOUT_S)

    async def aclose(self) -> None:
        await self._party.aclose()

    async def send(self, ref: str, *, mobile: str, text: str) -> Receipt:
        try:
            answer = await self._party.post(
                "/send", {"receptor": mobile, "message": text, "localId": ref}
            )
        except PartyRefused as no:
            code = no.party_code or str(no.party_status)
            raise NotAccepted(code, account=no.party_status == ACCOUNT_AT_FAULT) from None
        return self._receipt(answer)

    async def status(self, ref: str) -> Receipt | None:
        try:
            answer = await self._party.post("/status", {"localId": ref}, inquiry=True)
        except PartyRefused:
            raise PartyUnavailable(self.name) from None
        if isinstance(answer, dict) and answer.get("found") is False:
            return None
        return self._receipt(answer)

    def _receipt(self, answer: object) -> Receipt:
        number = answer.get("messageId") if isinstance(answer, dict) else None
        if number is None:
            raise PartyUnavailable(self.name)
        return Receipt(str(number))
