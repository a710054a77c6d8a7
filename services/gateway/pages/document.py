"""One OpenAPI document from those of all services: what an integrator sees of the agency."""

import asyncio
import hashlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.types import ASGIApp

from services.gateway.pages.explained import explain
from services.gateway.pages.html import Answer
from services.gateway.pages.words import ABOUT, TAGS, WHERE_TOKENS_COME_FROM
from shared.running.log import get_logger
from shared.running.settings import SERVICES
from shared.web.auth import SCHEME
from shared.web.clients import call_asgi
from shared.web.document import operations

FRESH_S = 60
ANSWERS_WITHIN_S = 5
Json = dict[str, Any]


class Document:
    """The merged document, made anew only when a service's own has changed."""

    def __init__(self, services: Mapping[str, ASGIApp], *, issuer: str) -> None:
        order = (*SERVICES, *sorted(set(services) - set(SERVICES)))
        self._services = {name: services[name] for name in order if name in services}
        self._issuer = issuer
        self._asking = asyncio.Lock()
        self._fresh_until = 0.0
        self._made_from: list[bytes] = []
        self._content = b""
        self._tag = b""

    async def answer(self) -> Answer:
        """Answer the document; a service that does not give its own is left out for now."""
        async with self._asking:
            if time.monotonic() >= self._fresh_until:
                await self._look()
        headers = [
            (b"content-type", b"application/json"),
            (b"etag", self._tag),
            (b"cache-control", b"no-cache"),
        ]
        return 200, headers, self._content

    async def _look(self) -> None:
        answers = await asyncio.gather(*(self._ask(name) for name in self._services))
        found = {name: body for name, body in zip(self._services, answers, strict=True) if body}
        made_from = [hashlib.sha256(body).digest() for body in found.values()]
        if made_from != self._made_from or not self._content:
            documents = {name: json.loads(body) for name, body in found.items()}
            merged = merge(documents, issuer=self._issuer)
            self._content = json.dumps(merged, ensure_ascii=False, separators=(",", ":")).encode()
            self._tag = f'"{hashlib.sha256(self._content).hexdigest()[:32]}"'.encode()
            self._made_from = made_from
        if len(found) == len(self._services):
            self._fresh_until = time.monotonic() + FRESH_S

    async def _ask(self, name: str) -> bytes:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                status, _, body = await call_asgi(
                    self._services[name], method="GET", path="/openapi.json", headers=[]
                )
        except Exception as error:  # noqa: BLE001 - the others' pages are still of use
            get_logger().warning("document_missing", service=name, exc_info=error)
            return b""
        return body if status == 200 else b""


def merge(documents: Mapping[str, Json], *, issuer: str) -> Json:
    """Return one document of all public operations, explained; the given ones are changed.

    A component that means another thing in another service gets the service's name in front.
    """
    clashes = _clashes(documents)
    paths: Json = {}
    components: Json = {}
    ids: set[str] = set()
    for service, document in documents.items():
        _rename(document, service, clashes)
        for section, entries in document.get("components", {}).items():
            components.setdefault(section, {}).update(entries)
        for operation in operations(document):
            operation.setdefault("tags", [service])
            if operation.get("operationId") in ids:
                operation["operationId"] = f"{service}_{operation['operationId']}"
            ids.add(operation.get("operationId", ""))
        for path, item in document.get("paths", {}).items():
            if path.startswith(("/v1/", "/spdci/")):
                paths[path] = {**item, **paths.get(path, {})}
    discovery = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    scheme = {"type": "openIdConnect", "openIdConnectUrl": discovery}
    components["securitySchemes"] = {
        SCHEME: scheme | {"description": WHERE_TOKENS_COME_FROM.replace("{issuer}", issuer)}
    }
    merged: Json = {
        "openapi": "3.1.0",
        "info": {"title": "سها · SOHA", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": components,
    }
    used = {tag for operation in operations(merged) for tag in operation["tags"]}
    order = [*(tag for tag in TAGS if tag in used), *sorted(used - {*TAGS})]
    merged["tags"] = [{"name": tag, "description": TAGS.get(tag, tag)} for tag in order]
    explain(merged)
    return merged


Name = tuple[str, str]  # section and name of a component
_REF = re.compile(r"#/components/([^/]+)/(.+)")


def _clashes(documents: Mapping[str, Json]) -> set[Name]:
    """Return the components that differ between services, themselves or in what they lead to."""
    said: dict[Name, list[str]] = defaultdict(list)
    leads_to: dict[Name, set[Name]] = defaultdict(set)
    for document in documents.values():
        for section, entries in document.get("components", {}).items():
            for name, entry in entries.items():
                said[section, name].append(json.dumps(entry, sort_keys=True))
                leads_to[section, name] |= {_named(node["$ref"]) for node in _refs(entry)}
    clashes = {name for name, ways in said.items() if len(set(ways)) > 1}
    several = {name for name, ways in said.items() if len(ways) > 1}
    while more := {name for name in several - clashes if leads_to[name] & clashes}:
        clashes |= more
    return clashes


def _rename(document: Json, service: str, clashes: set[Name]) -> None:
    """Give clashing components and forms other names, wherever they are referred to."""
    components = document.get("components", {})
    named = {
        (section, name): _new_name(name, service if (section, name) in clashes else "")
        for section, entries in components.items()
        for name in entries
    }
    for node in _refs(document):
        node["$ref"] = _moved(node["$ref"], named)
    for node in _mappings(document):
        node.update({value: _moved(ref, named) for value, ref in node.items()})
    for section, entries in components.items():
        components[section] = {named[section, name]: entry for name, entry in entries.items()}
        for name, entry in components[section].items():
            if section == "schemas" and "title" in entry:
                entry["title"] = name


def _new_name(name: str, service: str) -> str:
    """`Status` of loans becomes `LoansStatus`, `Page_AreaOut_` `PageOfAreaOut`, and a form's
    `Body_add_document` `AddDocumentForm`."""
    if name.startswith("Page_"):
        name = f"PageOf{name[5:-1]}"
    elif name.startswith("Body_"):
        name = "".join(part.capitalize() for part in name.split("_")[1:]) + "Form"
    return service.capitalize() + name


def _moved(ref: str, named: Mapping[Name, str]) -> str:
    section, name = _named(ref)
    return f"#/components/{section}/{named[section, name]}" if (section, name) in named else ref


def _named(ref: str) -> Name:
    found = _REF.fullmatch(ref)
    return (found[1], found[2]) if found else ("", ref)


def _nodes(value: object) -> Iterator[Json]:
    """Walk every object inside a value."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _refs(value: object) -> Iterator[Json]:
    """Walk the objects that refer to a component."""
    return (node for node in _nodes(value) if isinstance(node.get("$ref"), str))


def _mappings(value: object) -> Iterator[dict[str, str]]:
    """Walk the tables by which a discriminator names components."""
    for node in _nodes(value):
        if isinstance(node.get("discriminator"), dict):
            yield node["discriminator"].get("mapping", {})
