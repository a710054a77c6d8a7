"""Who is asking: only tokens of the right issuer, for us, in time, are believed."""

import asyncio
import base64
import hmac
import json
import stat
import time
from dataclasses import replace
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from shared.web import answering
from shared.web.auth import (
    MAX_TTL_S,
    SYSTEM,
    Actor,
    Anyone,
    Caller,
    Identity,
    Role,
    Signer,
    Verifier,
    allow,
    load_or_create_signer,
    load_verifier,
)
from shared.web.errors import Unauthenticated, Unavailable
from shared.web.oidc import OidcVerifier

WORKER = Actor(
    sub="u-1",
    roles=frozenset({Role.SOCIAL_WORKER, Role.APPROVER}),
    channels=frozenset({"portal"}),
    national_code="0499370899",
    office_code="12",
    province="08",
)
ISSUER = "https://id.example/realm"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})


@pytest.fixture
def pair():
    key = OKPKey.generate_key("Ed25519")
    return Signer("gateway", key), Verifier("loans", {"gateway": key})


# Between our services


def test_an_actor_arrives_as_it_was_signed(pair):
    signer, verifier = pair
    found = verifier.verify(signer.sign(WORKER, audience="loans", purpose="case.read"))
    assert found == replace(WORKER, purpose="case.read", service="gateway")
    assert found.has(Role.APPROVER, Role.BANK)
    assert not found.has(Role.BANK)


def test_only_a_signed_service_may_be_the_system(pair):
    signer, verifier = pair
    assert verifier.verify(signer.sign(SYSTEM, audience="loans")).has(Role.SYSTEM)


def test_a_token_for_another_service_is_refused(pair):
    signer, verifier = pair
    with pytest.raises(Unauthenticated):
        verifier.verify(signer.sign(WORKER, audience="shares"))


def test_a_token_lives_five_minutes_at_most_and_is_used_again_for_half_of_them(pair, monkeypatch):
    signer, verifier = pair
    now = time.time()
    token = signer.sign(WORKER, audience="loans", ttl_s=86_400)
    assert signer.sign(WORKER, audience="loans", ttl_s=86_400) == token
    assert signer.sign(WORKER, audience="loans", purpose="other", ttl_s=86_400) != token
    assert verifier.verify(token)
    monkeypatch.setattr(time, "time", lambda: now + MAX_TTL_S / 2 + 1)
    assert signer.sign(WORKER, audience="loans", ttl_s=86_400) != token
    assert verifier.verify(token)
    monkeypatch.setattr(time, "time", lambda: now + MAX_TTL_S + 40)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def claims(**more):
    now = int(time.time())
    return {"iss": "gateway", "aud": "loans", "sub": "u", "exp": now + 60, "iat": now} | more


def without(name):
    return {key: value for key, value in claims().items() if key != name}


@pytest.mark.parametrize(
    "bad",
    [
        without("exp"),
        without("aud"),
        without("iss"),
        without("sub"),
        claims(exp=1),
        claims(exp="never"),
        claims(nbf=2**40),
        claims(sub=7),
        claims(roles="citizen"),
        claims(roles=[1]),
        claims(channels={"portal": 1}),
        claims(national_code=499370899),
    ],
)
def test_claims_that_are_missing_late_or_of_the_wrong_kind_are_refused(bad):
    key = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "kid": "gateway"}
    good = jwt.encode(header, claims(), key, algorithms=["Ed25519"])
    assert Verifier("loans", {"gateway": key}).verify(good).sub == "u"
    token = jwt.encode(header, bad, key, algorithms=["Ed25519"])
    with pytest.raises(Unauthenticated):
        Verifier("loans", {"gateway": key}).verify(token)


def test_one_service_cannot_speak_in_the_name_of_another():
    ours, theirs = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    verifier = Verifier("loans", {"gateway": ours, "notify": theirs})
    lie = claims(iss="gateway")
    token = jwt.encode({"alg": "Ed25519", "kid": "notify"}, lie, theirs, algorithms=["Ed25519"])
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def part(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "..",
        "é.é.é",
        f"{part({'alg': 'none'})}.{part(claims())}.",
        f"{part({'alg': 'none', 'kid': 'gateway'})}.{part(claims())}.",
        f"{part({'alg': 'Ed25519', 'kid': ['gateway']})}.{part(claims())}.AA",
        f"{part({'alg': 'Ed25519', 'kid': '../../etc/x'})}.{part(claims())}.AA",
        f"{part([])}.{part(claims())}.AA",
        f"{part({'alg': 'Ed25519', 'kid': 'gateway'})}.{part([])}.AA",
        "a" * 9000,
    ],
)
def test_what_is_no_token_is_refused(pair, token):
    with pytest.raises(Unauthenticated):
        pair[1].verify(token)


def test_a_changed_token_is_refused(pair):
    signer, verifier = pair
    token = signer.sign(WORKER, audience="loans")
    head, body, signature = token.split(".")
    raw = json.loads(base64.urlsafe_b64decode(body + "=="))
    raw["roles"] = ["operator"]
    for changed in (f"{head}.{part(raw)}.{signature}", token[:-4] + "AAAA"):
        with pytest.raises(Unauthenticated):
            verifier.verify(changed)


def test_key_files_are_private_made_once_and_found_later(tmp_path):
    verifier = load_verifier(tmp_path, audience="loans")
    stranger = Signer("gateway", OKPKey.generate_key("Ed25519"))
    with pytest.raises(Unauthenticated):
        verifier.verify(stranger.sign(WORKER, audience="loans"))
    token = load_or_create_signer(tmp_path, "gateway").sign(WORKER, audience="loans")
    assert verifier.verify(token).service == "gateway"
    again = load_or_create_signer(tmp_path, "gateway").sign(WORKER, audience="loans")
    assert verifier.verify(again).service == "gateway"
    with pytest.raises(Unauthenticated):
        verifier.verify(stranger.sign(WORKER, audience="loans"))
    private = tmp_path / "signing" / "gateway.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"PRIVATE" in private.read_bytes()
    assert b"PRIVATE" not in (tmp_path / "signing" / "gateway.pub").read_bytes()


# In an application


@pytest.fixture(scope="module")
def service():
    key = OKPKey.generate_key("Ed25519")
    app, router = FastAPI(), APIRouter()

    @router.get("/open")
    async def everybody(actor: Anyone) -> str | None:
        return actor.sub if actor else None

    @router.get("/mine")
    async def mine(actor: Caller) -> str:
        return actor.sub

    @router.post("/steps")
    async def step(
        _: Caller, actor: Annotated[Actor, Depends(allow(Role.APPROVER, Role.REVIEWER))]
    ) -> str:
        return actor.sub

    app.include_router(router, prefix="/v1")
    answering.install(app, issuer=ISSUER)
    app.add_middleware(Identity, verifier=Verifier("loans", {"gateway": key}))
    return app, Signer("gateway", key)


@pytest.mark.parametrize(
    ("line", "roles", "code"),
    [
        ("GET /v1/open", None, None),
        ("GET /v1/open", {Role.CITIZEN}, None),
        ("GET /v1/mine", None, "unauthenticated"),
        ("GET /v1/mine", set(), None),
        ("POST /v1/steps", None, "unauthenticated"),
        ("POST /v1/steps", {Role.CITIZEN}, "role_not_allowed"),
        ("POST /v1/steps", {Role.CITIZEN, Role.REVIEWER}, None),
    ],
)
async def test_the_door_of_an_operation(ask, service, line, roles, code):
    app, signer = service
    headers = []
    if roles is not None:
        token = signer.sign(Actor("u-9", frozenset(roles)), audience="loans")
        headers = [("authorization", f"Bearer {token}")]
    said = await ask(app, *line.split(), headers=headers)
    if code is None:
        assert (said.status, said.json()) == (200, "u-9" if headers else None)
    else:
        assert said.status == {"unauthenticated": 401, "role_not_allowed": 403}[code]
        assert said.json()["code"] == code


@pytest.mark.parametrize("value", ["Bearer", "Bearer x", "Basic dTpw", "Bearer  ", "bearer a.b.c"])
async def test_a_bad_token_is_401_even_where_none_is_needed(ask, service, value):
    said = await ask(service[0], "GET", "/v1/open", headers=[("authorization", value)])
    assert (said.status, said.headers["www-authenticate"]) == (401, "Bearer")


def test_the_document_names_the_scheme_and_the_roles(service):
    document = service[0].openapi()
    paths = document["paths"]
    assert paths["/v1/mine"]["get"]["security"] == [{"oidc": []}]
    assert "x-roles" not in paths["/v1/mine"]["get"]
    assert paths["/v1/steps"]["post"]["security"] == [{"oidc": []}]
    assert paths["/v1/steps"]["post"]["x-roles"] == ["approver", "reviewer"]
    assert "security" not in paths["/v1/open"]["get"]
    assert document["components"]["securitySchemes"] == {
        "oidc": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{ISSUER}/.well-known/openid-configuration",
        }
    }


def test_allowing_nobody_by_mistake_is_an_error():
    with pytest.raises(ValueError, match="roles"):
        allow()


# The public's tokens


class Provider:
    """Discovery and keys of an identity provider, and how often they were asked for."""

    def __init__(self, *keys, issuer=ISSUER):
        self.keys, self.issuer, self.asked = list(keys), issuer, 0

    async def fetch(self, url):
        self.asked += 1
        await asyncio.sleep(0)
        if url.endswith("/.well-known/openid-configuration"):
            return {"issuer": self.issuer, "jwks_uri": "https://id.example/keys"}
        assert url == "https://id.example/keys"
        return KeySet(self.keys).as_dict(private=False)

    def verifier(self):
        return OidcVerifier(ISSUER, audience="soha", fetch=self.fetch)


def public_token(key=RSA, alg="RS256", **more):
    body = claims(iss=ISSUER, aud="soha", roles=["citizen"], channels=["portal"]) | more
    return jwt.encode({"alg": alg, "kid": key.kid}, body, key, algorithms=[alg])


async def test_a_public_token_is_verified_against_the_published_keys_and_remembered():
    provider = Provider(RSA)
    verifier = provider.verifier()
    token = public_token(province="08")
    assert verifier.cached(token) is None
    actors = await asyncio.gather(*(verifier.verify(token) for _ in range(20)))
    assert {(a.sub, a.province, a.roles) for a in actors} == {("u", "08", frozenset({"citizen"}))}
    assert provider.asked == 2
    assert verifier.cached(token) == actors[0]


async def test_nobody_outside_is_the_system_or_has_a_purpose():
    token = public_token(roles=["system", "auditor", "unheard_of"], purpose="all")
    actor = await Provider(RSA).verifier().verify(token)
    assert actor.roles == {Role.AUDITOR}
    assert (actor.purpose, actor.service) == (None, None)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256", {"kid": "ec-1"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"kid": "okp-1"}), "Ed25519"),
    ],
)
async def test_other_signatures_are_understood(key, alg):
    assert (await Provider(RSA, key).verifier().verify(public_token(key, alg))).sub == "u"


async def test_a_new_key_is_looked_for_but_not_for_every_stranger(monkeypatch):
    provider = Provider(RSA)
    verifier = provider.verifier()
    await verifier.verify(public_token())
    fresh = RSAKey.generate_key(2048, {"kid": "rsa-2"})
    token = public_token(fresh)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)
    assert provider.asked == 2
    provider.keys.append(fresh)
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert (await verifier.verify(token)).sub == "u"
    assert provider.asked == 4


async def test_a_token_is_trusted_for_a_minute_and_never_past_its_end(monkeypatch):
    verifier = Provider(RSA).verifier()
    now = time.time()
    long, short = public_token(), public_token(exp=int(now) + 20)
    await verifier.verify(long)
    await verifier.verify(short)
    monkeypatch.setattr(time, "time", lambda: now + 30)
    assert verifier.cached(long)
    assert verifier.cached(short) is None
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert verifier.cached(long) is None


async def test_other_issuers_audiences_and_shared_secrets_are_refused():
    unsigned = f"{part({'alg': 'HS256', 'kid': 'rsa-1'})}.{part(claims(iss=ISSUER, aud='soha'))}"
    mac = hmac.digest(RSA.as_pem(private=False), unsigned.encode(), "sha256")
    forged = f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for token in (
        public_token(iss="https://evil.example"),
        public_token(aud="other"),
        public_token(exp=int(time.time()) - 60),
        public_token(RSAKey.generate_key(2048, {"kid": "rsa-1"})),
        forged,
    ):
        with pytest.raises(Unauthenticated):
            await Provider(RSA).verifier().verify(token)


async def test_a_provider_that_is_another_or_silent_makes_us_unavailable():
    with pytest.raises(Unavailable):
        await Provider(RSA, issuer="https://evil.example").verifier().verify(public_token())
