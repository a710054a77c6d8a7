"""The frame of our own small pages: Persian first, right to left, nothing loaded from anywhere."""

import base64
import hashlib
from html import escape

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

STYLE = """
:root { color-scheme: light dark }
body { max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; line-height: 1.9;
  font-family: Vazirmatn, Tahoma, "Segoe UI", sans-serif }
h1 { font-size: 1.5rem } code, .en { direction: ltr; unicode-bidi: isolate }
.en { display: block; text-align: left; opacity: .75 }
table { border-collapse: collapse; width: 100% } td, th { padding: .35rem .5rem; text-align: start;
  border-bottom: 1px solid #8884; vertical-align: top }
a { color: #0a6b5d } @media (prefers-color-scheme: dark) { a { color: #5ccfb8 } }
"""


def policy(*, style: str = "", script: str = "'none'", more: str = "") -> tuple[bytes, bytes]:
    """Return a Content-Security-Policy; by default only our own style, and no script at all."""
    own = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    style = style or f"'sha256-{own}'"
    rules = (
        f"default-src 'none'; style-src {style}; script-src {script}; {more}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return b"content-security-policy", rules.encode()


def page(title: str, body: str) -> Answer:
    """Return an HTML answer; `body` is markup whose values are already escaped."""
    text = (
        f'<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><body>{body}</body></html>"
    )
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", b"fa"),
        (b"cache-control", b"public, max-age=300"),
        (b"vary", b"Accept"),
        policy(),
    ]
    return 200, headers, text.encode()
