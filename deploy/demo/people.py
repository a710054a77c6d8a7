"""A family that exists nowhere else: a widow and her two children, new for every telling."""

import secrets
from dataclasses import dataclass, field
from typing import Any

ADDRESS = {
    "province": "تهران",
    "county": "تهران",
    "postal_code": "1311675319",
    "text": "خیابان شوش، کوچهٔ یاس، پلاک ۱۲",
}
FIRST_NAMES = ("زهرا", "مریم", "فاطمه", "معصومه", "لیلا", "سمیه")
LAST_NAMES = ("کریمی", "رضایی", "موسوی", "نادری", "شریفی", "اکبری")


def new_code() -> str:
    """Return ten digits, the last of which checks the others."""
    digits = f"{secrets.randbelow(10**9 - 10**7) + 10**7:09d}"
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return f"{digits}{rest if rest < 2 else 11 - rest}"


def new_account(bank: str = "017") -> str:
    """Return an account number at a bank, its two check digits in front."""
    account = f"{bank}{secrets.randbelow(10**19):019d}"
    return f"IR{98 - int(f'{account}182700') % 97:02d}{account}"


@dataclass(frozen=True)
class Widow:
    """The head of the household, her children and her late husband."""

    first_name: str = field(default_factory=lambda: secrets.choice(FIRST_NAMES))
    last_name: str = field(default_factory=lambda: secrets.choice(LAST_NAMES))
    national_code: str = field(default_factory=new_code)
    mobile: str = field(default_factory=lambda: f"0912{secrets.randbelow(10**7):07d}")
    account: str = field(default_factory=new_account)
    husband: str = field(default_factory=new_code)
    children: tuple[str, ...] = field(default_factory=lambda: (new_code(), new_code()))

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def registered(self) -> dict[str, dict[str, Any]]:
        """What the civil registry knows of the four, by national code."""
        family = {"children": list(self.children), "address": ADDRESS}
        parents = {"father": self.husband, "mother": self.national_code, "address": ADDRESS}
        died = {"kind": "death", "on": "2022-10-04", "document_ref": "D-1401-7712"}
        people = {
            self.national_code: family
            | self._named(self.first_name, self.last_name, "حسین", "female", "1981-03-02")
            | {"marital_status": "widowed", "spouse": self.husband, "mobiles": [self.mobile]}
            | {"events": [died]},
            self.husband: family
            | self._named("محمود", "رضایی", "علی", "male", "1976-08-19")
            | {"marital_status": "married", "spouse": self.national_code}
            | {"alive": False, "died_on": "2022-10-04"},
        }
        for code, first, sex, born in zip(
            self.children,
            ("نرگس", "امیرعلی"),
            ("female", "male"),
            ("2008-05-23", "2012-11-07"),
            strict=True,
        ):
            people[code] = parents | self._named(first, "رضایی", "محمود", sex, born)
        return people

    @staticmethod
    def _named(first: str, last: str, father: str, sex: str, born: str) -> dict[str, Any]:
        return {
            "first_name": first,
            "last_name": last,
            "father_name": father,
            "sex": sex,
            "birth_on": born,
        }

    def application(self, *, statement_version: int) -> dict[str, Any]:
        """The body of `POST /v1/applications` that a counter sends for her."""
        return {
            "service": "livelihood",
            "channel": "counter",
            "applicant": {
                "national_code": self.national_code,
                "birth_on": "1981-03-02",
                "mobile": self.mobile,
            },
            "statement_version": statement_version,
            "declaration_accepted": True,
            "details": {
                "reason": "no_head",
                "sheba": self.account,
                "address": ADDRESS,
                "members": list(self.children),
            },
        }
