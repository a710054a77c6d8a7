"""What an integrator holds in hand: the merged document, whole and true to itself."""

import asyncio
import json
import re
from datetime import date, datetime
from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter

from services.gateway.pages.document import Document
from services.intake.applications.schemas import EXAMPLE, ApplicationIn
from shared.running.runner import load
from shared.running.settings import Settings
from shared.web.auth import Role
from tests.house.test_rooms import public

PERSIAN = re.compile("[آ-ی]")
PLAIN = re.compile(r"[a-z]+(_[a-z]+)*")
KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": int | float,
    "integer": int,
}
FORMATS = {
    "uuid": UUID,
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
}


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The document as the gateway gives it; nothing is started for it."""
    place = tmp_path_factory.mktemp("document")
    settings = Settings(_env_file=None, env="test", data_dir=place, run_dir=place)
    services, _ = load()
    apps = {service.name: service.create_app(settings, loops=False) for service in services}
    _, _, content = asyncio.run(Document(apps, issuer="http://issuer.test").answer())
    return json.loads(content)


@pytest.fixture(scope="module")
def operations(document):
    found = {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert len(found) > 50
    return found


def nodes(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def resolved(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def headers(operation):
    return {p["name"]: p["required"] for p in operation["parameters"] if p["in"] == "header"}


# Whole


def test_every_operation_has_a_plain_name_of_its_own(operations):
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not PLAIN.fullmatch(name)] == []
    assert {"file_application", "livelihood_plan_visit"} < set(names)


def test_every_operation_says_in_persian_what_it_is_for_and_who_may(operations):
    for name, operation in operations.items():
        assert PERSIAN.search(operation["summary"]), name
        assert "| چه کسی · Who |" in operation["description"], name
        if public(name):
            assert "بدون توکن" in operation["description"], name
            assert "security" not in operation, name
        else:
            assert {f"`{role}`" for role in operation["x-roles"]} <= {
                *re.findall("`\\w+`", operation["description"])
            } or "every role" in operation["description"], name


# Where the thing that moves is no case: its path, and the table of its steps.
NOT_A_CASE = {"awards": "livelihood.award", "handovers": "livelihood.handover"}


def test_a_step_is_told_as_its_table_has_it(operations):
    taken = {name: operation for name, operation in operations.items() if "x-step" in operation}
    assert len(taken) > 15
    assert {name for name in operations if re.match(r"POST /v1/\w+/cases/", name)} <= {*taken}
    flows = [flow for service in load()[0] for flow in service.workflows]
    for name, operation in taken.items():
        service = re.match(r"\w+ /v1/(\w+)", name)[1].replace("applications", "intake")
        taken_of = [f for f in flows if f.name.startswith(f"{service}.")]
        own = {NOT_A_CASE.get(part) for part in name.split("/")}
        named = operation["x-step"]["name"]
        of_it = [flow for flow in taken_of if named in flow.steps]
        flow = next((f for f in of_it if f.name in own), of_it[0])
        step, said = flow.steps[operation["x-step"]["name"]], operation["description"]
        for status in step.sources | step.targets:
            assert f"«{flow.labels[status]}» `{status}`" in said, name
        assert step.within is None or f"`{step.within}`" in said, name
        refused = operation["responses"]["403"]["content"]["application/problem+json"]["examples"]
        assert ("separation_of_duties" in refused) == bool(step.not_by), name
        assert {*operation["x-roles"]} | {Role.SYSTEM} == step.by | {Role.SYSTEM}, name


def test_every_tag_is_explained_and_every_operation_has_one(document, operations):
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} == {*tags}
    assert all(PERSIAN.search(said) for said in tags.values())
    assert "intake" not in tags


def test_the_introduction_leads_to_the_refusals_and_is_short(document):
    said = document["info"]["description"]
    assert "(/problems)" in said
    assert "`step_not_allowed`" not in said
    assert ".run/tokens.json" in document["components"]["securitySchemes"]["oidc"]["description"]


def test_no_reference_dangles_and_no_name_surprises(document):
    refs = [node for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert len(refs) > 300
    assert all(resolved(document, ref) for ref in refs)
    names = document["components"]["schemas"]
    assert [name for name in names if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []


# Headers and refusals


def test_the_headers_that_an_operation_honours_are_declared(operations):
    for name, operation in operations.items():
        asked, said = headers(operation), operation["responses"]
        assert asked["Accept-Language"] is False, name
        if name.startswith(("PUT", "PATCH")):
            assert asked["If-Match"] is True, name
            assert {"412", "428"} <= set(said), name
        if "x-step" in operation:
            assert asked["Idempotency-Key"] is True, name
        if asked.get("Idempotency-Key"):
            examples = said["400"]["content"]["application/problem+json"]["examples"]
            assert "idempotency_key_required" in examples, name
        if "Idempotency-Key" in asked:
            done = [said[status] for status in ("200", "201") if status in said]
            assert all("Idempotency-Replayed" in answer["headers"] for answer in done), name
        assert "Retry-After" in said["503"]["headers"], name


# Examples


def example_bodies(document, operations):
    """Bodies that the document shows, by operation; nothing where there is no body."""
    for name, operation in operations.items():
        content = operation.get("requestBody", {}).get("content", {})
        schema = resolved(document, content.get("application/json", {}).get("schema", {}))
        if "examples" in schema:
            yield name, schema["examples"][0]
        elif not content:
            yield name, None


def fault(document, schema, value, at=""):
    """What keeps a value from fitting a schema, as far as our schemas speak; else None."""
    schema = resolved(document, schema)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [fault(document, one, value, at) for one in schema[word]]
            return None if None in found else f"{at}: {found}"
    kind = schema.get("type")
    if kind and (
        not isinstance(value, KINDS[kind])
        or (isinstance(value, bool) and kind in {"integer", "number"})
    ):
        return f"{at}: {value!r} is no {kind}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return f"{at}: {value!r} is none of them"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if missing := [name for name in schema.get("required", ()) if name not in value]:
            return f"{at}: without {missing}"
        if schema.get("additionalProperties") is False and not {*value} <= {*known}:
            return f"{at}: {sorted({*value} - {*known})} is not known"
        below = [(f"{at}/{name}", known.get(name, {}), item) for name, item in value.items()]
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{at}: {len(value)} items"
        below = [(f"{at}/{n}", schema.get("items", {}), item) for n, item in enumerate(value)]
    else:
        return misfit(schema, value, at)
    return next(filter(None, (fault(document, part, item, to) for to, part, item in below)), None)


def misfit(schema, value, at):
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return f"{at}: {value!r} is too short or long"
        if not re.search(schema.get("pattern", ""), value):
            return f"{at}: {value!r} does not match"
        FORMATS.get(schema.get("format"), str)(value)
    limits = [schema.get("minimum", value), value, schema.get("maximum", value)]
    return None if value is None or limits == sorted(limits) else f"{at}: {value!r} is out of range"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, True),
        ({"type": "string", "maxLength": 2}, "abc"),
        ({"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 3}]}, 2),
        ({"type": "object", "required": ["a"]}, {}),
        ({"properties": {"a": {"enum": ["x"]}}, "additionalProperties": False}, {"b": "x"}),
        ({"type": "array", "items": {"const": 1}}, [1, 2]),
    ],
)
def test_what_does_not_fit_is_seen(schema, value):
    assert fault({}, schema, value)


def test_every_example_fits_its_schema(document):
    count = 0
    for node in nodes(document):
        content = node.get("schema")
        shown = [
            (node, value)
            for value in node.get("examples") or ()
            if "type" in node or "properties" in node
        ]
        if isinstance(content, dict) and isinstance(node.get("examples"), dict):
            shown += [
                (content, resolved(document, one)["value"]) for one in node["examples"].values()
            ]
        for schema, value in shown:
            assert fault(document, schema, value) is None
            count += 1
    assert count > 300
    for name in (
        "ApplicationOut",
        "ApplicationView",
        "AdmissionOut",
        "LoanCaseOut",
        "InboxItemOut",
    ):
        assert "examples" in document["components"]["schemas"][name], name


def test_an_example_body_is_one_that_the_route_takes(document, operations):
    """As pydantic reads it: the routes' own models, which know more than a schema can say."""
    models = {model.__name__: model for model in subclasses(BaseModel)}
    read = 0
    for operation in operations.values():
        content = operation.get("requestBody", {}).get("content", {})
        ref = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        schema = document["components"]["schemas"].get(ref.rpartition("/")[2], {})
        for example in schema.get("examples", ()):
            models[ref.rpartition("/")[2]].model_validate_json(json.dumps(example))
            read += 1
    assert read >= 10
    TypeAdapter(ApplicationIn).validate_json(json.dumps(EXAMPLE))


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.req("H11")
async def test_a_key_is_required_just_where_the_document_says_so(agency, document, operations):
    required = 0
    for name, body in example_bodies(document, operations):
        method, path = name.split()
        if method == "GET":
            continue
        roles = [role for role in operations[name].get("x-roles", ()) if role != "system"]
        caller = await agency.caller(roles[0]) if roles else agency.nobody()
        path = path.replace("{tracking_code}", "SH-PHC26MXDKE").replace("{service}", "livelihood")
        path = re.sub(r"{\w+}", "019a9d5e-4c2b-7d33-a1f0-c6b2e8d49f57", path)
        answer = await agency.http.request(method, path, headers=caller._headers({}), json=body)
        asked = answer.status_code == 400 and answer.json()["code"] == "idempotency_key_required"
        assert asked == headers(operations[name]).get("Idempotency-Key", False), name
        required += asked
    assert required > 10
