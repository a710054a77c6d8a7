"""People who apply: valid national codes, each once, and the bodies that speak of them."""

import json
from collections.abc import Iterator
from itertools import count

from shared.values.identifiers import parse_national_code

# Coprime to 10**8: every number comes once before any comes twice. They begin with 0, as those of
# the households that are laid out (deploy.data) never do.
STRIDE = 376_006_657


def national_codes(seed: int) -> Iterator[str]:
    """Return valid national codes, none twice within 90 million."""
    for number in count(seed):
        digits = f"{number * STRIDE % 10**8:09d}"
        total = sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
        code = digits + str(total if total < 2 else 11 - total)
        try:
            yield parse_national_code(code)
        except ValueError:
            continue  # ten equal digits


def application(national_code: str) -> str:
    """The body of a widow's application for livelihood aid, as a counter files it."""
    return json.dumps(
        {
            "service": "livelihood",
            "channel": "counter",
            "applicant": {
                "national_code": national_code,
                "birth_on": "1981-03-02",
                "mobile": f"0912{national_code[:7]}",
            },
            "statement_version": 1,
            "declaration_accepted": True,
            "details": {
                "reason": "no_head",
                "sheba": "IR280170000000301000000137",
                "address": {
                    "province": "تهران",
                    "county": "تهران",
                    "postal_code": "1311675319",
                    "text": "خیابان شوش، کوچهٔ یکم، پلاک ۳",
                },
                "members": ["0029183456"],
            },
        },
        ensure_ascii=False,
    )
