"""What an operation of the merged document says beside its schemas: who may, with which headers,
and which refusals to expect. All of it follows from the facts that the services tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.gateway.pages.words import HEADERS, ROLES
from shared.web.auth import STAFF
from shared.web.errors import (
    CaseChanged,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidInput,
    InvalidQuery,
    MalformedBody,
    MalformedJson,
    NotFound,
    OwnOrRelativeCase,
    PreconditionRequired,
    Refusal,
    RequestInProgress,
    RoleNotAllowed,
    SeparationOfDuties,
    StaleVersion,
    StepNotAllowed,
    Unauthenticated,
    Unavailable,
)
from shared.web.page import InvalidCursor
from shared.web.sentences import sentence

Json = dict[str, Any]
EVERYBODY = len(ROLES) - 1  # all but the system
REQUEST_ID = "019a9d5e4c2b7d33a1f0c6b2e8d49f57"
EDITS = {"put", "patch"}
DONE = {"200": "انجام شد · Done", "201": "ساخته شد · Created"}
SCHEMAS: Json = {
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255},
    "If-Match": {"type": "string", "pattern": '^("[0-9]{1,9}"|\\*)$'},
    "Accept-Language": {"type": "string", "default": "fa"},
    "Retry-After": {"type": "integer", "minimum": 1},
}


class No(NamedTuple):
    """A refusal as the document tells it."""

    code: str
    status: int
    fa: str
    en: str
    retry_after: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of an operation; `key` and `match` are None where the header is not taken."""

    roles: list[str] | None
    key: bool | None
    match: bool | None
    step: Json
    versioned: bool
    located: bool
    named: bool
    asked: frozenset[str]
    body: Json
    media: frozenset[str]


def explain(document: Json) -> None:
    """Complete every operation of the document in place."""
    examples = document["components"].setdefault("examples", {})
    for schema in document["components"].get("schemas", {}).values():
        for example in schema.get("examples", ()):
            _put_right(document, schema, example)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            facts = _facts(document, path, method, operation)
            own = [No(**entry) for entry in operation.pop("x-refusals", ())]
            operation["description"] = _description(facts, operation.get("description"))
            operation["parameters"] = [*operation.get("parameters", ()), *_parameters(facts)]
            _answers(facts, operation["responses"])
            _refusals(facts, operation["responses"], [*_expected(facts), *own], examples)


def _facts(document: Json, path: str, method: str, operation: Json) -> Facts:
    content: Json = operation.get("requestBody", {}).get("content", {})
    changes = method in EDITS
    shapes: list[Json] = [
        _resolved(document, answer.get("content", {}).get("application/json", {}).get("schema", {}))
        for status, answer in operation["responses"].items()
        if status in DONE
    ]
    edited = not EDITS.isdisjoint(document["paths"][path])
    versioned = edited or any("version" in shape.get("properties", {}) for shape in shapes)
    moves = method == "post" and "{" in path and versioned
    key = False if method in {"post", "put"} and "x-repeatable" not in operation else None
    return Facts(
        roles=operation.get("x-roles", []) if operation.get("security") else None,
        key=operation.get("x-keyed", key),
        match=True if changes else False if moves else None,
        step=operation.get("x-step", {}),
        versioned=versioned,
        located=any(
            other.startswith(f"{path}/{{") and other.endswith("}") and "get" in item
            for other, item in document["paths"].items()
        ),
        named="{" in path,
        asked=frozenset(p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"),
        body=_resolved(document, [*content.values(), {}][0].get("schema", {})),
        media=frozenset(content),
    )


def _resolved(document: Json, schema: Json) -> Json:
    """The object that a schema leads to; of several kinds of object, the first."""
    while "$ref" in schema or "oneOf" in schema:
        if "oneOf" in schema:
            schema = schema["oneOf"][0]
        else:
            section, name = schema["$ref"].split("/")[2:]
            schema = document["components"][section][name]
    return schema


def _put_right(document: Json, schema: Json, example: Any) -> None:
    """Give an example its order and its nulls back: FastAPI's document sorts and drops them."""
    shape = _resolved(document, schema)
    if isinstance(example, list):
        for item in example:
            _put_right(document, shape.get("items", {}), item)
    elif isinstance(example, dict):
        fields, given = shape.get("properties", {}), dict(example)
        example.clear()
        for name in [name for name in (*fields, *given) if name not in example]:
            if name in given or name in shape.get("required", ()):
                example[name] = given.get(name)
                _put_right(document, fields.get(name, {}), example[name])


# Words


def _description(facts: Facts, said: str | None) -> str:
    rows = {"چه کسی · Who": _who(facts.roles)}
    if step := facts.step:
        rows["از · From"] = _statuses(step["from"]) or "آغاز کار · a new one"
        rows["به · To"] = _statuses(step["to"]) or "همان وضعیت · stays where it is"
        if "within" in step:
            rows["مهلت تعهدشده · Promised within"] = (
                f"`{step['within']}` سیاست تاریخ‌دار · dated policy"
            )
        if step["not_by"]:
            took = "، ".join(f"`{name}`" for name in step["not_by"])
            rows["نه کسی که این کار را کرده · Not by whoever took"] = took
    for name, required in (("Idempotency-Key", facts.key), ("If-Match", facts.match)):
        if required is not None:
            rows[f"`{name}`"] = "لازم · required" if required else "اختیاری · optional"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return "\n\n".join([*([said] if said else []), f"|  |  |\n|---|---|\n{table}"])


def _who(roles: list[str] | None) -> str:
    if roles is None:
        return "همه، بدون توکن · anybody, without a token"
    if not roles or len(roles) >= EVERYBODY:
        return "هر نقشی، تا آنجا که به او مربوط است · every role, as far as it concerns them"
    return "، ".join(f"{ROLES.get(role, role)} `{role}`" for role in roles)


def _statuses(labels: dict[str, str]) -> str:
    return "، ".join(f"«{label}» `{status}`" for status, label in labels.items())


# Headers


def _parameters(facts: Facts) -> Iterator[Json]:
    asked = {"Idempotency-Key": facts.key, "If-Match": facts.match, "Accept-Language": False}
    for name, required in asked.items():
        if required is not None:
            said = {"description": HEADERS[name], "required": required, "schema": SCHEMAS[name]}
            yield {"name": name, "in": "header", **said}


def _answers(facts: Facts, responses: Json) -> None:
    for status, answer in responses.items():
        if status in DONE:
            if answer["description"] == "Successful Response":
                answer["description"] = DONE[status]
            given = {
                "ETag": facts.versioned,
                "Location": facts.located and "201" in responses,
                "Idempotency-Replayed": facts.key is not None,
            }
            headers = {name: _header(name) for name, is_given in given.items() if is_given}
            if headers:
                answer["headers"] = headers


def _header(name: str) -> Json:
    return {"description": HEADERS[name], "schema": SCHEMAS.get(name, {"type": "string"})}


# Refusals


def _expected(facts: Facts) -> Iterator[No]:
    """The refusals that follow from what is known."""
    step, roles = facts.step, {*(facts.roles or ())}
    given: dict[type[Refusal], object] = {
        IdempotencyKeyRequired: facts.key,
        MalformedJson: "application/json" in facts.media,
        MalformedBody: facts.media - {"application/json"},
        InvalidQuery: facts.asked,
        InvalidCursor: "cursor" in facts.asked,
        Unauthenticated: facts.roles is not None,
        RoleNotAllowed: roles and len(roles) < EVERYBODY,
        SeparationOfDuties: step.get("not_by"),
        OwnOrRelativeCase: step.get("from") and roles & STAFF,
        NotFound: facts.named,
        StepNotAllowed: step.get("from"),
        CaseChanged: step.get("from"),
        RequestInProgress: facts.key is not None,
        StaleVersion: facts.match is not None,
        InvalidInput: facts.media or facts.named,
        IdempotencyKeyReused: facts.key is not None,
        PreconditionRequired: facts.match,
        Unavailable: True,
    }
    for kind, is_given in given.items():
        if is_given:
            yield No(kind.code, kind.status, kind.fa, kind.en, kind.retry_after)


def _refusals(facts: Facts, responses: Json, expected: list[No], examples: Json) -> None:
    others = {s: responses.pop(s) for s in [*responses] if s.endswith("XX")}
    for status in sorted({no.status for no in expected}):
        nos = {no.code: no for no in expected if no.status == status}
        shown = {}
        for code, no in nos.items():
            if more := _more(facts, code):
                shown[code] = _example(no, more)
            else:
                examples.setdefault(code, _example(no, {}))
                shown[code] = {"$ref": f"#/components/examples/{code}"}
        schema = {"$ref": "#/components/schemas/Problem"}
        answer: Json = {
            "description": "\n".join(f"- [`{c}`](/problems/{c}): {n.fa}" for c, n in nos.items()),
            "content": {"application/problem+json": {"schema": schema, "examples": shown}},
        }
        if any(no.retry_after for no in nos.values()):
            answer["headers"] = {"Retry-After": _header("Retry-After")}
        responses[str(status)] = answer
    responses.update(others)


def _more(facts: Facts, code: str) -> Json:
    """The members that an example has of this very operation."""
    if code == StepNotAllowed.code:
        past = [status for status in facts.step.get("to", ()) if status not in facts.step["from"]]
        return {"current_status": past[0]} if past else {}
    if code == InvalidInput.code and facts.body.get("required"):
        fault, fa, _ = sentence("missing", {})
        pointer = f"/{facts.body['required'][0]}"
        return {"errors": [{"pointer": pointer, "code": fault, "detail": fa}]}
    return {}


def _example(no: No, more: Json) -> Json:
    value = {"type": f"/problems/{no.code}", "title": no.fa, "status": no.status}
    value |= {"instance": f"/requests/{REQUEST_ID}", "code": no.code}
    return {"summary": no.en, "value": {**value, **more, "request_id": REQUEST_ID}}
