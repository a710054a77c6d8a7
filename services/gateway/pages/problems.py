"""Each refusal code explained, in both languages: where the `type` of a problem points to."""

import json
from html import escape
from typing import Any

from services.gateway.pages.html import Answer, page
from shared.web.errors import NotFound, Refusal, catalogue


def known() -> dict[str, type[Refusal]]:
    """Return every refusal of the services in this process by its code, sorted."""
    found: dict[str, type[Refusal]] = {}
    for kind in catalogue():
        found.setdefault(kind.code, kind)
    return dict(sorted(found.items()))


def as_data(kind: type[Refusal]) -> dict[str, Any]:
    """Return what can be said of a refusal without an occasion."""
    return {
        "type": f"/problems/{kind.code}",
        "code": kind.code,
        "status": kind.status,
        "title": {"fa": kind.fa, "en": kind.en},
        "retry_after_s": kind.retry_after,
    }


def one(code: str, *, html: bool) -> Answer:
    """Answer one refusal's page. Raises NotFound for a code that nobody makes."""
    kind = known().get(code)
    if kind is None:
        raise NotFound
    if not html:
        return _json(as_data(kind))
    return page(
        kind.fa,
        f"<h1>{escape(kind.fa)}</h1><p class=en lang=en>{escape(kind.en)}</p>"
        f"<p><code>{escape(kind.code)}</code> · HTTP {kind.status}{_again(kind)}</p>"
        "<p><a href=/problems>همهٔ پاسخ‌های منفی</a></p>",
    )


def every(*, html: bool) -> Answer:
    """Answer the list of all refusals."""
    kinds = known().values()
    if not html:
        return _json({"items": [as_data(kind) for kind in kinds]})
    rows = "".join(
        f"<tr><td>{kind.status}<td><a href=/problems/{escape(kind.code)}>"
        f"<code>{escape(kind.code)}</code></a><td>{escape(kind.fa)}"
        f"<span class=en lang=en>{escape(kind.en)}</span>"
        for kind in kinds
    )
    return page("پاسخ‌های منفی", f"<h1>پاسخ‌های منفی و معنای آن‌ها</h1><table>{rows}</table>")


def _again(kind: type[Refusal]) -> str:
    if kind.retry_after is None:
        return ""
    return f" · پس از {kind.retry_after} ثانیه دوباره بکوشید"


def _json(data: object) -> Answer:
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"public, max-age=300"),
        (b"vary", b"Accept"),
    ]
    return 200, headers, json.dumps(data, ensure_ascii=False).encode()
