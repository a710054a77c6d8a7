"""Each refusal with cause and cure, in both languages: where the `type` of a problem points to."""

import json
import re
from html import escape
from itertools import groupby
from typing import Any

from services.gateway.pages.cures import cure
from services.gateway.pages.html import Answer, page
from shared.web.errors import NotFound, Refusal, catalogue

_ABOUT = (
    "<p>هر پاسخ منفی <code>application/problem+json</code> است و <code>code</code> پایداری دارد؛"
    " بر پایهٔ آن تصمیم بگیرید نه متن. متن فارسی است مگر با <code>Accept-Language: en</code>."
    "<span class=en lang=en>Decide by <code>code</code>, never by text; the text is Persian unless"
    " you ask for English.</span><p><a href=/docs>مستندات</a>"
)
_CODE = re.compile("`(.+?)`")
_HEAD = "<tr><th>کد · code<th>علت · cause<th>چاره · cure"


def known() -> dict[str, type[Refusal]]:
    """Return every refusal of the services in this process by its code, sorted."""
    found: dict[str, type[Refusal]] = {}
    for kind in catalogue():
        found.setdefault(kind.code, kind)
    return dict(sorted(found.items()))


def as_data(kind: type[Refusal]) -> dict[str, Any]:
    """Return what can be said of a refusal without an occasion."""
    fa, en = cure(kind.code, kind.status)
    return {
        "type": f"/problems/{kind.code}",
        "code": kind.code,
        "status": kind.status,
        "title": {"fa": kind.fa, "en": kind.en},
        "cure": {"fa": fa, "en": en},
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
        f"<h2>چاره · What to do</h2>{_cure(kind)}"
        "<p><a href=/problems>همهٔ پاسخ‌های منفی</a></p>",
    )


def every(*, html: bool) -> Answer:
    """Answer the list of all refusals."""
    kinds = known().values()
    if not html:
        return _json({"items": [as_data(kind) for kind in kinds]})
    parts = []
    for status, alike in groupby(sorted(kinds, key=lambda k: (k.status, k.code)), _status):
        rows = "".join(
            f"<tr><td><a href=/problems/{escape(kind.code)}>"
            f"<code>{escape(kind.code)}</code></a><td>{escape(kind.fa)}"
            f"<span class=en lang=en>{escape(kind.en)}</span><td>{_cure(kind)}"
            for kind in alike
        )
        parts.append(f"<h2>HTTP {status}</h2><table>{_HEAD}{rows}</table>")
    return page("پاسخ‌های منفی", f"<h1>پاسخ‌های منفی، علت و چاره</h1>{_ABOUT}{''.join(parts)}")


def _status(kind: type[Refusal]) -> int:
    return kind.status


def _cure(kind: type[Refusal]) -> str:
    fa, en = (_CODE.sub(r"<code>\1</code>", escape(s)) for s in cure(kind.code, kind.status))
    return f"{fa}<span class=en lang=en>{en}</span>"


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
