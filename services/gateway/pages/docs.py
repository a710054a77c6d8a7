"""Swagger UI with every asset served by us; nothing is asked of the internet."""

import hashlib
from functools import lru_cache
from importlib.resources import files

from services.gateway.pages.html import Answer, policy
from shared.web.errors import NotFound

_ASSETS = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
    "favicon.png": b"image/png",
}
# Swagger UI sets styles on its elements and draws its arrows from data: addresses.
_POLICY = policy(
    style="'self' 'unsafe-inline'",
    script="'self'",
    more="img-src 'self' data:; font-src 'self' data:; connect-src 'self'; ",
)

_PAGE = """<!doctype html>
<html lang="fa">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>مستندات سها</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<body>
<p dir="rtl" style="margin:1rem;font-family:Tahoma,sans-serif">
<label>توکن (برای آزمودن؛ جایی نگه داشته نمی‌شود):
<input id="token" type="password" autocomplete="off" size="60" dir="ltr"></label></p>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """"use strict";
const token = document.getElementById("token");
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "none",
  filter: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis],
  requestInterceptor(request) {
    if (request.loadSpec) return request;
    if (token.value) request.headers.Authorization = "Bearer " + token.value.trim();
    if (request.method === "POST" && !request.headers["Idempotency-Key"])
      request.headers["Idempotency-Key"] = crypto.randomUUID();
    return request;
  },
});
"""


def docs() -> Answer:
    """Answer the page that shows the merged document."""
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache")]
    return 200, [*headers, _POLICY], _PAGE.encode()


def asset(name: str) -> Answer:
    """Answer one file of that page. Raises NotFound for any other name."""
    kind, content, tag = _asset(name)
    headers = [(b"content-type", kind), (b"etag", tag), (b"cache-control", b"public, max-age=3600")]
    return 200, headers, content


@lru_cache(maxsize=len(_ASSETS) + 1)
def _asset(name: str) -> tuple[bytes, bytes, bytes]:
    if name == "start.js":
        kind, content = _ASSETS["swagger-ui-bundle.js"], _START.encode()
    elif name in _ASSETS:
        kind, content = _ASSETS[name], (files("fastapi_offline") / "static" / name).read_bytes()
    else:
        raise NotFound
    return kind, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
