"""HTTP as a client of the agency does it: JSON, a bearer token, a key for each change."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Nothing stands between us and a system on this machine, whatever the environment's proxies are.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
WITHIN_S = 20


class NotAsItShouldBe(Exception):
    """The story went another way than it should; the message says where."""


class NotRunning(Exception):
    """There is no system to play against."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, byte for byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.json.get("code", ""))


def call(
    method: str,
    url: str,
    body: object = None,
    *,
    token: str | None = None,
    key: str | None = None,
) -> Answer:
    """Send one request; a refusal is an answer too. Raises NotRunning where nobody listens."""
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if key is not None:
        headers["Idempotency-Key"] = key
    data = None
    if body is not None:
        data = json.dumps(body, ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - our own addresses
    try:
        with _OPENER.open(request, timeout=WITHIN_S) as answer:
            return _read(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _read(refusal)
    except OSError as silence:
        raise NotRunning(f"nobody answers at {url}: is `make run` up?") from silence


def _read(answer: Any) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status, headers, answer.read())


def expect(held: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise NotAsItShouldBe unless it holds."""
    if not held:
        raise NotAsItShouldBe(what)
