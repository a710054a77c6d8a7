"""Refusals only the gateway makes."""

from shared.web.errors import Refusal


class OriginNotAllowed(Refusal):
    status, code = 403, "origin_not_allowed"
    fa = "از این وب‌سایت نمی‌توان سامانه را فراخواند"
    en = "This website may not call the system from a browser"


class UpstreamTimeout(Refusal):
    """What became of the request is not known: the same Idempotency-Key finds out."""

    status, code, retry_after = 504, "upstream_timeout", 2
    fa = "پاسخ به‌موقع آماده نشد؛ با همان Idempotency-Key دوباره بکوشید"
    en = "The answer was not ready in time; try again with the same Idempotency-Key"
