"""The one JSON parser of all services, for bytes that strangers send (decision 16).

What two parsers might read differently is refused: duplicate keys, NaN, numbers beyond a double,
lone surrogates, NUL, another encoding than UTF-8; so is what only a machine under attack would see.
"""

import json
import math
import re
from typing import Any, NoReturn

from shared.web.errors import MalformedJson

MAX_DEPTH = 20
MAX_NODES = 10_000
MAX_DIGITS = 40

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SPACE = b" \t\r\n"
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def strict_loads(body: bytes) -> Any:
    """Return the value of a JSON text. Raises MalformedJson, which never quotes it."""
    try:
        # Each node but the first stands behind one of these: mostly that is proof enough.
        opened = body.count(b"[") + body.count(b"{")
        if opened > MAX_DEPTH or opened + body.count(b",") >= MAX_NODES:
            _measure(body)
        value = _DECODER.decode(body.decode())
        if b"\\u" in body:
            _refuse_unseen(value)
    except (ValueError, RecursionError):
        raise MalformedJson from None
    return value


def _measure(body: bytes) -> None:
    """Count nodes and depth before anything is built; strings are taken out of the way first."""
    bare = _STRING.sub(b"0", body).translate(None, _SPACE)
    opened = bare.count(b"[") + bare.count(b"{")
    empty = bare.count(b"[]") + bare.count(b"{}")
    if 1 + bare.count(b",") + opened - empty > MAX_NODES:
        raise ValueError("nodes")
    if opened > MAX_NODES or bare.count(b"]") + bare.count(b"}") != opened:
        raise ValueError("brackets")
    depth = 0
    for bracket in re.findall(rb"[][{}]", bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError("depth")


def _refuse_unseen(value: object) -> None:
    """Refuse escaped lone surrogates and escaped NUL, in keys and values."""
    text = _ENCODER.encode(value)
    text.encode()  # a lone surrogate has no UTF-8
    if _NUL.search(text):
        raise ValueError("nul")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("digits")
    return int(digits)


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("range")
    return number


def _constant(_: str) -> NoReturn:
    raise ValueError("constant")


# One decoder for all: `json.loads` with hooks would build a new one for every body.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
