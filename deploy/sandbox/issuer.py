"""An OIDC issuer: one RS256 key kept on disk, tokens for anybody a developer wants to be."""

import json
import os
import secrets
import time
import uuid
from pathlib import Path
from typing import Annotated, Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ConfigDict, Field, model_validator

from deploy.sandbox.records import Record
from shared.values.identifiers import NationalCode

AUDIENCE: Final = "soha"
DAY_S: Final = 86_400
# What only the issuer may say about a token.
OWN_CLAIMS: Final = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti"})
ClaimText = Annotated[str, Field(min_length=1, max_length=200)]


class TokenAsked(Record):
    """Claims of the API page are checked; others pass as a real issuer's would."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, str | int | bool | list[str] | None] = Field(init=False)

    sub: ClaimText
    roles: list[ClaimText] = Field(default_factory=list)
    channels: list[ClaimText] = Field(default_factory=list)
    national_code: NationalCode | None = None
    office_code: ClaimText | None = None
    contract_number: ClaimText | None = None
    province: ClaimText | None = None
    organisation: ClaimText | None = None
    # Negative makes a token that is expired already: to test those who verify.
    expires_in: Annotated[int, Field(ge=-DAY_S, le=30 * DAY_S)] = 3600

    @model_validator(mode="after")
    def _no_claim_of_the_issuer(self) -> "TokenAsked":
        if OWN_CLAIMS & (self.model_extra or {}).keys():
            raise ValueError("a claim that only the issuer sets")
        return self


class Issuer:
    """Signs tokens. `url` is the `iss` claim and the base of discovery."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url = url
        self._key = _load_or_create(keys / "oidc.json")

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/oauth2/authorize",
            "token_endpoint": f"{self.url}/oauth2/token",
            "jwks_uri": f"{self.url}/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid"],
        }

    def jwks(self) -> dict[str, Any]:
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "use": "sig", "alg": "RS256"}]}

    def access_token(self, claims: dict[str, Any], *, ttl_s: int) -> dict[str, Any]:
        """An answer of a token endpoint, for the agency's API."""
        token = self.sign({**claims, "aud": AUDIENCE}, ttl_s=ttl_s)
        return {"access_token": token, "token_type": "Bearer", "expires_in": ttl_s}

    def sign(self, claims: dict[str, Any], *, ttl_s: int) -> str:
        """A JWT in real time: identity does not follow the movable business clock."""
        now = int(time.time())
        issued = min(now, now + ttl_s)
        body = {**claims, "iss": self.url, "iat": issued, "exp": now + ttl_s}
        body["jti"] = str(uuid.uuid4())
        header = {"alg": "RS256", "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, body, self._key)


def citizen_sub(national_code: str) -> str:
    """Stable for a person, and no national code inside."""
    return f"citizen-{uuid.uuid5(uuid.NAMESPACE_URL, f'soha-sandbox/{national_code}')}"


def _load_or_create(path: Path) -> RSAKey:
    if path.exists():
        return RSAKey.import_key(json.loads(path.read_bytes()))
    key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(8)}, private=True)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return key
