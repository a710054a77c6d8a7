"""A reasoned no: every refusal is a class here or in a service's errors.py, answered as RFC 9457.

Persian by default, English on request. What somebody sent us is never repeated to them, neither
its values nor the names of its odd keys (decision 18); an error's text never leaves the process.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.types import Scope, Send

Headers = list[tuple[bytes, bytes]]
MAX_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON pointer), a stable code, and a sentence."""

    pointer: str
    code: str
    detail_fa: str
    detail_en: str


class Refusal(Exception):
    """Base of all refusals; the class carries status, code and title in both languages."""

    status: int = 400
    code: ClassVar[str]
    fa: ClassVar[str]
    en: ClassVar[str]
    retry_after: ClassVar[int | None] = None

    def __init__(
        self,
        *,
        detail: str | None = None,
        detail_en: str | None = None,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.detail_en = detail_en
        self.errors = errors
        self.headers = dict(headers or {})
        self.extensions = extensions
        if self.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after))


class MalformedRequest(Refusal):
    status, code = 400, "malformed_request"
    fa, en = "درخواست درست ساخته نشده است", "The request is not well formed"


class MalformedJson(Refusal):
    status, code = 400, "malformed_json"
    fa, en = "بدنهٔ درخواست JSON درستی نیست", "The body is not acceptable JSON"


class MalformedBody(Refusal):
    status, code = 400, "malformed_body"
    fa, en = "بدنهٔ درخواست خوانده نمی‌شود", "The body cannot be read"


class InvalidQuery(Refusal):
    status, code = 400, "invalid_query"
    fa, en = "پارامترهای نشانی درست نیست", "The query parameters are not valid"


class IdempotencyKeyRequired(Refusal):
    status, code = 400, "idempotency_key_required"
    fa, en = "سرآیند Idempotency-Key لازم است", "The header Idempotency-Key is required"


class IdempotencyKeyInvalid(Refusal):
    status, code = 400, "idempotency_key_invalid"
    fa = "سرآیند Idempotency-Key باید ۱ تا ۲۵۵ نویسهٔ ASCII دیدنی باشد"
    en = "Idempotency-Key must be 1 to 255 visible ASCII characters"


class Unauthenticated(Refusal):
    status, code = 401, "unauthenticated"
    fa, en = "شناسهٔ ورود معتبر نیست یا فرستاده نشده است", "A valid access token is required"

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.headers.setdefault("WWW-Authenticate", "Bearer")


class RoleNotAllowed(Refusal):
    status, code = 403, "role_not_allowed"
    fa, en = "نقش شما اجازهٔ این کار را ندارد", "Your role may not do this"


class ChannelNotAllowed(Refusal):
    status, code = 403, "channel_not_allowed"
    fa, en = "شما نمی‌توانید از این راه اقدام کنید", "You may not act through this channel"


class SeparationOfDuties(Refusal):
    status, code = 403, "separation_of_duties"
    fa = "یکی از مراحل پیشین را خود شما انجام داده‌اید؛ این مرحله با همکار دیگری است"
    en = "You took an earlier step; another person must take this one"


class OwnOrRelativeCase(Refusal):
    status, code = 403, "own_or_relative_case"
    fa = "به پروندهٔ خود شما یا بستگانتان همکار دیگری باید رسیدگی کند"
    en = "Your own case or a relative's must be handled by another person"


class NotFound(Refusal):
    status, code = 404, "not_found"
    fa, en = "چنین موردی پیدا نشد", "No such thing was found"


class MethodNotAllowed(Refusal):
    status, code = 405, "method_not_allowed"
    fa, en = "این نشانی چنین عملی ندارد", "This address does not offer that method"


class BodyTimeout(Refusal):
    status, code = 408, "request_timeout"
    fa, en = "بدنهٔ درخواست به‌موقع نرسید", "The body did not arrive in time"


class Conflict(Refusal):
    status, code = 409, "conflict"
    fa = "این درخواست با آنچه پیش‌تر ثبت شده است سازگار نیست"
    en = "The request conflicts with what is already recorded"


class StepNotAllowed(Refusal):
    """Give the status the case stands in as `current_status`."""

    status, code = 409, "step_not_allowed"
    fa = "وضعیت پرونده اجازهٔ این اقدام را نمی‌دهد"
    en = "The case is not in a status that allows this step"


class CaseChanged(Refusal):
    """Somebody else took a step in between, and the case came back to the same status (H50)."""

    status, code = 409, "case_changed"
    fa = "همکار دیگری هم‌زمان این پرونده را تغییر داد؛ آن را دوباره بخوانید"
    en = "Somebody changed this case at the same time; please read it again"


class RequestInProgress(Refusal):
    status, code, retry_after = 409, "request_in_progress", 1
    fa = "همین درخواست هنوز در حال انجام است"
    en = "The same request is still being carried out"


class StaleVersion(Refusal):
    status, code = 412, "stale_version"
    fa = "این مورد پس از آنکه آن را خوانده‌اید تغییر کرده است"
    en = "This has changed since you read it"


class TooLarge(Refusal):
    status, code = 413, "body_too_large"
    fa, en = "بدنهٔ درخواست بزرگ‌تر از حد مجاز است", "The body is larger than allowed"


class UriTooLong(Refusal):
    status, code = 414, "uri_too_long"
    fa, en = "نشانی درازتر از حد مجاز است", "The address is longer than allowed"


class UnsupportedMedia(Refusal):
    status, code = 415, "unsupported_media"
    fa, en = "این نوع محتوا پذیرفته نمی‌شود", "This media type is not accepted"


class InvalidInput(Refusal):
    status, code = 422, "invalid_input"
    fa, en = "بعضی از داده‌های درخواست درست نیست", "Some of the data is not valid"


class IdempotencyKeyReused(Refusal):
    status, code = 422, "idempotency_key_reused"
    fa = "این Idempotency-Key پیش‌تر با درخواست دیگری آمده است"
    en = "This Idempotency-Key was used with a different request"


class PreconditionRequired(Refusal):
    status, code = 428, "precondition_required"
    fa, en = "سرآیند If-Match لازم است", "The header If-Match is required"


class TooMany(Refusal):
    status, code, retry_after = 429, "too_many_requests", 1
    fa = "شمار درخواست‌ها از حد گذشته است؛ کمی بعد دوباره بکوشید"
    en = "Too many requests; please try again later"


class HeadersTooLarge(Refusal):
    status, code = 431, "headers_too_large"
    fa, en = "سرآیندها بیش از حد مجاز است", "The headers are larger than allowed"


class InternalError(Refusal):
    status, code = 500, "internal_error"
    fa, en = "خطایی در سامانه رخ داد", "Something went wrong on our side"


class Unavailable(Refusal):
    status, code, retry_after = 503, "unavailable", 5
    fa = "این خدمت اکنون در دسترس نیست؛ کمی بعد دوباره بکوشید"
    en = "This is not available at the moment; please try again later"


class Overloaded(Refusal):
    status, code, retry_after = 503, "overloaded", 1
    fa = "سامانه اکنون شلوغ است؛ کمی بعد دوباره بکوشید"
    en = "The system is busy; please try again shortly"


def catalogue(root: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Walk every refusal that has been imported: for the docs, and to see that codes are unique."""
    for kind in root.__subclasses__():
        yield kind
        yield from catalogue(kind)


def problem(refusal: Refusal, scope: Scope) -> tuple[int, Headers, bytes]:
    """Render a refusal as status, headers and body, usable from raw ASGI as well."""
    english = _wants_english(scope)
    request_id = str(scope.get("soha.request_id", "unknown"))
    body: dict[str, object] = {
        "type": f"/problems/{refusal.code}",
        "title": refusal.en if english else refusal.fa,
        "status": refusal.status,
    }
    if detail := refusal.detail_en if english else refusal.detail:
        body["detail"] = detail
    # Not the path: somebody may have put a national code into it.
    body |= {"instance": f"/requests/{request_id}", "code": refusal.code}
    if refusal.errors:
        body["errors"] = [
            {
                "pointer": fault.pointer,
                "code": fault.code,
                "detail": fault.detail_en if english else fault.detail_fa,
            }
            for fault in refusal.errors[:MAX_FAULTS]
        ]
    body["request_id"] = request_id
    body |= {key: value for key, value in refusal.extensions.items() if key not in body}
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-language", b"en" if english else b"fa"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept-Language"),
    ]
    headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in refusal.headers.items()]
    return refusal.status, headers, content


async def send_problem(refusal: Refusal, scope: Scope, send: Send) -> None:
    """Answer with a refusal from raw ASGI."""
    status, headers, body = problem(refusal, scope)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _wants_english(scope: Scope) -> bool:
    for name, value in scope.get("headers", ()):
        if name == b"accept-language":
            return _weight(value, b"en") > _weight(value, b"fa")
    return False


def _weight(header: bytes, language: bytes) -> float:
    best = 0.0
    for part in header.lower().split(b","):
        tag, _, rest = part.strip().partition(b";")
        if tag.strip().partition(b"-")[0] == language:
            found = re.search(rb"q=([01](?:\.[0-9]{0,3})?)\s*$", rest)
            best = max(best, float(found[1]) if found else 1.0)
    return best
