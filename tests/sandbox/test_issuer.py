"""Tokens that anybody can verify, a login for developers, and the movable clock."""

import base64
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError
from joserfc.jwk import KeySet

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
BACK = "http://localhost:3000/cb"
LOGIN = {
    "response_type": "code",
    "client_id": "portal-demo",
    "redirect_uri": BACK,
    "code_challenge": CHALLENGE.decode(),
    "code_challenge_method": "S256",
    "scope": "openid",
    "state": "<s&>",
    "nonce": "n-1",
}
EXCHANGE = {
    "grant_type": "authorization_code",
    "client_id": "portal-demo",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
}


def claims_of(sandbox, token, *, audience="soha"):
    """Verify as the gateway would: discovery, key set, signature, issuer, audience, time."""
    found = sandbox.http.get("/.well-known/openid-configuration").json()
    keys = KeySet.import_key_set(sandbox.http.get(urlsplit(found["jwks_uri"]).path).json())
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    registry.validate(claims)
    return claims


def test_a_token_verifies_against_the_key_set(sandbox):
    asked = {"sub": "officer-1", "roles": ["intake_officer"], "province": "Tehran"}
    answer = sandbox.post("/tokens", {**asked, "office_code": "T-1", "expires_in": 600})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    claims = claims_of(sandbox, body["access_token"])
    assert {name: claims[name] for name in asked} == asked
    assert claims["iss"] == sandbox.url
    assert claims["exp"] - time.time() == pytest.approx(600, abs=5)
    assert "national_code" not in claims
    again = sandbox.post("/tokens", asked).json()["access_token"]
    assert claims_of(sandbox, again)["jti"] != claims["jti"]


def test_a_bent_token_and_an_old_one_do_not_verify(sandbox):
    old = sandbox.post("/tokens", {"sub": "x", "expires_in": -60}).json()["access_token"]
    with pytest.raises(ExpiredTokenError):
        claims_of(sandbox, old)
    head, _, signature = old.split(".")
    other = sandbox.post("/tokens", {"sub": "y"}).json()["access_token"].split(".")[1]
    with pytest.raises(BadSignatureError):
        claims_of(sandbox, f"{head}.{other}.{signature}")


@pytest.mark.parametrize(
    "body",
    [{}, {"sub": ""}, {"sub": "x", "roles": "citizen"}, {"sub": "x", "iss": "me"},
     {"sub": "x", "national_code": "0123456788"}, {"sub": "x", "expires_in": "60"}],
)  # fmt: skip
def test_a_token_with_wrong_claims_is_refused(sandbox, body):
    assert sandbox.post("/tokens", body).status_code == 422


def test_the_key_outlives_a_kill_and_is_private(run_sandbox):
    sandbox = run_sandbox()
    token = sandbox.post("/tokens", {"sub": "x", "roles": ["citizen"]}).json()["access_token"]
    sandbox.kill()
    sandbox.start()
    assert claims_of(sandbox, token)["roles"] == ["citizen"]
    assert (sandbox.data / "keys" / "oidc.json").stat().st_mode & 0o777 == 0o600
    assert "d" not in sandbox.http.get("/jwks.json").json()["keys"][0]


def test_a_registered_machine_gets_its_roles(sandbox):
    grant = {"grant_type": "client_credentials"}
    basic = sandbox.http.post(
        "/oauth2/token", data=grant, auth=("ministry-demo", "ministry-secret")
    )
    form = {**grant, "client_id": "counter-demo", "client_secret": "counter-secret"}
    posted = sandbox.http.post("/oauth2/token", data=form)
    ministry = claims_of(sandbox, basic.json()["access_token"])
    counter = claims_of(sandbox, posted.json()["access_token"])
    assert (ministry["sub"], ministry["roles"]) == ("ministry-demo", ["ministry"])
    assert (counter["office_code"], counter["contract_number"]) == ("72010001", "C-1")

    for stranger in (("ministry-demo", "guess"), ("nobody", ""), ("portal-demo", "")):
        refused = sandbox.http.post("/oauth2/token", data=grant, auth=stranger)
        assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})


def log_in(sandbox, national_code="0499370899"):
    answer = sandbox.http.post("/oauth2/authorize", data={**LOGIN, "national_code": national_code})
    assert answer.status_code == 303
    return parse_qs(urlsplit(answer.headers["location"]).query)


def test_a_developer_becomes_any_citizen(sandbox):
    page = sandbox.http.get("/oauth2/authorize", params=LOGIN)
    assert page.status_code == 200
    assert 'dir="rtl"' in page.text
    assert "زهرا کریمی" in page.text
    assert "&lt;s&amp;&gt;" in page.text
    assert "<s&>" not in page.text

    back = log_in(sandbox)
    assert back["state"] == ["<s&>"]
    tokens = sandbox.http.post("/oauth2/token", data={**EXCHANGE, "code": back["code"][0]}).json()
    claims = claims_of(sandbox, tokens["access_token"])
    assert (claims["roles"], claims["national_code"]) == (["citizen"], "0499370899")
    assert "0499370899" not in claims["sub"]
    about = claims_of(sandbox, tokens["id_token"], audience="portal-demo")
    assert (about["nonce"], about["sub"]) == ("n-1", claims["sub"])


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "w" * 43}, {"redirect_uri": "http://localhost/x"}, {"client_id": "other"}],
)
def test_a_code_is_bound_to_who_asked_for_it(sandbox, change):
    code = log_in(sandbox)["code"][0]
    refused = sandbox.http.post("/oauth2/token", data={**EXCHANGE, "code": code, **change})
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})


def test_a_code_opens_once(sandbox):
    exchange = {**EXCHANGE, "code": log_in(sandbox)["code"][0]}
    assert sandbox.http.post("/oauth2/token", data=exchange).status_code == 200
    assert sandbox.http.post("/oauth2/token", data=exchange).status_code == 400


@pytest.mark.parametrize(
    "change",
    [{"redirect_uri": "https://evil.test/cb"}, {"redirect_uri": "http://localhost@evil.test/"},
     {"redirect_uri": "javascript://localhost/%0aalert(1)"}, {"client_id": "ministry-demo"}],
)  # fmt: skip
def test_codes_leave_for_registered_applications_on_this_machine_only(sandbox, change):
    asked = {**LOGIN, **change}
    assert sandbox.http.get("/oauth2/authorize", params=asked).status_code == 400
    form = {**asked, "national_code": "0499370899"}
    assert sandbox.http.post("/oauth2/authorize", data=form).status_code == 400


def test_moving_the_clock_writes_the_offset_for_all(run_sandbox):
    sandbox = run_sandbox()
    goal = datetime.now(UTC) + timedelta(days=40)
    moved = sandbox.put("/clock", {"now": goal.isoformat()})
    assert moved.status_code == 200
    file = sandbox.run_dir / "clock.json"
    offset = json.loads(file.read_text(encoding="utf-8"))["offset_s"]
    assert offset == pytest.approx(40 * 86_400, abs=5)
    sandbox.kill()
    sandbox.start()
    shown = sandbox.http.get("/clock").json()
    assert shown["offset_s"] == offset
    assert abs(datetime.fromisoformat(shown["now"]) - goal) < timedelta(seconds=30)
    for odd in ("2027-01-01", "9999-01-01T00:00:00Z", 5):
        assert sandbox.put("/clock", {"now": odd}).status_code == 422
    assert json.loads(file.read_text(encoding="utf-8"))["offset_s"] == offset

    assert sandbox.http.delete("/clock").json()["offset_s"] == 0
    assert not file.exists()


def test_production_does_not_let_its_clock_be_moved(run_sandbox):
    sandbox = run_sandbox(ENV="production")
    assert sandbox.put("/clock", {"now": "2027-01-01T00:00:00Z"}).status_code == 403
    assert sandbox.http.delete("/clock").status_code == 403
    assert not (sandbox.run_dir / "clock.json").exists()


def test_the_front_page_shows_the_last_messages_as_text(sandbox):
    text = "<script>alert(1)</script>"
    sandbox.post(
        "/sms-primary/v1/send", {"receptor": "09351110000", "message": text, "localId": "page"}
    )
    page = sandbox.http.get("/").text
    assert "09351110000" in page
    assert text not in page
    assert "http://" not in page
    assert "https://" not in page
