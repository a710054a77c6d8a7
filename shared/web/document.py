"""What FastAPI's OpenAPI document lacks: our problem+json answers, and an operation's roles."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from shared.web.auth import SCHEME


class FaultOut(BaseModel):
    """One thing wrong with a request."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """The body of every refusal (RFC 9457); some carry more members of their own."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str
    code: str
    errors: list[FaultOut] | None = None
    request_id: str


_REFUSED = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RESPONSES = {
    "4XX": {"description": "Refused, with the reason", "content": _REFUSED},
    "5XX": {"description": "Not possible at the moment", "content": _REFUSED},
}


def describe(document: dict[str, Any], *, issuer: str) -> dict[str, Any]:
    """Complete a document in place: problem answers, `x-roles`, and where tokens come from.

    FastAPI tells security schemes apart by name only, so `allow` sends its roles in the name.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    for operation in operations(document):
        operation["responses"].pop("422", None)
        operation["responses"] |= _RESPONSES
        if "security" in operation:
            _name_roles(operation)
    if "securitySchemes" in document["components"]:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        document["components"]["securitySchemes"] = {
            SCHEME: {"type": "openIdConnect", "openIdConnectUrl": url}
        }
    return document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk every operation of a document."""
    for path in document.get("paths", {}).values():
        yield from (entry for entry in path.values() if isinstance(entry, dict))


def _name_roles(operation: dict[str, Any]) -> None:
    names = [name for entry in operation["security"] for name in entry]
    named = [frozenset(name.split()[1:]) for name in names if name != SCHEME]
    if named:
        operation["x-roles"] = sorted(frozenset.intersection(*named))
    operation["security"] = [{SCHEME: []}]
