"""The demo's callers: one token per role, from the sandbox's issuer (development only)."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shared.running.settings import write_private

DAY_S = 24 * 3600
CLERKS = (
    *("intake_officer", "social_worker", "approver", "job_counsellor", "employment_expert"),
    *("finance_preparer", "finance_approver", "finance_sender", "reviewer"),
)
HEAD_OFFICE = ("operator", "auditor", "inspector")
SECONDS = ("approver", "social_worker", "reviewer")
DESK = ["in_person_desk", "e_service_desk", "intranet_erp"]
PORTALS = ["soha_portal", "emdad_portal", "mobile_app", "beneficiary_inbox", "ministry_portal"]


def demo_callers() -> dict[str, dict[str, Any]]:
    """Return the claims of each caller: every role once, three of them twice."""
    callers: dict[str, dict[str, Any]] = {
        "citizen": {"channels": PORTALS, "national_code": "0499370899"},
        "counter": {
            "channels": ["counter"],
            "office_code": "72010001",
            "contract_number": "C-1",
        },
        "ministry": {
            "channels": ["interagency_api", "ministry_portal"],
            "organisation": "subsidies",
        },
        "bank": {"channels": ["interagency_api"], "organisation": "017"},
        "conscription": {"channels": ["interagency_api"], "organisation": "conscription"},
    }
    clerk = {"channels": DESK, "province": "Tehran", "office_code": "T-1"}
    callers |= {role: dict(clerk) for role in CLERKS}
    callers |= {role: {"channels": ["intranet_erp"]} for role in HEAD_OFFICE}
    callers["inspector"]["organisation"] = "inspection"
    callers = {role: {"roles": [role], **claims} for role, claims in callers.items()}
    callers |= {f"{role}_2": dict(callers[role]) for role in SECONDS}
    return {
        name: {"sub": f"demo-{name.replace('_', '-')}", **claims}
        for name, claims in callers.items()
    }


def write_tokens(sandbox_url: str, file: Path) -> None:
    """Ask the sandbox for a day's token per caller and keep them where only we may read them.

    Raises OSError when the sandbox does not answer as it should.
    """
    place = urlsplit(sandbox_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        written = {
            name: {"token": _token(connection, claims), **claims}
            for name, claims in demo_callers().items()
        }
    finally:
        connection.close()
    write_private(file, json.dumps(written, indent=2))


def _token(connection: http.client.HTTPConnection, claims: dict[str, Any]) -> str:
    body = json.dumps({**claims, "expires_in": DAY_S})
    connection.request("POST", "/tokens", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise OSError(f"the sandbox refused a token with {answer.status}")
    return str(json.loads(said)["access_token"])
