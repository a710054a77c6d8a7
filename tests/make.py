"""Builders: people who exist nowhere else, and the bodies that speak of them."""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any


def national_code() -> str:
    """A valid national code that no other test has."""
    while True:
        digits = f"{secrets.randbelow(10**9):09d}"
        total = sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
        code = digits + str(total if total < 2 else 11 - total)
        if len(set(code)) > 1:
            return code


def sheba(bank: str = "017") -> str:
    """A valid account number at a bank."""
    body = f"{bank}{secrets.randbelow(10**19):019d}"
    check = 98 - int(f"{body}182700") % 97
    return f"IR{check:02d}{body}"


def mobile() -> str:
    """A mobile number that no other test has (nor the sandbox's special ones)."""
    return f"0912{secrets.randbelow(10**7 - 100) + 100:07d}"


@dataclass
class Person:
    """Somebody as the registries know them."""

    first_name: str = "زهرا"
    last_name: str = "کریمی"
    sex: str = "female"
    birth_on: date = date(1981, 3, 2)
    marital_status: str = "widowed"
    alive: bool = True
    died_on: date | None = None
    national_code: str = field(default_factory=national_code)
    mobile: str | None = field(default_factory=mobile)
    sheba: str | None = field(default_factory=sheba)
    father: str | None = None
    mother: str | None = None
    spouse: str | None = None
    children: list[str] = field(default_factory=list)

    def registry(self) -> dict[str, Any]:
        """The body of the sandbox's `PUT /people/{national_code}`."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "father_name": "حسین",
            "sex": self.sex,
            "birth_on": self.birth_on.isoformat(),
            "birth_certificate_no": "2817",
            "alive": self.alive,
            "died_on": self.died_on.isoformat() if self.died_on else None,
            "marital_status": self.marital_status,
            "father": self.father,
            "mother": self.mother,
            "spouse": self.spouse,
            "children": self.children,
            "mobiles": [self.mobile] if self.mobile else [],
            "address": None,
            "events": [],
        }


def child(parent: Person, **more: Any) -> Person:
    """A minor son of a widow, whom the registry knows as hers."""
    made = Person(
        first_name="امیرعلی", sex="male", birth_on=date(2012, 11, 7), marital_status="single",
        mobile=None, sheba=None, mother=parent.national_code, **more,
    )  # fmt: skip
    parent.children.append(made.national_code)
    return made


def livelihood(
    applicant: Person, *members: Person, channel: str = "counter", **more: Any
) -> dict[str, Any]:
    """The body of an application for the livelihood service."""
    details = {
        "reason": "no_head",
        "sheba": applicant.sheba,
        "address": {
            "province": "تهران",
            "county": "تهران",
            "postal_code": "1311675319",
            "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
        },
        "members": [member.national_code for member in members],
    } | more.pop("details", {})
    return {
        "service": "livelihood",
        "channel": channel,
        "applicant": {
            "national_code": applicant.national_code,
            "birth_on": applicant.birth_on.isoformat(),
            "mobile": applicant.mobile,
        },
        "statement_version": 1,
        "declaration_accepted": True,
        "details": details,
    } | more


def days_after(instant: str, days: int) -> str:
    """An RFC 3339 instant so many days later."""
    return (datetime.fromisoformat(instant) + timedelta(days=days)).isoformat()


def days_between(first: str, last: str) -> int:
    """Days from one ISO day to another."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
