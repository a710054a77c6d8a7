"""From whatever went wrong to a Refusal: Postgres' reasons, Pydantic's findings, the router's no's.

Beneath `errors.py`, which names the refusals; this page is installed into an application.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.running.log import get_logger
from shared.web.document import describe
from shared.web.errors import (
    MAX_FAULTS,
    Conflict,
    Fault,
    InternalError,
    InvalidInput,
    InvalidQuery,
    MalformedBody,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Refusal,
    RoleNotAllowed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
    problem,
    send_problem,
)
from shared.web.sentences import sentence

# What Postgres refuses, by SQLSTATE: a full code, or its class of two letters.
_BY_SQLSTATE: dict[str, type[Refusal]] = {
    "23505": Conflict,
    "23P01": Conflict,
    "23503": Conflict,
    "23514": InvalidInput,
    "22": InvalidInput,
    "08": Unavailable,
    "40": Unavailable,
    "53": Unavailable,
    "55P03": Unavailable,
    "57": Unavailable,
    "25P03": Unavailable,
    "25006": Unavailable,
}
# Raised before the server saw anything, so without a SQLSTATE; recognised by name, since this wing
# knows no database driver.
_BY_NAME: dict[str, type[Refusal]] = {
    "DataError": InvalidInput,
    "UnicodeEncodeError": InvalidInput,
    "InterfaceError": Unavailable,
    "TimeoutError": Unavailable,
}


def refusal_for(error: BaseException) -> Refusal:
    """Return what to answer to an error that nobody caught; never carries its text."""
    if isinstance(error, Refusal):
        return error
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return (_BY_SQLSTATE.get(state) or _BY_SQLSTATE.get(state[:2]) or InternalError)()
    for link in _chain(error):
        if isinstance(link, ConnectionError | TimeoutError):
            return Unavailable()
        for kind in type(link).__mro__:
            if kind.__name__ in _BY_NAME:
                return _BY_NAME[kind.__name__]()
    return InternalError()


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if isinstance(link, BaseException) and link not in seen:
            seen.append(link)
            yield link
            waiting += [getattr(link, "orig", None), link.__cause__]


def invalid(error: RequestValidationError) -> Refusal:
    """Turn FastAPI's findings into ours: places and codes, never what was sent."""
    found = error.errors()
    faults = []
    for finding in found[:MAX_FAULTS]:
        code, fa, en = sentence(finding["type"], finding.get("ctx") or {})
        faults.append(Fault(_pointer(finding, error.body), code, fa, en))
    # An unknown filter or value is 400 (api.md section 1); the rest is about data.
    only_query = all(finding["loc"][:1] in {("query",), ("header",)} for finding in found)
    return (InvalidQuery if only_query else InvalidInput)(errors=faults)


_PLAIN_KEY = re.compile(r"(?!.*[0-9]{6})[A-Za-z_][A-Za-z0-9_-]{0,63}")


def _pointer(finding: Mapping[str, Any], body: object) -> str:
    """Return the JSON pointer of a finding; Pydantic's names of union members are left out."""
    where, *rest = finding["loc"] or ("body",)
    parts: list[str] = [] if where == "body" else [str(where)]
    node = body if where == "body" else None
    for part in rest:
        if isinstance(part, int):
            node = node[part] if isinstance(node, list) and part < len(node) else None
        elif where == "body" and isinstance(node, dict):
            absent = part not in node
            if absent and not (finding["type"] == "missing" and part is rest[-1]):
                continue
            node = node.get(part)
        elif where == "body" and node is not None:
            continue
        if isinstance(part, str) and not _PLAIN_KEY.fullmatch(part):
            break
        parts.append(str(part))
    else:
        if finding["type"].startswith("union_tag_"):  # wrong is the word that says which it is
            parts.append(finding["ctx"]["discriminator"].strip("'"))
    return "/" + "/".join(parts) if parts else ""


def install(app: FastAPI, *, issuer: str = "") -> None:
    """Let an app answer every refusal, validation finding, 404 and fault as problem+json.

    Its OpenAPI document says so as well, and names the roles; `issuer` is where tokens come from.
    """
    app.add_exception_handler(Refusal, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_middleware(LastResort)
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(plain(), issuer=issuer)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


_BY_STATUS: tuple[type[Refusal], ...] = (
    *(MalformedBody, Unauthenticated, RoleNotAllowed, NotFound, MethodNotAllowed),
    *(TooLarge, UnsupportedMedia, TooMany),
)


async def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        refusal = invalid(error)
    elif isinstance(error, HTTPException):
        refusal = _from_http(error)
    else:
        refusal = refusal_for(error)
    status, headers, body = problem(refusal, request.scope)
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _from_http(error: HTTPException) -> Refusal:
    for kind in _BY_STATUS:
        if kind.status == error.status_code:
            return kind(headers=error.headers)
    refusal = (MalformedRequest if error.status_code < 500 else InternalError)()
    refusal.status = error.status_code
    return refusal


class LastResort:
    """Answers what nobody caught, and raises nothing further.

    Starlette's own last resort raises again after answering, and the server then logs the text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the last resort
            await answer_fault(error, scope, None if started else send)


async def answer_fault(error: Exception, scope: Scope, send: Send | None) -> None:
    """Log an uncaught error by its type and answer it; `send` is None once an answer has begun."""
    refusal = refusal_for(error)
    if not isinstance(error, Refusal):
        log = get_logger()
        say = log.error if refusal.status == 500 else log.warning
        say(
            "request_failed",
            code=refusal.code,
            request_id=scope.get("soha.request_id"),
            exc_info=error,
        )
    if send is not None:
        await send_problem(refusal, scope, send)
