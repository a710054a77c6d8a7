"""What an answer must be, and must not be, whatever was asked."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tests.prove.document import Field
from tests.prove.sending import Reply


def problem_faults(reply: Reply) -> list[str]:
    """What is wrong with a refusal as RFC 9457 and our own contract have it."""
    if not reply.headers.get(b"content-type", b"").startswith(b"application/problem+json"):
        return [f"{reply.status} is no problem+json"]
    try:
        said = json.loads(reply.body)
    except ValueError:
        return ["the problem is no JSON"]
    wrong = [name for name in ("type", "title", "code", "request_id") if not said.get(name)]
    wrong = [f"the problem has no {name}" for name in wrong]
    if said.get("status") != reply.status:
        wrong.append(f"the problem says {said.get('status')}")
    return wrong


def names_it(reply: Reply, place: Field) -> bool:
    """Whether a refusal of one value says where it stands, or that the text is no JSON at all."""
    if reply.status in {400, 413} or reply.status != 422:
        return reply.status in {400, 413}
    pointers = [fault["pointer"] for fault in json.loads(reply.body).get("errors", ())]
    # A key that a stranger chose is left out of the pointer: then it ends above.
    return any(f"{pointer}/".startswith(f"{place.pointer}/") for pointer in pointers)


def dressed(texts: Iterable[str]) -> dict[str, set[str]]:
    """Texts long enough to be somebody's own, each with the dresses it might come back in."""
    return {
        text: {
            text,
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            quote(text, safe=""),
        }
        for text in texts
        if len(text) >= 6
    }


def echoes(reply: Reply, *secrets: Mapping[str, set[str]]) -> Iterator[str]:
    """Those of the texts that the answer repeats, in whatever dress."""
    shown = reply.body.decode(errors="replace")
    shown += " ".join(value.decode("latin-1") for value in reply.headers.values())
    for some in secrets:
        for text, dresses in some.items():
            if any(dress in shown for dress in dresses):
                yield text


def leaves(value: Any) -> list[str]:
    """Every text inside a value."""
    if isinstance(value, bytes):
        return [value.decode(errors="replace")]
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in leaves(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in leaves(item)]
    return []


def header_is_fine(name: bytes, raw: bytes) -> bool:
    """Whether a header of ours may have this value; the blanks around it belong to HTTP."""
    raw = raw.strip(b" \t")
    if name == b"idempotency-key":
        return bool(re.fullmatch(rb"[\x21-\x7e]{1,255}", raw))
    return bool(re.fullmatch(rb'\s*(\*|"[0-9]{1,9}")\s*', raw))
