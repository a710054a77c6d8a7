"""Which path belongs to which service, and which of them need no token (api.md section 1).

Where one path serves all services (policies, decisions, audit, reports), the service is the one
that the next segment begins with, up to its first `.` or `-`: `/v1/policies/loans.ceiling`,
`/v1/decisions/eligibility-<uuid>`, `/v1/audit/proofs/loans-<uuid>`, `/v1/reports/livelihood`; for
lists it is `?service=`. Without either it is intake, which also keeps the holds.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from shared.running.settings import SERVICES

READS = frozenset({"GET", "HEAD"})
ANY = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
NOBODY: frozenset[str] = frozenset()

_INTAKE = (
    *("applications", "services", "statements", "people", "households", "coverage", "life-events"),
    *("worklist", "follow", "me", "access-log", "one-time-codes", "areas", "offices", "counters"),
    *("questions", "complaints", "holds"),
)
_NOTIFY = ("inbox", "notifications", "templates", "receipts")
_OWNERS = (
    dict.fromkeys(_INTAKE, "intake")
    | dict.fromkeys(_NOTIFY, "notify")
    | {service: service for service in SERVICES if service not in {"intake", "notify"}}
)
_BY_NAME = frozenset({"policies", "decisions", "audit", "reports"})
_VERIFY = {"letters": "exemption", "certificates": "eligibility"}
_SPDCI = "eligibility"
_PUBLIC: dict[str, frozenset[str]] = {
    "services": READS,
    "statements": READS,
    "areas": READS,
    "offices": READS,
    "follow": frozenset({"POST"}),
    "receipts": frozenset({"POST"}),
}
_PUBLIC_SPDCI = {
    "/spdci/v1/oauth2/client/token": frozenset({"POST"}),
    "/spdci/v1/.well-known/jwks.json": READS,
}

FORMS = ("/spdci/v1/oauth2/client/token",)
"""Paths that take a form, as OAuth 2 wants it."""
STREAMS = re.compile(r"/v1/(?:eligibility/batches|livelihood/runs/[^/]+/bank-results)")
"""Paths whose body may be large and of any kind: up to 2 GiB, an idle limit, no total time."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes; `prefix` is all that the log says of its path."""

    prefix: str
    service: str
    public: frozenset[str] = NOBODY


_TABLE = {
    segment: Route(f"/v1/{segment}", service, _PUBLIC.get(segment, NOBODY))
    for segment, service in _OWNERS.items()
}


def find(path: str, query: bytes = b"") -> Route | None:
    """Return the route of a path, None when it leads nowhere from outside."""
    parts = path.split("/")
    if len(parts) < 3 or not _is_plain(parts):
        return None
    if parts[1] == "v1":
        return _TABLE.get(parts[2]) or _shared(parts, query)
    if parts[1] == "spdci" and parts[2] == "v1":
        return Route("/spdci/v1", _SPDCI, _PUBLIC_SPDCI.get(path, NOBODY))
    return None


def _is_plain(parts: list[str]) -> bool:
    """Whether every reader finds the same segments in it: no `..`, `.`, empty ones or `\\`."""
    return not ({".", ".."} & {*parts} or "" in parts[1:-1] or any("\\" in part for part in parts))


def _shared(parts: list[str], query: bytes) -> Route | None:
    """Return the route of what several services answer."""
    first, rest = parts[2], parts[3:]
    if first == "verify" and rest and rest[0] in _VERIFY:
        return Route(f"/v1/verify/{rest[0]}", _VERIFY[rest[0]], ANY)
    if first not in _BY_NAME:
        return None
    named = re.split(r"[.-]", rest[-1 if first == "audit" else 0], maxsplit=1)[0] if rest else ""
    if named not in SERVICES:
        named = parse_qs(query.decode("latin-1")).get("service", [""])[0]
    return Route(f"/v1/{first}", named if named in SERVICES else "intake")
