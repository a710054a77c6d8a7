"""The table of our own pages: which path is answered by which of them."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Scope, Send

from services.gateway.pages import docs, health, home, problems
from services.gateway.pages.document import Document
from services.gateway.pages.html import Answer
from services.gateway.routes import READS, Route
from shared.running.settings import Settings
from shared.web.errors import MethodNotAllowed


class Pages:
    """Answers what belongs to no service; none of it needs a token."""

    def __init__(self, settings: Settings, services: Mapping[str, ASGIApp]) -> None:
        self._services = services
        self._document = Document(services, issuer=settings.oidc_issuer)

    async def serve(self, scope: Scope, send: Send) -> bool:
        """Answer a request for one of the pages; False when the path is none of them.

        Raises MethodNotAllowed, NotFound and, from /readyz, Unavailable.
        """
        root, *names = scope["path"].split("/")
        if root or not 1 <= len(names) <= 2 or names[0] in {"v1", "spdci"}:
            return False
        first, *rest = names
        asked = _header(scope, b"accept")
        answer = await self._answer(first, rest, html=b"text/html" in asked, scope=scope)
        if answer is None:
            return False
        status, headers, body = answer
        if _header(scope, b"if-none-match") in {tag for name, tag in headers if name == b"etag"}:
            status, body = 304, b""
        else:
            headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return True

    async def _answer(
        self, first: str, rest: list[str], *, html: bool, scope: Scope
    ) -> Answer | None:
        known = {"", "livez", "readyz", "openapi.json", "docs", "problems"}
        if first not in known or (rest and first not in {"docs", "problems"}):
            return None
        scope["soha.route"] = Route(f"/{first}", "gateway")
        if scope["method"] not in READS:
            raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
        match first, rest:
            case "readyz", []:
                return await health.ready(self._services)
            case "livez", []:
                return health.alive()
            case "openapi.json", []:
                return await self._document.answer()
            case "docs", []:
                return docs.docs()
            case "docs", [name]:
                return docs.asset(name)
            case "problems", []:
                return problems.every(html=html)
            case "problems", [code]:
                return problems.one(code, html=html)
        return home.home()


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found
