"""The issuer's HTTP face: discovery, key set, client credentials, and login with PKCE."""

import base64
import binascii
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox import pages
from deploy.sandbox.issuer import Issuer, TokenAsked, citizen_sub
from deploy.sandbox.records import Record
from deploy.sandbox.world import World
from shared.values.identifiers import NationalCode

TTL_S: Final = 3600
CODE_LIVES_S: Final = 60.0
CODES_HELD: Final = 1000
NEVER_STORED: Final = {"Cache-Control": "no-store"}


class Client(Record):
    """A registered machine, or (with `redirects`) an application that people log into."""

    client_id: str
    client_secret: str | None
    redirects: bool
    claims: dict[str, str | list[str]]


class LoginAsked(BaseModel):
    """An authorization request with PKCE; unknown parameters are ignored, as the standard says."""

    model_config = ConfigDict(extra="ignore")

    response_type: str = Field(pattern=r"\Acode\z")
    client_id: str = Field(max_length=100)
    redirect_uri: str = Field(max_length=500)
    code_challenge: str = Field(pattern=r"\A[A-Za-z0-9_-]{43}\z")
    code_challenge_method: str = Field(pattern=r"\AS256\z")
    scope: str = Field("", max_length=200)
    state: str = Field("", max_length=500)
    nonce: str = Field("", max_length=200)


class Login(LoginAsked):
    national_code: NationalCode


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for until it is exchanged, once."""

    login: Login
    until: float


class Clients:
    """Registered clients and the codes under way."""

    def __init__(self, clients: Path) -> None:
        listed = [Client.model_validate(item) for item in json.loads(clients.read_bytes())]
        self._clients = {client.client_id: client for client in listed}
        self._grants: dict[str, Grant] = {}

    def may_log_in(self, asked: LoginAsked) -> bool:
        """Is it an application for people, and does it send them back to this machine?"""
        client = self._clients.get(asked.client_id)
        return client is not None and client.redirects and _is_local(asked.redirect_uri)

    def machine(self, client_id: str, client_secret: str) -> Client | None:
        client = self._clients.get(client_id)
        if client is None or client.client_secret is None:
            return None
        same = secrets.compare_digest(client.client_secret.encode(), client_secret.encode())
        return client if same else None

    def grant(self, login: Login) -> str:
        code = secrets.token_urlsafe(24)
        while len(self._grants) >= CODES_HELD:
            del self._grants[next(iter(self._grants))]
        self._grants[code] = Grant(login, time.monotonic() + CODE_LIVES_S)
        return code

    def redeem(self, code: str) -> Login | None:
        grant = self._grants.pop(code, None)
        return grant.login if grant is not None and time.monotonic() < grant.until else None

    def claims(self, client_id: str) -> dict[str, Any]:
        return dict(self._clients[client_id].claims)


class TokenForm(BaseModel):
    """What a client posts to the token endpoint; each grant reads its own fields."""

    model_config = ConfigDict(extra="ignore")

    grant_type: str
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""


def issuer_routes(issuer: Issuer, register: Clients) -> APIRouter:
    """Discovery, keys, tokens."""
    router = APIRouter()

    @router.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return issuer.discovery()

    @router.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return issuer.jwks()

    @router.post("/tokens", status_code=201)
    async def token_for_anybody(body: TokenAsked, response: Response) -> dict[str, Any]:
        response.headers.update(NEVER_STORED)
        claims = body.model_dump(exclude={"expires_in"}, exclude_none=True)
        return issuer.access_token(claims, ttl_s=body.expires_in)

    @router.post("/oauth2/token")
    async def token(request: Request, form: Annotated[TokenForm, Form()]) -> JSONResponse:
        if form.grant_type == "client_credentials":
            basic = _basic(request.headers.get("authorization"))
            return _for_machine(issuer, register, *(basic or (form.client_id, form.client_secret)))
        if form.grant_type == "authorization_code":
            return _for_citizen(issuer, register, form)
        return _no("unsupported_grant_type")

    return router


def login_routes(world: World, register: Clients) -> APIRouter:
    """The page on which a developer becomes any citizen."""
    router = APIRouter()

    @router.get("/oauth2/authorize")
    async def login_page(asked: Annotated[LoginAsked, Query()]) -> HTMLResponse:
        if not register.may_log_in(asked):
            return HTMLResponse(pages.refused_login(), 400)
        people = [
            (code, f"{person.first_name} {person.last_name}")
            for code, person in world.people.items()
            if person.alive
        ]
        return HTMLResponse(pages.login(asked.model_dump(), people))

    @router.post("/oauth2/authorize")
    async def log_in(login: Annotated[Login, Form()]) -> Response:
        if not register.may_log_in(login):
            return HTMLResponse(pages.refused_login(), 400)
        back = {"code": register.grant(login), "state": login.state}
        join = "&" if urlsplit(login.redirect_uri).query else "?"
        return RedirectResponse(f"{login.redirect_uri}{join}{urlencode(back)}", 303)

    return router


def _for_machine(
    issuer: Issuer, register: Clients, client_id: str, client_secret: str
) -> JSONResponse:
    machine = register.machine(client_id, client_secret)
    if machine is None:
        return _no("invalid_client", 401)
    claims = {"sub": machine.client_id, **machine.claims}
    return JSONResponse(issuer.access_token(claims, ttl_s=TTL_S), headers=NEVER_STORED)


def _for_citizen(issuer: Issuer, register: Clients, form: TokenForm) -> JSONResponse:
    login = register.redeem(form.code)
    if (
        login is None
        or (form.client_id, form.redirect_uri) != (login.client_id, login.redirect_uri)
        or _challenge(form.code_verifier) != login.code_challenge
    ):
        return _no("invalid_grant")
    who = {"sub": citizen_sub(login.national_code), "national_code": login.national_code}
    claims = register.claims(login.client_id)
    answer = issuer.access_token({**claims, **who}, ttl_s=TTL_S)
    if "openid" in login.scope.split():
        about = {**who, "aud": login.client_id, "nonce": login.nonce}
        answer["id_token"] = issuer.sign(about, ttl_s=TTL_S)
    return JSONResponse(answer, headers=NEVER_STORED)


def _no(error: str, status: int = 400) -> JSONResponse:
    headers = dict(NEVER_STORED)
    if status == 401:
        headers["WWW-Authenticate"] = "Basic"
    return JSONResponse({"error": error}, status, headers=headers)


def _basic(header: str | None) -> tuple[str, str] | None:
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(name), unquote(secret)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_local(uri: str) -> bool:
    """Codes leave for the developer's own machine only."""
    try:
        parts = urlsplit(uri)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
    return local and parts.scheme in ("http", "https") and not parts.fragment
