"""In which form an answer is wanted: JSON unless the caller likes another one of ours better."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

JSON, CSV, PDF = "application/json", "text/csv", "application/pdf"
_VARY = {"Vary": "Accept"}


def wanted(request: Request, *others: str) -> str:
    """JSON, or one of `others` if the Accept header names it and likes nothing of ours better."""
    liked = _liking(request.headers.get("accept", ""))
    by_default = liked.get(JSON, liked.get("application/*", liked.get("*/*", 0.0)))
    best = max(others, key=lambda form: liked.get(form, 0.0))
    return best if liked.get(best, 0.0) > by_default else JSON


def _liking(accept: str) -> dict[str, float]:
    """The media types of an Accept header with their weights; what is no weight is none."""
    found = {}
    for part in accept.lower().split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        digits = weight.replace(".", "", 1)
        found[media] = float(weight) if digits.isascii() and digits.isdigit() else 0.0
    return found


def also(*forms: str) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the other forms in which it answers."""
    shapes: dict[str, Any] = {
        CSV: {"schema": {"type": "string"}},
        PDF: {"schema": {"type": "string", "format": "binary"}},
    }
    return {200: {"content": {form: shapes[form] for form in forms}}}


def json_of(body: str | bytes) -> Response:
    """The answer in its first form."""
    return Response(body, media_type=JSON, headers=_VARY)


def pdf_of(made: bytes, *, name: str) -> Response:
    """A paper, shown rather than saved."""
    return Response(made, media_type=PDF, headers=_named("inline", f"{name}.pdf"))


def csv_of(table: AsyncIterator[str] | str, *, name: str) -> Response:
    """A table under a name to save it by, in one piece or as it comes."""
    headers = _named("attachment", f"{name}.csv")
    if isinstance(table, str):
        return Response(table, media_type=CSV, headers=headers)
    return StreamingResponse(table, media_type=CSV, headers=headers)


def _named(how: str, name: str) -> dict[str, str]:
    return _VARY | {"Content-Disposition": f'{how}; filename="{name}"'}
