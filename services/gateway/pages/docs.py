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
<style>
.swagger-ui .markdown :is(p, li), .swagger-ui .renderedMarkdown :is(p, li, td) {
  unicode-bidi: plaintext; text-align: start; line-height: 1.8;
  font-family: Vazirmatn, Tahoma, sans-serif }
.swagger-ui code { direction: ltr; unicode-bidi: isolate }
.swagger-ui .opblock-description table { direction: rtl }
.swagger-ui .opblock-description thead { display: none }
.swagger-ui .opblock-description .renderedMarkdown td { unicode-bidi: normal; padding: .1rem .5rem }
.swagger-ui .opblock-description td:first-child { white-space: nowrap; width: 1% }
.swagger-ui .info { margin: 1rem 0 } .swagger-ui :is(.info .main .link, .schemes-server-container) {
  display: none }
.swagger-ui .info [dir=rtl] { text-align: right }
.swagger-ui .info ul { margin: .5rem 0 } .swagger-ui .info li { margin: 0 1.5rem }
.swagger-ui .scheme-container { padding: 0; margin: 0; box-shadow: none }
.swagger-ui .filter .operation-filter-input { margin: .5rem 0 }
.swagger-ui .opblock-tag { font-size: 1.1rem; padding: .2rem .5rem }
</style>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

# Swagger UI takes no token for OpenID Connect: there a bearer is asked for, with the same words.
# A required key stands in the form as `auto`, and goes out as a fresh one.
_START = """"use strict";
const MADE = "auto";
function shown(document) {
  const scheme = document.components.securitySchemes.oidc;
  document.components.securitySchemes.oidc =
    { type: "http", scheme: "bearer", description: scheme.description };
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path))
      for (const parameter of operation.parameters)
        if (parameter.name === "Idempotency-Key") parameter.example = MADE;
  return document;
}
fetch("/openapi.json").then((answer) => answer.json()).then((document) => SwaggerUIBundle({
  spec: shown(document),
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  filter: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis],
  requestInterceptor(request) {
    if (request.headers["Idempotency-Key"] === MADE)
      request.headers["Idempotency-Key"] = crypto.randomUUID();
    return request;
  },
}));
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
