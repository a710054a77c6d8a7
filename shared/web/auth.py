"""Who is asking: Actor and its roles, the tokens between our services, and the public ones.

The gateway verifies the citizen's or official's token once and signs the actor onward for at most
five minutes; each service verifies that signature and decides again (decision 10).
"""

import fcntl
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from fastapi.openapi.models import OpenIdConnect
from fastapi.security.base import SecurityBase
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.running.settings import write_private
from shared.web.errors import RoleNotAllowed, Unauthenticated, send_problem

CACHE = 10_000
MAX_TOKEN = 8192
MAX_TTL_S = 300
SKEW_S = 30
SCHEME = "oidc"
_ISSUER = re.compile(r"[a-z][a-z_-]{0,31}")


class Role(StrEnum):
    """The roles that exist, as the claims of a token name them."""

    CITIZEN = "citizen"
    COUNTER = "counter"
    INTAKE_OFFICER = "intake_officer"
    SOCIAL_WORKER = "social_worker"
    APPROVER = "approver"
    JOB_COUNSELLOR = "job_counsellor"
    EMPLOYMENT_EXPERT = "employment_expert"
    FINANCE_PREPARER = "finance_preparer"
    FINANCE_APPROVER = "finance_approver"
    FINANCE_SENDER = "finance_sender"
    REVIEWER = "reviewer"
    MINISTRY = "ministry"
    BANK = "bank"
    CONSCRIPTION = "conscription"
    INSPECTOR = "inspector"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM = "system"


STAFF = frozenset(
    {
        *(Role.INTAKE_OFFICER, Role.SOCIAL_WORKER, Role.APPROVER, Role.JOB_COUNSELLOR),
        *(Role.EMPLOYMENT_EXPERT, Role.FINANCE_PREPARER, Role.FINANCE_APPROVER),
        *(Role.FINANCE_SENDER, Role.REVIEWER),
    }
)
_ROLES = {role.value: role for role in Role}
_WORDS = ("national_code", "office_code", "contract_number", "province", "organisation")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking, in which roles, through which channels, and (between services) what for."""

    sub: str
    roles: frozenset[Role] = frozenset()
    channels: frozenset[str] = frozenset()
    national_code: str | None = None
    office_code: str | None = None
    contract_number: str | None = None
    province: str | None = None
    organisation: str | None = None
    purpose: str | None = None
    service: str | None = None

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds at least one of these roles."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(sub="system", roles=frozenset({Role.SYSTEM}))


def actor_from(claims: Mapping[str, Any], *, internal: bool) -> Actor:
    """Read an actor from verified claims; a claim of the wrong type is as bad as a wrong key."""
    sub, roles, channels = claims.get("sub"), claims.get("roles", []), claims.get("channels", [])
    if not (isinstance(sub, str) and 0 < len(sub) <= 255):
        raise Unauthenticated
    if not (isinstance(roles, list) and isinstance(channels, list)):
        raise Unauthenticated
    words = [*(claims.get(word) for word in _WORDS), *roles, *channels]
    if not all(word is None or isinstance(word, str) for word in words):
        raise Unauthenticated
    held = {_ROLES[role] for role in roles if role in _ROLES}
    if not internal:
        held.discard(Role.SYSTEM)  # nobody outside may claim to be one of our services
    return Actor(
        sub=sub,
        roles=frozenset(held),
        channels=frozenset(channels),
        **{word: claims.get(word) for word in _WORDS},
        purpose=claims.get("purpose") if internal else None,
        service=claims.get("iss") if internal else None,
    )


class TokenCache:
    """Verified tokens by their hash until a given second; the oldest leave first."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, tuple[float, Actor]] = OrderedDict()

    def get(self, key: bytes) -> Actor | None:
        found = self._held.get(key)
        if found is None:
            return None
        if found[0] > time.time():
            return found[1]
        del self._held[key]
        return None

    def put(self, key: bytes, actor: Actor, *, until: float) -> None:
        self._held[key] = (until, actor)
        if len(self._held) > CACHE:
            self._held.popitem(last=False)


def digest(token: str) -> bytes:
    """Return the cache key of a token; raises Unauthenticated for what can be none."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise Unauthenticated
    return hashlib.sha256(token.encode()).digest()


class Signer:
    """Signs actors onward, as one of our services, for at most five minutes."""

    def __init__(self, issuer: str, private_key: OKPKey) -> None:
        self.issuer = issuer
        self._key = private_key
        self._signed: OrderedDict[object, tuple[float, str]] = OrderedDict()

    def sign(
        self,
        actor: Actor,
        *,
        audience: str,
        purpose: str | None = None,
        ttl_s: int = MAX_TTL_S,
    ) -> str:
        """Return a token for one service: the same one again until half of its life is over."""
        ttl_s = min(ttl_s, MAX_TTL_S)
        now = time.time()
        asked = (actor, audience, purpose, ttl_s)
        held = self._signed.get(asked)
        if held is not None and held[0] > now:
            return held[1]
        claims: dict[str, Any] = {"iss": self.issuer, "aud": audience, "sub": actor.sub}
        claims |= {"iat": int(now), "exp": int(now) + ttl_s, "jti": secrets.token_hex(12)}
        claims |= {"roles": sorted(actor.roles), "channels": sorted(actor.channels)}
        words = {**{word: getattr(actor, word) for word in _WORDS}, "purpose": purpose}
        claims |= {word: value for word, value in words.items() if value is not None}
        header = {"alg": "Ed25519", "kid": self.issuer}
        token = jwt.encode(header, claims, self._key, algorithms=["Ed25519"])
        self._signed.pop(asked, None)
        self._signed[asked] = (now + ttl_s / 2, token)
        if len(self._signed) > CACHE:
            self._signed.popitem(last=False)
        return token


class Verifier:
    """Verifies the tokens that our own services made for one audience."""

    def __init__(self, audience: str, public_keys: Mapping[str, OKPKey]) -> None:
        self._keys = public_keys
        self._cache = TokenCache()
        self._rules = jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )

    def verify(self, token: str) -> Actor:
        """Return the actor; raises Unauthenticated for anything but a valid token for us."""
        key = digest(token)
        actor = self._cache.get(key)
        if actor is not None:
            return actor
        found = decode(token, self._key, rules=self._rules, algorithms=("Ed25519",))
        claims = found.claims
        if found.header["kid"] != claims["iss"]:
            raise Unauthenticated
        actor = actor_from(claims, internal=True)
        self._cache.put(key, actor, until=claims["exp"])
        return actor

    def _key(self, token: Any) -> OKPKey:
        issuer = token.headers().get("kid")
        if not isinstance(issuer, str):
            raise Unauthenticated
        try:
            return self._keys[issuer]
        except KeyError:
            raise Unauthenticated from None


def decode(
    token: str,
    key: Callable[[Any], Any],
    *,
    rules: jwt.JWTClaimsRegistry,
    algorithms: Sequence[str],
) -> jwt.Token:
    """Verify signature and claims of a token. Raises Unauthenticated."""
    try:
        found = jwt.decode(token, key, algorithms=list(algorithms))
        rules.validate(found.claims)
    except (JoseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Unauthenticated from None
    return found


# Keys of our own services: keys_dir/signing/<issuer>.key (0600) and <issuer>.pub


def load_or_create_signer(keys_dir: Path, issuer: str) -> Signer:
    """Return the signer of a service; its key pair is made at the first call."""
    private = _key_file(keys_dir, issuer, "key")
    public = _key_file(keys_dir, issuer, "pub")
    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private.with_suffix(".lock").open("w") as lock:  # several workers may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not private.exists():
            write_private(private, OKPKey.generate_key("Ed25519").as_pem(private=True).decode())
        key = OKPKey.import_key(private.read_bytes())
        if not public.exists():
            write_private(public, key.as_pem(private=False).decode())
    return Signer(issuer, key)


def load_verifier(keys_dir: Path, audience: str) -> Verifier:
    """Return the verifier of a service; the keys of the others are read when first needed."""
    return Verifier(audience, _KeyFiles(keys_dir))


class _KeyFiles(dict[str, OKPKey]):
    """Public keys by issuer, from files: a service may be started, or come later, in any order."""

    def __init__(self, keys_dir: Path) -> None:
        super().__init__()
        self._dir = keys_dir

    def __missing__(self, issuer: str) -> OKPKey:
        if not _ISSUER.fullmatch(issuer):
            raise KeyError(issuer)
        try:
            key = OKPKey.import_key(_key_file(self._dir, issuer, "pub").read_bytes())
        except FileNotFoundError:
            raise KeyError(issuer) from None
        self[issuer] = key
        return key


def _key_file(keys_dir: Path, issuer: str, kind: str) -> Path:
    return keys_dir / "signing" / f"{issuer}.{kind}"


# In an application


class Identity:
    """ASGI layer of a service: puts the verified actor, or None, into `scope["soha.actor"]`."""

    def __init__(self, app: ASGIApp, *, verifier: Verifier) -> None:
        self.app = app
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                token = bearer(scope)
                scope["soha.actor"] = None if token is None else self._verifier.verify(token)
            except Unauthenticated as refusal:
                await send_problem(refusal, scope, send)
                return
        await self.app(scope, receive, send)


def bearer(scope: Scope) -> str | None:
    """Return the bearer token of a request, None without one. Raises Unauthenticated."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.partition(b" ")
            if kind.lower() != b"bearer" or not token:
                raise Unauthenticated
            return str(token.decode("latin-1"))
    return None


class _Scheme(SecurityBase):
    """Requires an actor, in one of some roles where any are named, and says so in OpenAPI."""

    def __init__(self, roles: Sequence[Role] = ()) -> None:
        self.model = OpenIdConnect(openIdConnectUrl="/.well-known/openid-configuration")
        self.scheme_name = " ".join([SCHEME, *roles])
        self.roles = frozenset(roles)

    async def __call__(self, connection: HTTPConnection) -> Actor:
        actor: Actor | None = connection.scope.get("soha.actor")
        if actor is None:
            raise Unauthenticated
        if self.roles and self.roles.isdisjoint(actor.roles):
            raise RoleNotAllowed
        return actor


caller = _Scheme()


async def _anyone(connection: HTTPConnection) -> Actor | None:
    actor: Actor | None = connection.scope.get("soha.actor")
    return actor


Caller = Annotated[Actor, Depends(caller)]
Anyone = Annotated[Actor | None, Depends(_anyone)]


def allow(*roles: Role) -> Callable[[HTTPConnection], Awaitable[Actor]]:
    """Return a dependency that gives the actor, or refuses one who holds none of these roles."""
    if not roles:
        raise ValueError("name the roles that are allowed")
    return _Scheme(roles)
