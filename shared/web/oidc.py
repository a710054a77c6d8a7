"""The public's tokens: verified once, at the gateway, against the issuer's published keys."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from shared.web.auth import SKEW_S, Actor, TokenCache, actor_from, decode, digest
from shared.web.errors import Unauthenticated, Unavailable

TRUST_S = 60
Fetch = Callable[[str], Awaitable[Any]]


class OidcVerifier:
    """Verifies the public's tokens against their issuer's keys, found by OIDC discovery.

    `fetch` answers the JSON at an address (`Outside.get` does). The keys are read when first
    needed, and again when a token names one that we do not know, at most every ten seconds.
    """

    def __init__(self, issuer: str, *, audience: str, fetch: Fetch) -> None:
        self.issuer = issuer.rstrip("/")
        self._fetch = fetch
        self._cache = TokenCache()
        self._keys = KeySet([])
        self._read_at = -math.inf
        self._reading = asyncio.Lock()
        self._rules = jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True, "values": [self.issuer, f"{self.issuer}/"]},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )

    def cached(self, token: str) -> Actor | None:
        """Return the actor of a token verified within the last minute, without waiting."""
        return self._cache.get(digest(token))

    async def verify(self, token: str) -> Actor:
        """Return the actor. Raises Unauthenticated; Unavailable when the issuer is silent."""
        key = digest(token)
        actor = self._cache.get(key)
        if actor is not None:
            return actor
        if not self._knows(_key_id(token)):
            await self._read_keys()
        claims = decode(
            token,
            lambda signed: self._keys.get_by_kid(signed.headers().get("kid")),
            rules=self._rules,
            algorithms=("RS256", "PS256", "ES256", "Ed25519", "EdDSA"),
        ).claims
        actor = actor_from(claims, internal=False)
        self._cache.put(key, actor, until=min(claims["exp"], time.time() + TRUST_S))
        return actor

    def _knows(self, kid: str | None) -> bool:
        return any(kid is None or key.kid == kid for key in self._keys)

    async def _read_keys(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at < 10:
                return
            found = await self._fetch(f"{self.issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                raise Unavailable
            published = await self._fetch(str(found["jwks_uri"]))
            # Only what can verify: a shared secret in a public list is nobody's signature.
            usable = [key for key in published["keys"] if key.get("kty") in {"RSA", "EC", "OKP"}]
            self._keys = KeySet.import_key_set({"keys": usable})
            self._read_at = time.monotonic()


def _key_id(token: str) -> str | None:
    """Return the key id that a token, still unverified, names."""
    try:
        kid = extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise Unauthenticated from None
    if kid is not None and not isinstance(kid, str):
        raise Unauthenticated
    return kid
