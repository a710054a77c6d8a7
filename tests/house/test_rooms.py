"""The house as drawn: known rooms of a readable size, one way for each thing."""

import ast
import importlib
import pkgutil
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Float

import services
import shared
from shared.running.runner import load
from shared.running.settings import SERVICES, Settings
from shared.storage.tables import service_metadata
from shared.web.auth import SCHEME, Role
from shared.web.errors import catalogue

ROOT = Path(__file__).parents[2]
CODE = {
    path.relative_to(ROOT).as_posix(): path
    for top in ("services", "shared", "deploy")
    for path in sorted((ROOT / top).rglob("*.py"))
}
READ_ONCE = "/migrations/"  # a migration is read once, from top to bottom
LONGEST = 400
ROOMS = {
    *("app", "routes", "events", "actions", "queries", "schemas", "models", "workflow", "rules"),
    *("errors", "clients", "commands", "migrations", "data"),
}
ROOMS_OF = {
    "gateway": {"app", "routes", "crossing", "origins", "remote", "errors", "pages"},
    "intake": ROOMS
    | {"catalogue", "applications", "documents", "worklist", "feedback", "reports"}
    | {"people", "households", "coverage", "life_events", "adoption"},
    "livelihood": ROOMS
    | {"awards", "emergencies", "rates", "ledger", "runs", "payments", "reports", "handovers"},
    "notify": ROOMS | {"channels", "templates", "broadcasts"},
}
SETS_STATUS = re.compile(r"\bSET\b(?:(?!\bWHERE\b).)*?\bstatus\s*=", re.DOTALL)
NO_NAMES = {"utils", "helpers", "common", "base", "core", "misc"}

# api.md: what anybody may ask without a token.
BARE_LISTS = {"GET /v1/services/{service}/checklist"}  # api.md says so
PUBLIC = (
    r"GET /v1/services(/.*)?",
    r"GET /v1/statements(/.*)?",
    r"GET /v1/(areas|offices)",
    r"(GET|POST) /v1/verify/.*",
    r"POST /v1/follow",
    r"POST /v1/receipts/\{provider\}",
    r"POST /spdci/v1/oauth2/client/token",
    r"GET /spdci/v1/\.well-known/jwks\.json",
)


def children(folder):
    """Rooms of a folder by name, each a file or a folder of the same import path."""
    found = {path.stem for path in folder.iterdir() if path.suffix in {"", ".py", ".json"}}
    return found - {"__init__", "__pycache__"}


@cache
def tree(name):
    return ast.parse(CODE[name].read_text(encoding="utf-8"))


def written():
    """Every file that people write and read again, with its syntax."""
    return {name: tree(name) for name in CODE if READ_ONCE not in name}


# Rooms


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_a_service_has_the_rooms_of_the_house_and_no_others(service):
    found = children(ROOT / "services" / service)
    assert found - ROOMS_OF.get(service, ROOMS) == set()
    assert "app" in found
    assert service == "gateway" or found >= {"workflow", "models", "migrations", "data"}


def test_every_folder_of_services_is_one_that_is_known():
    assert children(ROOT / "services") == {*SERVICES, "gateway"}


def test_no_room_has_a_name_that_says_nothing():
    parts = {part for name in CODE for part in Path(name).with_suffix("").parts}
    assert "shared" in parts
    assert not parts & NO_NAMES


@pytest.mark.parametrize("name", [name for name in CODE if READ_ONCE not in name])
def test_a_room_is_short_enough_to_be_read(name):
    assert len(CODE[name].read_text(encoding="utf-8").splitlines()) <= LONGEST


# One way for each thing


def assigns_status(node):
    """Whether this piece of code changes a row's status, in Python or in SQL."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(
            isinstance(part, ast.Attribute)
            and part.attr == "status"
            and isinstance(part.ctx, ast.Store)
            for target in targets
            for part in ast.walk(target)
        )
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else None
        updates = called == "values" and "update" in ast.unparse(node.func)
        by_name = getattr(node.func, "id", None) in {"setattr", "set_attribute"}
        return (updates and any(word.arg == "status" for word in node.keywords)) or (
            by_name and any(isinstance(a, ast.Constant) and a.value == "status" for a in node.args)
        )
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and SETS_STATUS.search(text) is not None


@pytest.mark.parametrize(
    "code",
    [
        "row.status = 'x'",
        "row.status, row.version = target, 2",
        "row.status: str = 'x'",
        "setattr(row, 'status', 'x')",
        "update(case).where(case.c.id == 1).values(status='x')",
        "'UPDATE loans.case SET version = 2, status = $1 WHERE id = $2'",
    ],
)
def test_an_assignment_of_a_status_is_seen_in_every_disguise(code):
    assert any(assigns_status(node) for node in ast.walk(ast.parse(code)))
    harmless = "status = row.status\nfile_status = 1\n'UPDATE x SET a = 1 WHERE status = 2'"
    assert not any(assigns_status(node) for node in ast.walk(ast.parse(harmless)))


def of_ours():
    """What runs as the agency: deploy only stands around it."""
    return {name: code for name, code in written().items() if not name.startswith("deploy/")}


def test_only_advance_moves_a_status():
    moving = {
        name
        for name, code in of_ours().items()
        if not name.startswith("shared/web/")  # has no rows: there it is a status of HTTP
        and any(assigns_status(node) for node in ast.walk(code))
    }
    assert moving == {"shared/workflow.py"}


def imports(node):
    if isinstance(node, ast.Import):
        return {name.name.split(".")[0] for name in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_only_clients_speaks_to_the_outside():
    importing = {
        name
        for name, code in of_ours().items()
        if any("httpx" in imports(node) for node in ast.walk(code))
    }
    assert importing == {"shared/web/clients.py"}


# Tables


@pytest.mark.parametrize("service", SERVICES)
def test_no_column_is_a_float_and_money_is_a_big_integer(service):
    metadata = importlib.import_module(f"services.{service}.app").service.metadata
    columns = [column for table in metadata.tables.values() for column in table.columns]
    mechanisms = service_metadata(service).tables
    assert len(metadata.tables) > len(mechanisms) == 8
    assert [str(c) for c in columns if isinstance(c.type, Float)] == []
    money = [c for c in columns if c.name.endswith("_rial")]
    assert [str(c) for c in money if not isinstance(c.type, BigInteger)] == []


# Refusals


def everything():
    """Import every module of shared and services."""
    for package in (shared, services):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def exceptions(root=Exception):
    for kind in root.__subclasses__():
        yield kind
        yield from exceptions(kind)


def test_every_refusal_has_a_code_of_its_own():
    everything()
    kinds = {kind for kind in catalogue() if kind.__module__.startswith(("shared.", "services."))}
    assert len(kinds) > 30
    codes = Counter(kind.code for kind in kinds)
    assert {code: n for code, n in codes.items() if n > 1} == {}
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_what_storage_raises_means_what_the_refusal_of_its_code_means():
    everything()
    refusals = {kind.code: kind for kind in catalogue()}
    raised = {
        kind
        for kind in exceptions()
        if kind.__module__.startswith("shared.storage.") and hasattr(kind, "code")
    }
    assert len({kind.code for kind in raised}) == len(raised) > 1
    for kind in raised:
        known = refusals.get(kind.code, kind)
        assert (known.status, known.__name__[-len(kind.__name__) :]) == (kind.status, kind.__name__)


# The public face


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> dict[str, Any]:
    """Every service's own OpenAPI document; nothing is started for it."""
    place = tmp_path_factory.mktemp("documents")
    settings = Settings(_env_file=None, env="test", data_dir=place, run_dir=place)
    _, makers = load()
    return {name: make(settings).openapi() for name, make in makers.items()}


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict):
                yield f"{method.upper()} {path}", operation


def public(name):
    return any(re.fullmatch(pattern, name) for pattern in PUBLIC)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_says_who_may_call_it_or_is_public(documents, service):
    found = dict(operations(documents[service]))
    assert len(found) > 0
    for name, operation in found.items():
        assert name.split()[1].startswith(("/v1/", "/spdci/v1/")), name
        if public(name):
            assert not operation.get("security") or {} in operation["security"], name
        else:
            assert operation.get("security") == [{SCHEME: []}], name
            assert set(operation["x-roles"]) <= {*Role}, name
            assert operation["x-roles"], name


@pytest.mark.parametrize("service", SERVICES)
def test_a_case_is_shown_and_moved_by_the_routes_of_its_table(documents, service):
    found = {name for name, _ in operations(documents[service]) if "/cases/" in name}
    if service in {"intake", "notify"}:
        assert not found
        return
    assert f"GET /v1/{service}/cases/{{tracking_code}}" in found
    flows = importlib.import_module(f"services.{service}.app").service.workflows
    paths = {step.path for flow in flows for step in flow.steps.values()}
    moving = {name.rsplit("/", 1)[1] for name in found if name.startswith("POST")}
    assert moving <= paths


def resolved(document, schema):
    while "$ref" in schema:
        section, name = schema["$ref"].split("/")[2:]
        schema = document["components"][section][name]
    return schema


def answers_a_list(document, operation):
    content = operation["responses"].get("200", {}).get("content", {})
    schema = resolved(document, content.get("application/json", {}).get("schema", {}))
    return schema.get("type") == "array" or "items" in schema.get("properties", {})


def test_every_list_comes_in_pages(documents):
    lists = {
        name: (resolved(document, operation["responses"]["200"]["content"]["application/json"]
                        ["schema"]), operation)
        for document in documents.values()
        for name, operation in operations(document)
        if name.startswith("GET") and answers_a_list(document, operation)
    }  # fmt: skip
    assert len(lists) > 2
    assert lists.keys() >= BARE_LISTS
    for name, (schema, operation) in lists.items():
        if name in BARE_LISTS:
            continue
        assert {"items", "next_cursor"} <= set(schema.get("properties", ())), name
        asked = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        assert {"limit", "cursor"} <= asked, name
