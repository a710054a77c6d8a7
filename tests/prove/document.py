"""The merged document, walked: every operation, every field at every depth, a good value for each.

A part that stands at several places of one body counts once for its operation.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
KEY = "F01"  # how the entries of a map are named in our documents: by the card's field
MARK = "\ue000here\ue000"
GOOD = {
    "national-code": "0499370899",
    "sheba": "IR280170000000301000000137",
    "mobile": "09121234567",
    "postal-code": "1311675319",
    "legal-id": "10380284790",
    "tracking-code": "SH-0000000000",
    "period": "1405-08",
    "uuid": "0199a0c0-7b1e-7c3d-8f00-0123456789ab",
    "date": "2026-11-22",
    "date-time": "2026-11-22T08:00:00Z",
}


@dataclass(frozen=True)
class Field:
    """One place of a request where a stranger's value can stand."""

    where: str  # body, query, path, header or part
    path: tuple[str | int, ...]
    schema: Json = field(hash=False)
    required: bool
    trail: tuple[Json, ...] = field(hash=False, default=())  # schemas of the nodes above it

    @property
    def pointer(self) -> str:
        return "/" + "/".join(map(str, self.path))

    @property
    def name(self) -> str:
        return f"{self.where}:{self.pointer}"


@dataclass(frozen=True)
class Operation:
    """One method of one path. `words` are the agency's own, which an answer may well say."""

    method: str
    path: str
    spec: Json = field(hash=False)
    document: Json = field(hash=False)
    words: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def roles(self) -> list[str] | None:
        """Who may; None where no token is asked, all where only some token is."""
        if not self.spec.get("security"):
            return None
        return list(self.spec.get("x-roles", ["operator"]))

    @property
    def media(self) -> str | None:
        content = self.spec.get("requestBody", {}).get("content", {})
        return next(iter(content), None)

    def parameters(self, where: str) -> list[Field]:
        """Path or query parameters."""
        return [
            Field(where, (one["name"],), self.resolve(one["schema"]), one.get("required", False))
            for one in self.spec.get("parameters", ())
            if one["in"] == where
        ]

    def shapes(self) -> list[tuple[Json, list[Field]]]:
        """Every form of body: a good one from the schema, and its fields."""
        if self.media is None:
            return []
        content = self.spec["requestBody"]["content"][self.media]
        top = self.resolve(content["schema"])
        forms = [self.resolve(one) for one in top.get("oneOf", [top])]
        return [(self.good(form), self.fields(form)) for form in forms]

    def example(self) -> Any:
        """The document's own example of a body, None where there is none."""
        if self.media is None:
            return None
        content = self.spec["requestBody"]["content"][self.media]
        schema = self.resolve(content["schema"])
        found = content.get("examples") or schema.get("examples") or [None]
        return copy.deepcopy(next(iter(found.values() if isinstance(found, dict) else found)))

    def fields(self, form: Json) -> list[Field]:
        """All fields below the top of a body, each part once."""
        seen: set[tuple[str, str]] = set()
        where = "part" if self.media == "multipart/form-data" else "body"
        return list(self._below(form, (), (), seen, where))

    def _below(
        self, schema: Json, path: tuple[Any, ...], trail: tuple[Json, ...],
        seen: set[tuple[str, str]], where: str,
    ) -> Iterator[Field]:  # fmt: skip
        for form in self.forms(schema):
            for name, entry in form.get("properties", {}).items():
                part = (form.get("title", str(path)), name)
                if part in seen:
                    continue
                seen.add(part)
                found, below = self.resolve(entry), (*trail, form)
                yield Field(where, (*path, name), found, name in form.get("required", ()), below)
                yield from self._below(found, (*path, name), below, seen, where)
            if isinstance(form.get("additionalProperties"), dict):
                item, below = self.resolve(form["additionalProperties"]), (*trail, form)
                yield Field(where, (*path, KEY), item, required=False, trail=below)
                yield from self._below(item, (*path, KEY), below, seen, where)
            if "items" in form:
                item, below = self.resolve(form["items"]), (*trail, form)
                if not self._has_properties(item):
                    yield Field(where, (*path, 0), item, required=True, trail=below)
                yield from self._below(item, (*path, 0), below, seen, where)

    def _has_properties(self, schema: Json) -> bool:
        return any("properties" in form for form in self.forms(schema))

    def forms(self, schema: Json) -> list[Json]:
        """The forms that a value may have, null left out."""
        options = [self.resolve(one) for key in ("anyOf", "oneOf") for one in schema.get(key, ())]
        return [one for one in options or [schema] if one.get("type") != "null"]

    def resolve(self, schema: Json) -> Json:
        """The schema itself, where it only names one."""
        while "$ref" in schema or "allOf" in schema:
            named = schema.get("$ref") or schema["allOf"][0]["$ref"]
            rest = {key: value for key, value in schema.items() if key not in {"$ref", "allOf"}}
            found: Any = self.document
            for step in named.removeprefix("#/").split("/"):
                found = found[step]
            schema = found | rest
        return schema

    def good(self, schema: Json) -> Any:
        """A value that the schema takes, as small as it may be."""
        schema = self.forms(self.resolve(schema))[0]
        for key in ("const", "default"):
            if schema.get(key) is not None:
                return copy.deepcopy(schema[key])
        for key in ("examples", "enum"):
            if schema.get(key):
                return copy.deepcopy(schema[key][0])
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return {
                name: self.good(schema["properties"][name]) for name in schema.get("required", ())
            }
        if kind == "array":
            return [self.good(schema["items"])] * schema.get("minItems", 0)
        if kind == "string":
            return GOOD.get(schema.get("format", ""), "n" * max(schema.get("minLength", 1), 1))
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        return {"integer": int(low), "number": low, "boolean": True}.get(kind)

    def around(self, body: Any, place: Field) -> list[bytes]:
        """The bytes of a body before and after a place; what is missing above it is made."""
        whole = copy.deepcopy(body)
        node = whole
        for step, below in zip(place.path, (*place.trail[1:], None), strict=True):
            if isinstance(node, list) and not node:
                node.append(None)
            if below is None:
                node[step] = MARK
                break
            held = node[step] if isinstance(node, list) else node.get(step)
            if not isinstance(held, list if "items" in below else dict):
                node[step] = [] if "items" in below else self.good(below)
            node = node[step]
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        return text.encode().split(json.dumps(MARK, ensure_ascii=False).encode())


def operations(document: Json) -> list[Operation]:
    """Every operation of a document, in its order."""
    words = frozenset(_words(document))
    return [
        Operation(method.upper(), path, spec, document, words)
        for path, item in document["paths"].items()
        for method, spec in item.items()
        if isinstance(spec, dict) and "responses" in spec
    ]


def _words(node: Any) -> Iterator[str]:
    """The names of all properties, and what they may be one of."""
    if isinstance(node, list):
        for item in node:
            yield from _words(item)
    elif isinstance(node, dict):
        yield from node.get("properties", ())
        choices = [*node.get("enum", ()), node.get("const")]
        yield from (choice for choice in choices if isinstance(choice, str))
        for item in node.values():
            yield from _words(item)
