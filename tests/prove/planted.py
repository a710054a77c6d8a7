"""A small application in good health, and the same with one defect each: who proves the prover?"""

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Path, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.types import ASGIApp

from shared.values.identifiers import NationalCode
from shared.values.money import Rial
from shared.values.text import ShortText
from shared.web import answering
from shared.web.ingress import Ingress
from shared.web.page import Digits, version_from_if_match
from tests.prove.document import Operation, operations
from tests.prove.sending import Ready

GOOD = {
    "person": {"national_code": "0499370899"},
    "note": "نامه‌ای دربارهٔ وضعیت خانوار",
    "amount_rial": 1000,
}
_CODE = {"type": "string", "format": "national-code"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 120}
_RIAL = {"type": "integer", "exclusiveMinimum": 0, "maximum": 10**15}
Number = Annotated[int, Path(ge=1, le=99), Digits]
# What each defect does to a field's type: Persian digits twice, `true` as a number, raw text.
_LAX: dict[str, dict[str, Any]] = {
    "takes any digits": {
        "code": Annotated[str, Field(pattern=r"^\d{10}$"), WithJsonSchema(_CODE)],
    },
    "takes a number's text": {
        "rial": Annotated[int, Field(strict=False, gt=0), WithJsonSchema(_RIAL)],
    },
    "takes what nobody sees": {
        "note": Annotated[str, Field(min_length=1, max_length=120), WithJsonSchema(_TEXT)],
    },
}
DEFECTS = (
    *_LAX,
    "takes unknown fields",
    "falls over Latin text",
    "repeats what was sent",
    "repeats it percent-encoded",
    "repeats it in a header",
    "names no place",
    "answers plain text",
    "says another status",
    "has no request id",
    "reads JSON as Python does",
)


def application(defect: str | None = None) -> tuple[ASGIApp, list[Operation]]:
    """The application, and its operations as its own document has them."""
    ignores = defect == "takes unknown fields"
    closed = ConfigDict(extra="ignore" if ignores else "forbid", strict=True)

    kinds = {"code": NationalCode, "note": ShortText, "rial": Rial, **_LAX.get(defect or "", {})}
    code, text, rial = kinds["code"], kinds["note"], kinds["rial"]

    class Person(BaseModel):
        model_config = closed
        national_code: code

    class Thing(BaseModel):
        model_config = closed
        person: Person
        note: text
        amount_rial: rial

    app = FastAPI()
    answering.install(app)

    @app.post("/v1/things/{number}", status_code=201)
    async def write(number: Number, body: Thing, request: Request) -> Thing:  # noqa: ARG001
        version_from_if_match(request.headers)
        if defect == "falls over Latin text" and body.note.isascii():
            raise RuntimeError
        return body

    # What it should be, its document says; what it is, the defect.
    found = application()[1] if defect else operations(app.openapi())
    outer: ASGIApp = app if defect == "reads JSON as Python does" else Ingress(app)
    return _spoilt(outer, defect), found


async def prepare(_: Operation) -> Ready:
    """A good request to it."""
    return Ready([], {"number": "7"}, body=json.loads(json.dumps(GOOD)))


def _spoilt(app: ASGIApp, defect: str | None) -> ASGIApp:
    """The application behind a layer that spoils its refusals."""

    async def spoiling(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        start: dict[str, Any] = {}

        async def heard() -> Any:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        async def said(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] >= 400:
                start = message
                return
            if start:
                headers, content = _spoil(defect, dict(start["headers"]), message["body"], body)
                headers[b"content-length"] = str(len(content)).encode()
                await send({**start, "headers": list(headers.items())})
                await send({**message, "body": content})
                start = {}
                return
            await send(message)

        await app(scope, heard, said)

    return spoiling


def _spoil(
    defect: str | None, headers: dict[bytes, bytes], content: bytes, sent: bytes
) -> tuple[dict[bytes, bytes], bytes]:
    problem = json.loads(content)
    text = sent.decode(errors="replace")[:400]
    match defect:
        case "repeats what was sent":
            problem["input"] = text
        case "repeats it percent-encoded":
            problem["input"] = quote(text)
        case "repeats it in a header":
            headers[b"x-input"] = json.dumps(text).encode()
        case "names no place":
            problem["errors"] = [fault | {"pointer": ""} for fault in problem.get("errors", ())]
        case "answers plain text":
            return {b"content-type": b"text/plain"}, b"no"
        case "says another status":
            problem["status"] = 400 if problem["status"] != 400 else 422
        case "has no request id":
            del problem["request_id"]
    return headers, json.dumps(problem, ensure_ascii=False).encode()
