"""Refusals as problem+json: one shape, two languages, and never a word of what was sent."""

import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
import structlog
from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.running.log import only_listed
from shared.values import identifiers
from shared.values.identifiers import NationalCode
from shared.web import answering, errors
from shared.web.answering import refusal_for
from shared.web.errors import (
    Conflict,
    Fault,
    InternalError,
    InvalidInput,
    Refusal,
    StepNotAllowed,
    Unauthenticated,
    Unavailable,
    catalogue,
)
from shared.web.sentences import sentence

SECRET = "0499370899"
JSON = [("content-type", "application/json")]


class Details(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    national_code: NationalCode
    amount_rial: int = Field(gt=0, le=10)
    kind: Literal["a", "b"] = "a"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    bones: int


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    details: Details
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    either: int | list[int] = 1


class DriverError(Exception):
    """As SQLAlchemy wraps what asyncpg raised."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Key (nc)=({SECRET}) already exists")
        self.orig = type("Driver", (Exception,), {"sqlstate": sqlstate})(SECRET)


def make_app() -> FastAPI:
    app = FastAPI()
    answering.install(app, issuer="https://id.example")

    @app.post("/things")
    async def things(body: Body) -> None: ...

    @app.get("/things")
    async def listing(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> None: ...

    @app.get("/refused")
    async def refused() -> None:
        raise StepNotAllowed(detail="نه", detail_en="No", current_status="closed")

    @app.get("/broken/{sqlstate}")
    async def broken(sqlstate: str) -> None:
        raise DriverError(sqlstate) if sqlstate != "none" else RuntimeError(SECRET)

    return app


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return make_app()


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("GET /refused", 409, "step_not_allowed"),
        ("GET /nowhere", 404, "not_found"),
        ("DELETE /things", 405, "method_not_allowed"),
        ("POST /things", 422, "invalid_input"),
        ("GET /things?limit=0", 400, "invalid_query"),
        ("GET /broken/none", 500, "internal_error"),
    ],
)
async def test_every_refusal_has_the_same_shape(ask, app, request_line, status, code):
    said = await ask(app, *request_line.split(), more={"soha.request_id": "r-1"})
    body = said.json()
    assert (said.status, body["status"], body["code"]) == (status, status, code)
    assert said.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == "r-1"
    assert body["instance"] == "/requests/r-1"
    assert re.search("[آ-ی]", body["title"])


async def test_a_405_names_the_methods_that_there_are(ask, app):
    said = await ask(app, "DELETE", "/refused")
    assert said.headers["allow"] == "GET"


async def test_extensions_stand_beside_the_members(ask, app):
    body = (await ask(app, "GET", "/refused")).json()
    assert (body["current_status"], body["detail"]) == ("closed", "نه")


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("en", "en"),
        ("en-GB,fa;q=0.5", "en"),
        ("fa-IR,fa;q=0.9,en;q=0.8", "fa"),
        ("de", "fa"),
        ("en;q=0", "fa"),
        ("*", "fa"),
    ],
)
async def test_english_only_for_those_who_prefer_it(ask, app, wish, language):
    said = await ask(app, "GET", "/refused", headers=[("accept-language", wish)])
    assert said.headers["content-language"] == language
    assert said.json()["detail"] == {"en": "No", "fa": "نه"}[language]


async def found(ask, app, body: bytes) -> dict[str, str]:
    said = await ask(app, "POST", "/things", headers=JSON, body=body)
    assert said.status == 422
    assert SECRET not in said.body.decode()
    return {fault["pointer"]: fault["code"] for fault in said.json()["errors"]}


async def test_faults_are_json_pointers_with_stable_codes(ask, app):
    body = b'{"details": {"national_code": "123", "amount_rial": true, "kind": "c"}}'
    assert await found(ask, app, body) == {
        "/details/national_code": "national_code",
        "/details/amount_rial": "integer_type",
        "/details/kind": "not_one_of",
    }


async def test_limits_are_said_and_missing_fields_named(ask, app):
    said = await ask(app, "POST", "/things", headers=JSON, body=b'{"details":{"amount_rial":11}}')
    faults = {fault["pointer"]: fault for fault in said.json()["errors"]}
    assert faults["/details/national_code"]["code"] == "missing"
    assert faults["/details/amount_rial"]["code"] == "too_big"
    assert "10" in faults["/details/amount_rial"]["detail"]


async def test_pointers_name_the_body_and_not_the_members_of_unions(ask, app):
    fine = b'"details":{"national_code":"0499370899","amount_rial":1}'
    body = b"{" + fine + b',"pets":[{"kind":"cat","lives":"many"},{"kind":"dog"}],"either":"x"}'
    assert await found(ask, app, body) == {
        "/pets/0/lives": "integer_type",
        "/pets/1/bones": "missing",
        "/either": "array_type",
    }


async def test_a_word_that_says_which_form_it_is_is_named_itself(ask, app):
    fine = b'"details":{"national_code":"0499370899","amount_rial":1}'
    body = b"{" + fine + b',"pets":[{"kind":"' + SECRET.encode() + b'"},{"bones":1}]}'
    assert await found(ask, app, body) == {
        "/pets/0/kind": "not_one_of",
        "/pets/1/kind": "missing",
    }


@pytest.mark.parametrize(
    "key", [SECRET, f"IR{SECRET}", "نام", "a b", "k" * 65, "x\\u0000", f"nc{SECRET}"]
)
async def test_an_odd_key_is_refused_without_being_repeated(ask, app, key):
    body = f'{{"{key}": "{SECRET}"}}'.encode()
    said = await ask(app, "POST", "/things", headers=JSON, body=body)
    faults = {(fault["pointer"], fault["code"]) for fault in said.json()["errors"]}
    assert faults == {("", "unknown_field"), ("/details", "missing")}
    assert key not in said.body.decode()


def test_every_code_of_our_values_has_words_of_its_own():
    sources = Path(identifiers.__file__).parent.glob("*.py")
    codes = {
        code
        for file in sources
        for code in re.findall(r'ValueError\("([a-z_]+)"\)', file.read_text())
    }
    assert len(codes) > 10
    general = sentence("a_code_of_a_service", {})[1:]
    wordless = {code for code in codes if sentence(code, {})[1:] == general}
    assert wordless == {"entropy", "working_days"}  # a caller's mistakes, never a client's


async def test_a_plain_unknown_field_is_named(ask, app):
    assert (await found(ask, app, b'{"colour": 1}'))["/colour"] == "unknown_field"


async def test_many_faults_are_cut_short(ask, app):
    body = b"{" + b",".join(b'"f%d":1' % at for at in range(500)) + b"}"
    said = await ask(app, "POST", "/things", headers=JSON, body=body)
    assert len(said.json()["errors"]) == errors.MAX_FAULTS


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("23505", 409, "conflict"),
        ("23P01", 409, "conflict"),
        ("23514", 422, "invalid_input"),
        ("22021", 422, "invalid_input"),
        ("22P02", 422, "invalid_input"),
        ("22003", 422, "invalid_input"),
        ("40001", 503, "unavailable"),
        ("57014", 503, "unavailable"),
        ("53300", 503, "unavailable"),
        ("08006", 503, "unavailable"),
        ("55P03", 503, "unavailable"),
        ("42P01", 500, "internal_error"),
    ],
)
async def test_what_postgres_refuses_is_answered_by_its_sqlstate(ask, app, sqlstate, status, code):
    said = await ask(app, "GET", f"/broken/{sqlstate}")
    assert (said.status, said.json()["code"]) == (status, code)
    assert SECRET not in said.body.decode()
    assert ("retry-after" in said.headers) == (status == 503)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(SECRET), Unavailable),
        (ConnectionRefusedError(SECRET), Unavailable),
        (type("InterfaceError", (Exception,), {})(SECRET), Unavailable),
        (type("DataError", (ValueError,), {})(SECRET), InvalidInput),
        (ValueError(SECRET), InternalError),
    ],
)
def test_an_error_without_sqlstate_is_known_by_its_type(error, kind):
    assert type(refusal_for(error)) is kind


def test_a_cause_is_looked_into():
    outer = RuntimeError()
    outer.__cause__ = DriverError("23505")
    assert type(refusal_for(outer)) is Conflict


async def test_a_fault_is_answered_and_not_raised_and_its_text_not_logged(ask, app):
    with structlog.testing.capture_logs(processors=[only_listed]) as lines:
        said = await ask(app, "GET", "/broken/none")
    assert said.status == 500
    (line,) = lines
    assert (line["event"], line["error_type"]) == ("request_failed", "RuntimeError")
    assert SECRET not in str(lines)


def test_codes_are_unique_and_titles_are_in_both_languages():
    kinds = list(catalogue())
    assert len(kinds) > 20
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert re.fullmatch("[a-z][a-z_]+", kind.code)
        assert re.search("[آ-ی]", kind.fa)
        assert kind.en.isascii()


def test_a_refusal_brings_its_headers():
    assert Unavailable().headers == {"Retry-After": "5"}
    assert Unauthenticated().headers == {"WWW-Authenticate": "Bearer"}
    assert Refusal.__subclasses__()


async def test_faults_raised_by_a_service_are_told_in_both_languages(ask):
    app = FastAPI()
    answering.install(app)

    @app.get("/")
    async def refuse() -> None:
        raise InvalidInput(errors=[Fault("/details/sheba", "closed", "بسته", "Closed")])

    for language, detail in (("fa", "بسته"), ("en", "Closed")):
        said = await ask(app, headers=[("accept-language", language)])
        assert said.json()["errors"] == [
            {"pointer": "/details/sheba", "code": "closed", "detail": detail}
        ]


def test_the_document_tells_of_problems_and_not_of_fastapis_own_shape(app):
    document = app.openapi()
    refused = document["paths"]["/things"]["post"]["responses"]
    assert set(refused) == {"200", "4XX", "5XX"}
    assert "application/problem+json" in refused["4XX"]["content"]
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert app.openapi() is document
