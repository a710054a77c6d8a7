"""What the door answers by itself, before services made with FastAPI as the real ones are."""

import json
import re

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from services.gateway.app import create_app
from services.gateway.pages.document import merge
from shared.web import answering, errors
from shared.web.auth import Caller, Identity, Role, allow, load_verifier
from shared.web.errors import Refusal, catalogue
from shared.web.ingress import Ingress

ISSUER = "http://issuer.test"


class Shared(BaseModel):
    name: str


async def _outside() -> list[Shared]:
    """What a service answers beside the public API."""
    return []


def _service(name: str, fields: dict[str, type], settings=None) -> FastAPI:
    """A small service with a schema that all have alike, and one that each has its own way."""
    inner = type("Terms", (BaseModel,), {"__annotations__": fields})
    case = type("Case", (BaseModel,), {"__annotations__": {"terms": inner, "shared": Shared}})
    once = type(f"Once{name}", (BaseModel,), {"__annotations__": {"case": case}})
    router = APIRouter()

    @router.get(f"/{name}/case", operation_id="case")
    async def read(actor: Caller) -> case:
        return case(
            terms=inner(**{key: kind() for key, kind in fields.items()}),
            shared=Shared(name=actor.sub),
        )

    @router.post(f"/{name}/case", dependencies=[Depends(allow(Role.APPROVER))])
    async def write(body: case) -> once:
        return once(case=body)

    @router.get("/policies")
    async def policies() -> list[Shared]:
        return []

    app = FastAPI(title=name, docs_url=None, separate_input_output_schemas=False)
    app.include_router(router, prefix="/v1")
    app.include_router(router, prefix="/internal", include_in_schema=False)
    app.add_api_route("/readyz", lambda: {"status": "ready"}, include_in_schema=False)
    app.add_api_route("/outside-v1", _outside)
    answering.install(app, issuer=ISSUER)
    if settings is not None:
        verifier = load_verifier(settings.keys_dir, name)
        app.add_middleware(Identity, verifier=verifier)
        app.add_middleware(Ingress)
    return app


@pytest.fixture
async def door(settings, entered):
    given = settings()
    apps = {
        "loans": _service("loans", {"amount_rial": int}, given),
        "exemption": _service("exemption", {"ground": str}, given),
    }
    async with entered(create_app(given, apps)) as client:
        yield client


def _nodes(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


@pytest.mark.req("X-01")
async def test_one_document_shows_every_public_operation_and_nothing_else(door):
    answer = await door.get("/openapi.json")
    document = answer.json()
    assert set(document["paths"]) == {"/v1/loans/case", "/v1/exemption/case", "/v1/policies"}
    read = document["paths"]["/v1/loans/case"]["get"]
    assert (read["tags"], read["security"]) == (["loans"], [{"oidc": []}])
    assert document["paths"]["/v1/loans/case"]["post"]["x-roles"] == ["approver"]
    scheme = document["components"]["securitySchemes"]
    url = f"{ISSUER}/.well-known/openid-configuration"
    assert ".run/tokens.json" in scheme["oidc"].pop("description")
    assert scheme == {"oidc": {"type": "openIdConnect", "openIdConnectUrl": url}}
    assert [tag["name"] for tag in document["tags"]] == ["exemption", "loans"]
    assert all(re.search("[آ-ی]", tag["description"]) for tag in document["tags"])
    assert "](/problems)" in document["info"]["description"]
    ids = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))
    again = await door.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_only_components_that_differ_are_renamed_and_no_reference_dangles(door):
    document = (await door.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert {"Shared", "LoansCase", "LoansTerms", "ExemptionCase", "ExemptionTerms"} <= set(schemas)
    assert {"Onceloans", "Onceexemption"} <= set(schemas)
    assert not {"Case", "Terms", "LoansShared", "LoansOnceloans"} & set(schemas)
    assert schemas["LoansTerms"]["properties"].keys() == {"amount_rial"}
    refs = [node["$ref"] for node in _nodes(document) if "$ref" in node]
    assert len(refs) > 6
    for ref in refs:
        node = document
        for part in ref.removeprefix("#/").split("/"):
            node = node[part]


def test_a_discriminator_follows_a_renamed_component():
    def document(kind):
        ref = {"$ref": "#/components/schemas/Cat"}
        mapping = {"cat": ref["$ref"]}
        pet = {"oneOf": [ref], "discriminator": {"propertyName": "kind", "mapping": mapping}}
        return {"paths": {}, "components": {"schemas": {"Pet": pet, "Cat": {"type": kind}}}}

    merged = merge({"loans": document("object"), "shares": document("string")}, issuer=ISSUER)
    pet = merged["components"]["schemas"]["SharesPet"]
    assert pet["discriminator"]["mapping"] == {"cat": "#/components/schemas/SharesCat"}


async def test_a_service_that_gives_no_document_is_left_out_until_it_does(settings, entered):
    given = settings()
    loans = _service("loans", {"amount_rial": int}, given)
    shares = _service("shares", {"kind": str}, given)
    broken = True

    async def recovering(scope, receive, send):
        if broken:
            raise RuntimeError
        await shares(scope, receive, send)

    async with entered(create_app(given, {"loans": loans, "shares": recovering})) as door:
        before = (await door.get("/openapi.json")).json()["paths"]
        broken = False
        after = (await door.get("/openapi.json")).json()["paths"]
    assert "/v1/loans/case" in before
    assert set(after) - set(before) == {"/v1/shares/case"}


async def test_a_real_service_is_reached_through_the_door(door, token):
    answer = await door.get("/v1/loans/case", headers=token("citizen", sub="c-1"))
    assert answer.json() == {"terms": {"amount_rial": 0}, "shared": {"name": "c-1"}}
    body = {"terms": {"amount_rial": 1}, "shared": {"name": "x"}}
    refused = await door.post("/v1/loans/case", headers=token("citizen"), json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    wrong = await door.post("/v1/loans/case", headers=token("approver"), json={"terms": {}})
    assert wrong.status_code == 422
    assert wrong.json()["request_id"] == wrong.headers["x-request-id"]
    assert len(wrong.headers.get_list("x-request-id")) == 1


async def test_the_docs_ask_nothing_of_the_internet(door):
    page = await door.get("/docs")
    start = await door.get("/docs/start.js")
    assert not re.search(r"https?:|//[a-z]", page.text + start.text)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    fetched = re.findall(r'fetch\("([^"]+)"', start.text)
    assert fetched == ["/openapi.json"]
    for address in [*addresses, *fetched]:
        assert (await door.get(address)).status_code == 200, address
    rules = page.headers["content-security-policy"]
    assert "script-src 'self';" in rules
    assert "connect-src 'self';" in rules
    assert not re.search(r"<script>|\son[a-z]+=", page.text)  # such a policy lets none run
    bundle = await door.get("/docs/swagger-ui-bundle.js")
    assert b"SwaggerUIBundle" in bundle.content
    assert bundle.headers["content-type"].startswith("text/javascript")
    assert (await door.get("/docs/../app.py")).status_code == 404
    assert (await door.get("/docs/consts.py")).status_code == 404


async def test_every_refusal_has_its_page_in_both_languages(door):
    codes = {kind.code: kind for kind in catalogue()}
    assert len(codes) > 20
    listed = (await door.get("/problems")).json()["items"]
    assert [item["code"] for item in listed] == sorted(codes)
    for code, kind in codes.items():
        said = (await door.get(f"/problems/{code}")).json()
        assert (said["status"], said["title"]["en"]) == (kind.status, kind.en)
        assert re.search("[آ-ی]", said["cure"]["fa"]), code
        assert re.search("[a-z]", said["cure"]["en"]), code
    browser = {"Accept": "text/html,application/xhtml+xml"}
    page = await door.get("/problems/step_not_allowed", headers=browser)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert errors.StepNotAllowed.fa in page.text
    assert errors.StepNotAllowed.en in page.text
    assert (await door.get("/problems", headers=browser)).text.count("/problems/") == len(codes)
    assert (await door.get("/problems/no_such_code")).status_code == 404


async def test_a_refusals_type_leads_to_its_page(door):
    refusal = (await door.get("/v1/loans/case")).json()
    assert (await door.get(refusal["type"])).json()["code"] == refusal["code"]


async def test_the_words_of_a_page_cannot_be_markup(door):
    class Odd(Refusal):
        status, code = 400, "odd_for_this_test"
        fa, en = "<b>", "<script>"

    page = await door.get("/problems/odd_for_this_test", headers={"Accept": "text/html"})
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    del Odd


async def test_the_first_page_leads_on(door):
    page = await door.get("/")
    assert 'lang="fa" dir="rtl"' in page.text
    links = re.findall(r"href=(\S+?)>", page.text)
    assert {"/docs", "/openapi.json", "/problems", "/readyz"} < set(links)
    assert "'sha256-" in page.headers["content-security-policy"]
    wrong = await door.post("/")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")


async def test_ready_is_when_every_service_is(settings, entered):
    given = settings()
    loans = _service("loans", {"amount_rial": int}, given)
    async with entered(create_app(given, {"loans": loans})) as door:
        ready = await door.get("/readyz")
    assert (ready.status_code, ready.json()["services"]) == (200, ["loans"])

    async def broken(_scope, _receive, _send):
        raise RuntimeError

    async with entered(create_app(given, {"loans": loans, "shares": broken})) as door:
        ready = await door.get("/readyz")
        alive = await door.get("/livez")
    assert (ready.status_code, ready.json()["not_ready"]) == (503, ["shares"])
    assert int(ready.headers["retry-after"]) > 0
    assert (alive.status_code, json.loads(alive.content)) == (200, {"status": "alive"})


async def test_a_door_before_nothing_is_not_ready(settings, entered):
    async with entered(create_app(settings())) as door:
        assert (await door.get("/readyz")).status_code == 503
