"""What FastAPI's OpenAPI document lacks: our problem+json answers, an operation's roles and key.

Only the facts are told here; the gateway says them in words where it merges the documents.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.web.auth import SCHEME
from shared.web.errors import Refusal

KEYED = "keyed"
"""The security scheme by whose name an operation tells that it requires an Idempotency-Key."""

REPEATABLE = {"x-repeatable": True}
"""For `openapi_extra`: a POST that may simply be sent again, and so takes no key."""


class FaultOut(BaseModel):
    """One thing wrong with a request."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """The body of every refusal (RFC 9457); some carry more members of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/step_not_allowed",
                    "title": "وضعیت پرونده اجازهٔ این اقدام را نمی‌دهد",
                    "status": 409,
                    "instance": "/requests/019a9d5e4c2b7d33a1f0c6b2e8d49f57",
                    "code": "step_not_allowed",
                    "request_id": "019a9d5e4c2b7d33a1f0c6b2e8d49f57",
                    "current_status": "visited",
                }
            ]
        }
    )

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
    """Complete a document in place: problem answers, `x-roles`, `x-keyed`, where tokens come from.

    FastAPI tells security schemes apart by name only, so `allow` sends its roles in the name, and
    whatever requires a key says so by the name `keyed`.
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
            _name_facts(operation)
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


def refuses(*kinds: type[Refusal]) -> dict[str, Any]:
    """For `openapi_extra`: refusals of an operation that do not follow from its other facts."""
    return {
        "x-refusals": [
            {
                "code": kind.code,
                "status": kind.status,
                "fa": kind.fa,
                "en": kind.en,
                "retry_after": kind.retry_after,
            }
            for kind in kinds
        ]
    }


def _name_facts(operation: dict[str, Any]) -> None:
    names = {name for entry in operation.pop("security") for name in entry}
    if KEYED in names:
        operation["x-keyed"] = True
    schemes = names - {KEYED}
    if schemes:
        operation["security"] = [{SCHEME: []}]
    named = [frozenset(name.split()[1:]) for name in schemes if name != SCHEME]
    if named:
        operation["x-roles"] = sorted(frozenset.intersection(*named))
