"""Lists by keyset: a page, its cursor and limit; and the version that an If-Match names."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticKnownError

from shared.web.errors import Fault, InvalidQuery, PreconditionRequired, Refusal

T = TypeVar("T")
MAX_CURSOR = 1024


class InvalidCursor(Refusal):
    status, code = 400, "invalid_cursor"
    fa, en = "نشانهٔ ادامهٔ فهرست درست نیست", "The cursor is not valid"


class InvalidIfMatch(Refusal):
    status, code = 400, "if_match_invalid"
    fa = 'سرآیند If-Match باید نسخه‌ای مانند "7" یا * باشد'
    en = 'If-Match must be a version like "7", or *'


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def _digits(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticKnownError("int_parsing")
    return value


Digits = BeforeValidator(_digits)
"""For a number in the address: plain digits, where Pydantic would also take `+1`, `1.0`, `1_0`."""

Limit = Annotated[int, Query(ge=1, le=200), Digits]
"""How many items a page has; write `limit: Limit = 50`."""


class Cursor:
    """Where the next page begins: the sort key of the last row shown, opaque to its reader."""

    @staticmethod
    def encode(key: Sequence[str | int]) -> str:
        """Return the cursor of a row's sort key; instants and ids go in as text."""
        packed = json.dumps(list(key), separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @staticmethod
    def decode(cursor: str, *kinds: type[str] | type[int]) -> list[Any]:
        """Return the sort key, one value of each of `kinds`. Raises InvalidCursor."""
        try:
            if len(cursor) > MAX_CURSOR:
                raise InvalidCursor
            packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            key = json.loads(packed.decode())
        except (binascii.Error, ValueError, RecursionError):
            raise InvalidCursor from None
        if not isinstance(key, list) or [type(value) for value in key] != list(kinds):
            raise InvalidCursor
        if any("\x00" in v if isinstance(v, str) else abs(v) >= 2**63 for v in key):
            raise InvalidCursor
        return key


async def _known_query(request: Request) -> None:
    if not request.scope["query_string"]:
        return
    known = _query_names(request.scope["route"])
    if not known.issuperset(request.query_params.keys()):
        fault = Fault("/query", "unknown_parameter", "پارامتری ناشناخته است", "One is not known")
        raise InvalidQuery(errors=[fault])


KnownQuery = Depends(_known_query)
"""For `dependencies=[KnownQuery]`: a filter that the route does not know is 400, never the whole
table (api.md section 1)."""


def _query_names(route: Any) -> frozenset[str]:
    """Return the query parameters that a FastAPI route declares, looked up once for each."""
    names = _NAMES.get(id(route))
    if names is None:
        found: set[str] = set()
        waiting = [route.dependant]
        while waiting:
            dependant = waiting.pop()
            waiting += dependant.dependencies
            for field in dependant.query_params:
                kind = field.field_info.annotation
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    found |= {info.alias or name for name, info in kind.model_fields.items()}
                else:
                    found.add(field.alias)
        names = _NAMES[id(route)] = frozenset(found)
    return names


_NAMES: dict[int, frozenset[str]] = {}


def version_from_if_match(headers: Mapping[str, str], *, required: bool = False) -> int | None:
    """Return the version that If-Match names; None when any will do: no header, or `*`.

    Raises InvalidIfMatch for anything but `"<version>"`, as our ETag writes it, or `*`;
    PreconditionRequired when it is `required` and not there.
    """
    given = headers.get("if-match")
    if given is None:
        if required:
            raise PreconditionRequired
        return None
    if given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise InvalidIfMatch
    return int(found[1])


_ETAG = re.compile(r'"([0-9]{1,9})"')


def etag(version: int) -> str:
    """Return the ETag of a version, as `version_from_if_match` reads it."""
    return f'"{version}"'
