"""Adapters to the registries: who somebody is, and whose a mobile number is.

An answer is remembered for as long as policy says; a registry that does not answer is `None`,
which is never taken for a no.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self, TypeVar

from persiantools.jdatetime import JalaliDate

from shared.storage.db import Runtime
from shared.web.clients import Outside, PartyUnavailable

REMEMBERED = 20_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """A person as the civil registry answers. Codes of relatives are national codes."""

    national_code: str
    first_name: str
    last_name: str
    birth_on: date
    sex: str
    alive: bool = True
    died_on: date | None = None
    marital_status: str = "single"
    father_name: str | None = None
    birth_certificate_no: str | None = None
    father: str | None = None
    mother: str | None = None
    spouse: str | None = None
    children: tuple[str, ...] = ()
    address: dict[str, Any] | None = None
    relatives: tuple[dict[str, Any], ...] = field(default=())

    @property
    def kin(self) -> frozenset[str]:
        """National codes of the closest relatives."""
        near = {self.father, self.mother, self.spouse, *self.children}
        return frozenset(code for code in near if code)

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Self:
        """From the registry's answer; its dates are Jalali."""
        died = answer.get("deathDate")
        return cls(
            national_code=answer["nationalId"],
            first_name=answer["firstName"],
            last_name=answer["lastName"],
            birth_on=gregorian(answer["birthDate"]),
            sex=answer["gender"],
            alive=answer["alive"],
            died_on=gregorian(died) if died else None,
            marital_status=answer["maritalStatus"],
            father_name=answer.get("fatherName"),
            birth_certificate_no=answer.get("birthCertificateNo"),
            father=answer.get("father"),
            mother=answer.get("mother"),
            spouse=answer.get("spouse"),
            children=tuple(answer.get("children") or ()),
            address=answer.get("address"),
            relatives=tuple(answer.get("relatives") or ()),
        )

    def relation_of(self, code: str) -> str:
        """What the person with this national code is to them."""
        near = {self.spouse: "spouse", self.father: "father", self.mother: "mother"}
        return "child" if code in self.children else near.get(code, "other")

    def as_json(self) -> dict[str, Any]:
        """What is sealed with the person."""
        return {
            "national_code": self.national_code,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "father_name": self.father_name,
            "birth_certificate_no": self.birth_certificate_no,
            "birth_on": self.birth_on.isoformat(),
            "sex": self.sex,
            "marital_status": self.marital_status,
            "died_on": self.died_on.isoformat() if self.died_on else None,
            "father": self.father,
            "mother": self.mother,
            "spouse": self.spouse,
            "children": list(self.children),
        }


@dataclass(frozen=True, slots=True)
class Life:
    """Whether somebody lives, as the registry says today."""

    alive: bool
    died_on: date | None


def gregorian(jalali: str) -> date:
    """The registry's `1359/12/11` as a date. Raises ValueError for what is no day."""
    year, month, day = (int(part) for part in jalali.split("/"))
    found: date = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
    return found


def jalali(day: date) -> str:
    """A date as the registry writes it."""
    return str(JalaliDate(day).strftime("%Y/%m/%d"))  # type: ignore[no-untyped-call]


class Remembered:
    """Answers kept for a while, and one call where twenty ask the same at once."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, tuple[float, Any]] = OrderedDict()
        self._asked: dict[bytes, asyncio.Future[Any]] = {}

    def holds(self, key: bytes) -> bool:
        """Whether this answer is kept and still good."""
        held = self._held.get(key)
        return held is not None and held[0] > time.monotonic()

    async def get(self, key: bytes, seconds: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The kept answer, or the one that `ask` gets now. What `ask` raises is not kept."""
        if self.holds(key):
            found: T = self._held[key][1]
            return found
        if key in self._asked:
            shared: T = await asyncio.shield(self._asked[key])
            return shared
        asking = asyncio.ensure_future(ask())
        self._asked[key] = asking
        try:
            answer = await asyncio.shield(asking)
        finally:
            self._asked.pop(key, None)
        self._held[key] = (time.monotonic() + seconds, answer)
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)
        return answer


class Clients:
    """The outside parties of intake."""

    def __init__(self, runtime: Runtime) -> None:
        url = runtime.settings.sandbox_url
        self._index = runtime.crypto.index
        self._registry = Outside(f"{url}/civil-registry/v1", party="civil-registry", timeout_s=2)
        self._shahkar = Outside(f"{url}/shahkar/v1", party="shahkar", timeout_s=2)
        self._people = Remembered()
        self._mobiles = Remembered()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._registry.aclose()
        await self._shahkar.aclose()

    def remembers(
        self, national_code: str, birth_on: date, *, mobile: str, owner: str, others: Iterable[str]
    ) -> bool:
        """Whether every answer about these people is kept, so that nobody need be asked."""
        return (
            self._people.holds(self._person_key(national_code, birth_on))
            and self._mobiles.holds(self._mobile_key(owner, mobile))
            and all(self._people.holds(self._relations_key(code)) for code in others)
        )

    def _person_key(self, national_code: str, birth_on: date) -> bytes:
        return self._index(f"person|{national_code}|{birth_on}")

    def _relations_key(self, national_code: str) -> bytes:
        return self._index(f"relations|{national_code}")

    def _mobile_key(self, national_code: str, mobile: str) -> bytes:
        return self._index(f"mobile|{national_code}|{mobile}")

    async def person(self, national_code: str, birth_on: date, *, keep_s: float) -> Record | None:
        """The registry's record for this code and birth date; None when they do not belong.

        Raises PartyUnavailable.
        """
        return await self._people.get(
            self._person_key(national_code, birth_on),
            keep_s,
            lambda: self._ask(
                "/person", {"nationalId": national_code, "birthDate": jalali(birth_on)}
            ),
        )

    async def relations(self, national_code: str, *, keep_s: float) -> Record | None:
        """The record of a household member, with those relatives whom the registry names.

        Raises PartyUnavailable.
        """
        key, body = self._relations_key(national_code), {"nationalId": national_code}
        return await self._people.get(key, keep_s, lambda: self._ask("/relations", body))

    async def life(self, national_code: str) -> Life | None:
        """Whether somebody lives, asked anew each time; None when the registry knows no such code.

        Raises PartyUnavailable: silence is never taken for a death (H03).
        """
        answer = await self._registry.post(
            "/life-status", {"nationalId": national_code}, inquiry=True
        )
        try:
            if not answer["found"]:
                return None
            died = answer["deathDate"]
            return Life(answer["alive"] is not False, gregorian(died) if died else None)
        except (KeyError, TypeError, ValueError):
            raise PartyUnavailable("civil-registry") from None

    async def _ask(self, path: str, body: dict[str, str]) -> Record | None:
        answer = await self._registry.post(path, body, inquiry=True)
        if not answer.get("found"):
            return None
        try:
            return Record.read(answer)
        except (KeyError, TypeError, ValueError):
            raise PartyUnavailable("civil-registry") from None

    async def owns(self, national_code: str, mobile: str, *, keep_s: float) -> bool:
        """Whether the mobile belongs to this person (Shahkar). Raises PartyUnavailable."""
        key = self._mobile_key(national_code, mobile)

        async def ask() -> bool:
            answer = await self._shahkar.post(
                "/match", {"nationalId": national_code, "mobileNumber": mobile}, inquiry=True
            )
            return bool(answer.get("isMatched"))

        return await self._mobiles.get(key, keep_s, ask)


def clients(runtime: Runtime) -> Clients:
    """The adapters of a running intake, typed."""
    found: Clients = runtime.clients
    return found
