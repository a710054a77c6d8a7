"""One household out of a seed and its number: who, where, why, and to which account. Pure.

The same seed and number give the same household for ever; no two numbers share a national code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar
from uuid import UUID

from services.intake.clients import Record

BORN_BEFORE = date(2026, 1, 1)
MOST_PEOPLE = 8
_BASE_MS = 1_700_000_000_000
# Bodies never begin with 0: those codes are for people made up elsewhere (deploy.bench, the demo).
# A step that shares no factor with the number of bodies meets each of them once.
_BODIES, _FIRST_BODY, _STEP = 900_000_000, 100_000_000, 282_475_249


T = TypeVar("T")


class Shares(Generic[T]):
    """Things with how many of a hundred are each."""

    def __init__(self, shares: dict[T, int]) -> None:
        self.things, self._upto = list(shares), list(accumulate(shares.values()))

    def one(self, dice: Random) -> T:
        return dice.choices(self.things, cum_weights=self._upto)[0]


SIZES = Shares({1: 38, 2: 22, 3: 17, 4: 13, 5: 6, 6: 3, 7: 1})
REASONS = Shares({"elderly": 34, "disabled": 18, "no_head": 27, "illness": 13, "other": 8})
# Banks that still open accounts, by their code in a Sheba (facts 2.1).
BANKS = Shares(
    {"017": 34, "015": 18, "016": 13, "012": 9, "018": 8, "019": 6, "013": 5, "014": 4, "021": 3}
)
WOMEN = ("زهرا", "فاطمه", "مریم", "معصومه", "زینب", "لیلا", "سکینه", "رقیه", "نرگس", "صدیقه")
MEN = ("علی", "محمد", "حسین", "رضا", "حسن", "مهدی", "ابراهیم", "اکبر", "یوسف", "عباس")
FAMILIES = (
    *("کریمی", "محمدی", "حسینی", "احمدی", "مرادی", "رحیمی", "جعفری", "قاسمی", "صادقی", "نوری"),
    *("رستمی", "حیدری", "اکبری", "باقری", "یوسفی", "عزیزی", "بهرامی", "ملکی", "شریفی", "سلیمی"),
)


def ordered_id(dice: Random, number: int) -> UUID:
    """An id in the form of UUIDv7, a later number's being larger: keys grow at their end."""
    high = (_BASE_MS + number) << 80 | 7 << 76 | dice.getrandbits(12) << 64
    return UUID(int=high | 2 << 62 | dice.getrandbits(62))


def national_code(seed: int, place: int) -> str:
    """The valid national code of this place; another place of the seed has another."""
    body = f"{_FIRST_BODY + (seed * 7_919 + place * _STEP) % _BODIES:09d}"
    rest = sum(int(digit) * (10 - at) for at, digit in enumerate(body)) % 11
    return body + str(rest if rest < 2 else 11 - rest)


def sheba(dice: Random) -> str:
    """A valid account number at a real bank."""
    account = f"{BANKS.one(dice)}{dice.randrange(10**19):019d}"
    return f"IR{98 - int(f'{account}182700') % 97:02d}{account}"


@dataclass(frozen=True, slots=True)
class Area:
    """A county, its province, and the office that serves it."""

    province: str
    county: str
    office_code: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a household; the first one is its head."""

    id: UUID
    relation: str
    record: Record
    mobile: str | None


@dataclass(frozen=True, slots=True)
class Household:
    """A household that is covered and paid."""

    number: int
    id: UUID
    members: Sequence[Member]
    area: Area
    postal_code: str
    reason: str
    covered_on: date
    sheba: str


def household(seed: int, number: int, areas: Sequence[Area]) -> Household:
    """The household of this number."""
    dice = Random(f"{seed}/{number}")
    household_id = ordered_id(dice, number)
    reason = REASONS.one(dice)
    size = 1 if reason == "elderly" and dice.random() < 0.4 else SIZES.one(dice)
    return Household(
        number=number,
        id=household_id,
        members=_people(dice, seed, number, reason=reason, size=size),
        area=dice.choice(areas),
        postal_code=f"{dice.randrange(10**9, 10**10)}",
        reason=reason,
        covered_on=BORN_BEFORE - timedelta(days=dice.randrange(30, 15 * 365)),
        sheba=sheba(dice),
    )


def _people(dice: Random, seed: int, number: int, *, reason: str, size: int) -> Sequence[Member]:
    family, woman = dice.choice(FAMILIES), reason == "no_head" or dice.random() < 0.55
    alone = reason == "no_head" or size == 1 or dice.random() < 0.35
    codes = [national_code(seed, number * MOST_PEOPLE + at) for at in range(size)]
    spouse = None if alone else codes[1]
    years = dice.randrange(62, 92) if reason == "elderly" else dice.randrange(28, 62)
    found = []
    for at, code in enumerate(codes):
        relation = "head" if at == 0 else "spouse" if code == spouse else "child"
        female = woman if at == 0 else not woman if relation == "spouse" else dice.random() < 0.5
        age = dice.randrange(18) if relation == "child" else years + dice.randrange(-4, 5)
        record = Record(
            national_code=code,
            first_name=dice.choice(WOMEN if female else MEN),
            last_name=family if relation != "spouse" else dice.choice(FAMILIES),
            birth_on=BORN_BEFORE - timedelta(days=age * 365 + dice.randrange(365)),
            sex="female" if female else "male",
            marital_status="single" if relation == "child" else "widowed" if alone else "married",
            father_name=dice.choice(MEN),
            birth_certificate_no=str(dice.randrange(1, 99_999)),
            spouse={0: spouse, 1: codes[0]}.get(at) if spouse else None,
            children=tuple(codes[1 if alone else 2 :]) if relation != "child" else (),
        )
        mobile = f"09{dice.randrange(10, 40)}{dice.randrange(10**7):07d}" if at == 0 else None
        found.append(Member(ordered_id(dice, number), relation, record, mobile))
    return found
