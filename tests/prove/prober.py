"""Sends hostile values to every field of every operation and judges each answer."""

import json
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote, quote_from_bytes

from tests.prove.corpus import (
    FILENAMES,
    HEADERS,
    RAW_SEGMENTS,
    STRINGS,
    VECTORS,
    Vector,
    whole_bodies,
)
from tests.prove.document import Field, Json, Operation
from tests.prove.judging import dressed, echoes, header_is_fine, leaves, names_it, problem_faults
from tests.prove.oracle import REFUSED, canonical
from tests.prove.sending import Headers, Ready, Reply, Sender, form_bytes

EACH = 40
WELCOME = 4
WHOLE = os.environ.get("SOHA_VECTORS") == "all"


class Prober:
    """Walks operations; `findings` says what was wrong, the counters what was really sent."""

    def __init__(
        self,
        send: Sender,
        prepare: Callable[[Operation], Awaitable[Ready]],
        *,
        seed: int,
        each: int = EACH,
        evidence: frozenset[str] = frozenset(),
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self.send, self.prepare, self.seed, self.each = send, prepare, seed, each
        self.evidence = evidence  # fields that keep what was printed as it was printed
        self.quiet = quiet  # operations that say no more than "not found", whatever was wrong
        self.findings: list[str] = []
        self.sent: Counter[str] = Counter()
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self.accepted = 0

    async def probe(self, operation: Operation) -> None:
        """Everything that can be sent to one operation; the good request first."""
        work = Work(self, operation)
        await work.control()
        for place in operation.parameters("path"):
            await work.path(place)
        for place in operation.parameters("query"):
            await work.query(place)
        if operation.method != "GET":
            await work.header(b"idempotency-key")
            await work.header(b"if-match")
        if operation.media == "multipart/form-data":
            await work.form()
        elif operation.media is not None:
            await work.body()

    def choose(
        self,
        name: str,
        vectors: Sequence[Any],
        *,
        fitting: Callable[[Any], bool] = lambda _: False,
        welcome: Callable[[Any], bool] = lambda _: False,
    ) -> list[Any]:
        """A sample by seed, half of it of what fits the field best; or everything.

        What is welcome is taken in, and each such answer costs a case: a few of them will do.
        """
        if WHOLE or len(vectors) <= self.each:
            return list(vectors)
        draw = random.Random(f"{self.seed} {name}")
        mixed = draw.sample(list(vectors), len(vectors))
        chosen = [vector for vector in mixed if welcome(vector)][:WELCOME]
        others = [vector for vector in mixed if not welcome(vector)]
        chosen += [vector for vector in others if fitting(vector)][: self.each // 2]
        rest = [vector for vector in mixed if vector not in chosen]
        rest.sort(key=welcome)
        return chosen + rest[: self.each - len(chosen)]


class Work:
    """One operation under probe, with a good request that is renewed after each change."""

    def __init__(self, prober: Prober, operation: Operation) -> None:
        self.prober, self.operation = prober, operation
        self.ready: Ready | None = None
        self.lost = False  # the good request fails: why others are refused says little
        self._secrets: tuple[Ready | None, dict[str, set[str]]] = None, {}

    async def good(self) -> Ready:
        if self.ready is None:
            self.ready = await self.prober.prepare(self.operation)
        return self.ready

    async def ask(
        self, ready: Ready, *, path: dict[str, bytes] | None = None, query: bytes | None = None,
        headers: Headers | None = None, body: bytes | None = None, media: str | None = None,
    ) -> Reply:  # fmt: skip
        """Send the good request with one thing changed."""
        operation = self.operation
        steps = {name: quote(value, safe="").encode() for name, value in ready.path.items()}
        steps |= path or {}
        raw = re.sub(rb"\{(\w+)\}", lambda found: steps[found[1].decode()], operation.path.encode())
        if query is None:
            query = "&".join(f"{k}={quote(v, safe='')}" for k, v in ready.query.items()).encode()
        if headers is None:
            headers = ready.headers
        if body is None and operation.media is not None:
            body, media = self.whole(ready.body)
        if body is not None and media is not None:
            headers = [*headers, (b"content-type", media.encode())]
        reply = await self.prober.send(operation.method, raw, query, headers, body or b"")
        self.prober.statuses[operation.key][reply.status] += 1
        if reply.status < 300 and operation.method != "GET":
            self.ready = None
        return reply

    def whole(self, body: Any) -> tuple[bytes, str]:
        if self.operation.media == "multipart/form-data":
            return form_bytes(body)
        return json.dumps(body, ensure_ascii=False).encode(), "application/json"

    def found(self, place: str, vector: object, said: str) -> None:
        shown = repr(vector)[:80]
        self.prober.findings.append(f"{self.operation.key} {place} {shown}: {said}")

    async def control(self) -> None:
        ready = await self.good()
        reply = await self.ask(ready)
        if not 200 <= reply.status < 300:
            self.found("control", "-", f"the good request got {reply.status} {said_by(reply)}")
            self.lost = True
        if ready.kept is not None:
            await ready.kept(reply)

    # Where a value can stand

    async def path(self, place: Field) -> None:
        name = place.path[0]
        raws: list[tuple[bytes, Vector | None]] = [(raw, None) for raw in RAW_SEGMENTS]
        raws += [
            (quote_from_bytes(v.value.encode(), safe=b"").encode(), v) for v in STRINGS if v.value
        ]
        for raw, vector in self.prober.choose(self.operation.key + place.name, raws):
            ready = await self.good()
            if raw == quote(ready.path[name], safe="").encode():
                continue
            reply = await self.ask(ready, path={name: raw})
            refused = vector is not None and self.judged(place, vector) is REFUSED
            self.judge(place, raw, reply, ready=ready, refused=refused, vector=vector)

    async def query(self, place: Field) -> None:
        name = place.path[0].encode()
        raws: list[tuple[bytes, Vector | None]] = [
            (raw, None) for raw in RAW_SEGMENTS if not raw.startswith(b"canary" * 5)
        ]
        raws += [(quote_from_bytes(v.value.encode(), safe=b"").encode(), v) for v in STRINGS]
        for raw, vector in self.prober.choose(self.operation.key + place.name, raws):
            ready = await self.good()
            others = {k: v for k, v in ready.query.items() if k != place.path[0]}
            query = b"&".join(
                [f"{k}={quote(v, safe='')}".encode() for k, v in others.items()]
                + [name + b"=" + raw]
            )
            reply = await self.ask(ready, query=query)
            refused = vector is not None and self.judged(place, vector) is REFUSED
            self.judge(place, raw, reply, ready=ready, refused=refused, vector=vector)

    def judged(self, place: Field, vector: Vector) -> Any:
        """As `canonical`; a parameter's number or truth comes as text, so only text is judged."""
        forms = self.operation.forms(place.schema)
        if any(form.get("type") in {"integer", "boolean", "number"} for form in forms):
            plain = re.fullmatch(r"-?[0-9]{1,9}|true|false|[01]", vector.value, re.ASCII)
            return vector.value if plain else REFUSED
        return canonical(self.operation, place.schema, vector)

    async def header(self, name: bytes) -> None:
        place = Field("header", (name.decode(),), {}, required=False)
        for raw in self.prober.choose(
            self.operation.key + place.name, HEADERS, welcome=lambda raw: header_is_fine(name, raw)
        ):
            ready = await self.good()
            others = [header for header in ready.headers if header[0] != name]
            reply = await self.ask(ready, headers=[*others, (name, raw)])
            self.judge(place, raw, reply, ready=ready, refused=not header_is_fine(name, raw))

    async def body(self) -> None:
        ready = await self.good()
        own = ready.body
        for sample, places in self.operation.shapes():
            same = len(self.operation.shapes()) == 1 or sample_is(own, sample)
            for place in places:
                await self.place(place, None if same else sample)
                if same:
                    await self.more(place)
        content, _ = self.whole(own)
        place = Field("body", (), {}, required=True)
        for name, raw, headers in whole_bodies(content):
            ready = await self.good()
            reply = await self.ask(ready, headers=[*ready.headers, *headers], body=raw)
            self.judge(place, name, reply, ready=ready, refused=True, sent=())

    async def place(self, place: Field, sample: Any) -> None:
        """One field of a body; a missing required field is a vector too."""
        around: tuple[Any, list[bytes]] = None, []
        kinds = FITS[kind_of(self.operation, place)]
        takes = {vector.raw: canonical(self.operation, place.schema, vector) for vector in VECTORS}
        for vector in self.prober.choose(
            self.operation.key + place.name,
            VECTORS,
            fitting=lambda vector: vector.kind in kinds,
            welcome=lambda vector: takes[vector.raw] is not REFUSED,
        ):
            ready = await self.good()
            body = ready.body if sample is None else sample
            if body is not around[0]:
                around = body, self.operation.around(body, place)
            raw = vector.raw.join(around[1])
            reply = await self.ask(ready, body=raw, media="application/json")
            kept = takes[vector.raw]
            self.judge(
                place, vector.raw, reply, ready=ready, refused=kept is REFUSED, vector=vector
            )
            if reply.status < 300:
                await self.kept(place, vector, kept, reply, ready)

    async def more(self, place: Field) -> None:
        """The good value of an object with one property more than it may have."""
        ready = await self.good()
        value = at(ready.body, place.path)
        forms = self.operation.forms(place.schema)
        closed = any(form.get("additionalProperties") is False for form in forms)
        if not closed or not isinstance(value, dict):
            return
        raw = json.dumps(value | {"canary_property": True}, ensure_ascii=False).encode()
        body = raw.join(self.operation.around(ready.body, place))
        reply = await self.ask(ready, body=body, media="application/json")
        self.judge(place, "a property more", reply, ready=ready, refused=True, sent=())

    async def form(self) -> None:
        ((_, places),) = self.operation.shapes()
        for place in places:
            name = str(place.path[0])
            raws = list(FILENAMES) if is_file(place) else [v.value.encode() for v in STRINGS]
            for raw in self.prober.choose(self.operation.key + place.name, raws):
                ready = await self.good()
                parts = dict(ready.body)
                parts[name] = (raw, *parts[name][1:]) if is_file(place) else raw
                body, media = form_bytes(parts)
                reply = await self.ask(ready, body=body, media=media)
                self.judge(place, raw, reply, ready=ready, refused=False)

    # Judgement

    def secrets(self, ready: Ready) -> dict[str, set[str]]:
        """What a good request says, which no refusal may repeat; dressed once for each."""
        if self._secrets[0] is not ready:
            self._secrets = ready, dressed([*leaves(ready.body), *leaves(ready.path)])
        return self._secrets[1]

    def judge(
        self, place: Field, raw: object, reply: Reply, *, ready: Ready, refused: bool,
        vector: Vector | None = None, sent: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.prober.sent[f"{self.operation.key} {place.name}"] += 1
        wrong = problem_faults(reply) if reply.status >= 400 else []
        if reply.status == 0:  # a server may close on what is endless; its answer is lost then
            wrong += [] if len(leaves(raw)[0]) > 32 * 1024 else ["got no answer"]
        elif reply.status >= 500:
            wrong.append(f"answered {reply.status}")
        elif reply.status < 300 and refused and place.name not in self.prober.evidence:
            wrong.append(f"accepted with {reply.status}")
        elif reply.status >= 400:
            here = [*leaves(raw)] if sent is None else [*sent]
            here += leaves(vector.value) if vector is not None else []
            said = echoes(reply, self.secrets(ready), dressed(here))
            wrong += [f"echoes {text!r}" for text in said if text not in self.operation.words]
            quiet = self.lost or (self.operation.key in self.prober.quiet and reply.status == 404)
            named = wrong or not place.path or quiet or names_it(reply, place)
            if refused and place.where == "body" and not named:
                wrong.append(f"names another place: {said_by(reply)}")
        elif reply.status >= 300:
            wrong.append(f"answered {reply.status}")
        for said in wrong:
            self.found(place.name, raw, said)

    async def kept(
        self, place: Field, vector: Vector, kept: Any, reply: Reply, ready: Ready
    ) -> None:
        """What was accepted is shown, and stored where that can be read, in its canonical form."""
        self.prober.accepted += 1
        if place.name in self.prober.evidence:
            return
        value = vector.value
        if isinstance(value, str) and kept != value and value in reply.body.decode():
            self.found(place.name, vector.raw, "shows what was sent, not its canonical form")
        if ready.kept is None:
            return
        shown = at(await ready.kept(reply), place.path)
        if isinstance(shown, str) and isinstance(kept, str) and shown != kept:
            self.found(place.name, vector.raw, f"kept as {shown!r}, not {kept!r}")


FITS = {
    "string": ("text", "syntax"),
    "format": ("identifier", "date", "text"),
    "choice": ("identifier", "injection", "number"),
    "integer": ("number", "syntax"),
    "number": ("number", "syntax"),
    "boolean": ("number", "shape"),
    "array": ("shape", "syntax"),
    "object": ("shape", "syntax"),
}


def kind_of(operation: Operation, place: Field) -> str:
    forms = operation.forms(place.schema)
    form = forms[0] if forms else {}
    if "const" in form or "enum" in form:
        return "choice"
    if "format" in form or "pattern" in form:
        return "format"
    return str(form.get("type", "object"))


def said_by(reply: Reply) -> str:
    """The beginning of an answer, to be read by people."""
    return reply.body.decode(errors="replace")[:300]


def is_file(place: Field) -> bool:
    """Whether a part of a form is a file."""
    return place.schema.get("format") == "binary" or "contentMediaType" in place.schema


def sample_is(body: Any, sample: Json) -> bool:
    """Whether a body has the form of a sample: the same service, as its discriminator says."""
    return all(body.get(key) == sample[key] for key in ("service",) if key in sample)


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a place, None where nothing does."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
