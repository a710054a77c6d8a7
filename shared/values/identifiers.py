"""Identifiers of people, accounts, places and cases: checked by their own arithmetic (facts 2.1).

Persian and Arabic digits are accepted and ASCII is returned, so one code has one spelling. Every
`parse_…` raises ValueError with the name of the type as its code, and never repeats the value.
"""

import os
import re
import time
from typing import Annotated
from uuid import UUID

from shared.values.calendar import parse_period
from shared.values.text import Parsed, ascii_digits

_TEN_DIGITS = re.compile(r"[0-9]{10}")
_SHEBA = re.compile(r"[Ii][Rr][0-9]{24}")
_MOBILE = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})")
_LEGAL_ID = re.compile(r"[0-9]{11}")
_TRACKING_CODE = re.compile(r"[Ss][Hh]-([0-9A-Za-z]{10})")
_OFFICE_CODE = re.compile(r"[0-9A-Za-z-]{1,20}")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_LEGAL_ID_WEIGHTS = (29, 27, 23, 19, 17) * 2


def parse_national_code(text: str) -> str:
    """A person's national code, ten digits: check digit mod 11, never one digit ten times."""
    code = ascii_digits(text)
    if not _TEN_DIGITS.fullmatch(code) or len(set(code)) == 1:
        raise ValueError("national_code")
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(code[:9])) % 11
    if int(code[9]) != (rest if rest < 2 else 11 - rest):
        raise ValueError("national_code")
    return code


def mask_national_code(national_code: str) -> str:
    """`***99`: enough for its owner to recognise, too little for anyone else."""
    return f"***{national_code[-2:]}"


def parse_sheba(text: str) -> str:
    """An Iranian IBAN without spaces (ISO 13616); the bank code is not judged, banks merge."""
    sheba = ascii_digits(text)
    if not _SHEBA.fullmatch(sheba):
        raise ValueError("sheba")
    account = sheba[4:]
    # Compared with the computed digits, for 97+n passes a plain mod 97 as well: two spellings.
    if int(sheba[2:4]) != 98 - int(f"{account}182700") % 97:
        raise ValueError("sheba")
    return sheba.upper()


def bank_code(sheba: str) -> str:
    """The three digits of the bank in a parsed Sheba; their names are dated policy."""
    return sheba[4:7]


def parse_mobile(text: str) -> str:
    """An Iranian mobile as `09…`, from 09…, 9…, 989…, +989… or 00989…."""
    found = _MOBILE.fullmatch(ascii_digits(text))
    if not found:
        raise ValueError("mobile")
    return f"0{found[1]}"


def parse_postal_code(text: str) -> str:
    """Ten digits; whether they are a place only the Post's inquiry says."""
    code = ascii_digits(text)
    if not _TEN_DIGITS.fullmatch(code):
        raise ValueError("postal_code")
    return code


def parse_legal_id(text: str) -> str:
    """The national id of an organisation, eleven digits, the last a check digit mod 11."""
    legal_id = ascii_digits(text)
    if not _LEGAL_ID.fullmatch(legal_id):
        raise ValueError("legal_id")
    *digits, tenth, check = map(int, legal_id)
    weighted = zip((*digits, tenth), _LEGAL_ID_WEIGHTS, strict=True)
    if sum((digit + tenth + 2) * weight for digit, weight in weighted) % 11 % 10 != check:
        raise ValueError("legal_id")
    return legal_id


def parse_office_code(text: str) -> str:
    """An office's code is its owner's affair: up to 20 letters, digits and hyphens."""
    code = ascii_digits(text)
    if not _OFFICE_CODE.fullmatch(code):
        raise ValueError("office_code")
    return code


def new_tracking_code(entropy: bytes) -> str:
    """`SH-` + nine random characters + one check character, from six random bytes (45 bits used).

    Raises ValueError("entropy") for fewer. Unique only in its table: try again on a collision.
    """
    if len(entropy) < 6:
        raise ValueError("entropy")
    number = int.from_bytes(entropy[:6], "big")
    payload = [number >> 5 * place & 31 for place in range(9)]
    return "SH-" + "".join(_CROCKFORD[value] for value in (*payload, _check_value(payload)))


def parse_tracking_code(text: str) -> str:
    """A tracking code as people copy it: small letters, O for 0, I and L for 1 are forgiven."""
    found = _TRACKING_CODE.fullmatch(ascii_digits(text))
    if not found:
        raise ValueError("tracking_code")
    code = found[1].upper().translate(_MISREAD)
    values = [_CROCKFORD.find(character) for character in code]
    if -1 in values or _check_value(values[:9]) != values[9]:
        raise ValueError("tracking_code")
    return f"SH-{code}"


def uuid7() -> UUID:
    """A UUID in the order of time (RFC 9562 6.2, method 3: 12 bits below the millisecond)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random)


def _check_value(values: list[int]) -> int:
    """Horner in GF(32) at a primitive element: one wrong or two swapped characters never pass."""
    total = 0
    for value in values:
        total = _times_alpha(total ^ value)
    return total


def _times_alpha(value: int) -> int:
    return (value << 1) ^ (0b100101 if value & 16 else 0)  # x^5 + x^2 + 1


NationalCode = Annotated[str, Parsed(parse_national_code, "0499370899", format="national-code")]
Sheba = Annotated[str, Parsed(parse_sheba, "IR820540102680020817909002", format="sheba")]
Mobile = Annotated[str, Parsed(parse_mobile, "09121234567", format="mobile")]
PostalCode = Annotated[str, Parsed(parse_postal_code, "1619735744", format="postal-code")]
LegalId = Annotated[str, Parsed(parse_legal_id, "10380284790", format="legal-id")]
TrackingCode = Annotated[str, Parsed(parse_tracking_code, "SH-0000000000", format="tracking-code")]
OfficeCode = Annotated[str, Parsed(parse_office_code, "72010001", pattern="^[0-9A-Za-z-]{1,20}$")]
Period = Annotated[str, Parsed(parse_period, "1405-08", format="period")]
