"""The running system as the story sees it: callers at the door, and the sandbox's outside world."""

import json
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from deploy.demo.calls import Answer, NotRunning, call, expect
from deploy.demo.people import Widow
from shared.running.settings import Settings

TOLD_WITHIN_S = 30
QUIET_S = 1.5
LOOK_EVERY_S = 0.1


class Caller:
    """Somebody at the door with a token; every change carries a key of its own."""

    def __init__(self, door: str, name: str, token: str | None) -> None:
        self._door, self.name, self._token = door, name, token

    def get(self, path: str) -> Answer:
        return call("GET", self._door + path, token=self._token)

    def post(self, path: str, body: object = None, *, key: str | None = None) -> Answer:
        body = {} if body is None else body
        key = key or str(uuid4())
        return call("POST", self._door + path, body, token=self._token, key=key)


class World:
    """Finds the system by its settings. Raises NotRunning when it is not there."""

    def __init__(self, settings: Settings) -> None:
        self.door = f"http://localhost:{settings.port}"
        self._sandbox = settings.sandbox_url
        try:
            self._known = json.loads((settings.run_dir / "tokens.json").read_text())
        except OSError:
            raise NotRunning(
                f"no tokens in {settings.run_dir}: start the system with `make run`, "
                "with the same PORT and RUN_DIR"
            ) from None
        if call("GET", f"{self.door}/readyz").status != 200:
            raise NotRunning(f"{self.door} is not ready yet")

    def caller(self, name: str) -> Caller:
        """One of the demo's callers, by the name in tokens.json."""
        return Caller(self.door, name, self._known[name]["token"])

    def nobody(self) -> Caller:
        """Somebody without a token."""
        return Caller(self.door, "nobody", None)

    def somebody(self, name: str, like: str, claims: Mapping[str, Any]) -> Caller:
        """A caller like one of the demo's, with other claims: the sandbox's issuer signs them."""
        body = {k: v for k, v in self._known[like].items() if k != "token"}
        body |= {**claims, "expires_in": 3600}
        answer = call("POST", f"{self._sandbox}/tokens", body)
        expect(answer.status == 201, f"the issuer refused a token with {answer.status}")
        return Caller(self.door, name, answer.json["access_token"])

    # The outside world

    def let_live(self, widow: Widow) -> None:
        """The registries and her bank know the family from now on."""
        for code, record in widow.registered().items():
            self._put(f"/people/{code}", record)
        self._put(f"/accounts/{widow.account}", {"holder_national_code": widow.national_code})

    def _put(self, path: str, body: object) -> None:
        answer = call("PUT", self._sandbox + path, body)
        expect(answer.status == 200, f"the sandbox refused {path.split('/')[1]}: {answer.status}")

    def day(self, after: int) -> date:
        """A day so many days from today, by the clock of the demo and in Tehran."""
        now = datetime.fromisoformat(call("GET", f"{self._sandbox}/clock").json["now"])
        return now.astimezone(ZoneInfo("Asia/Tehran")).date() + timedelta(days=after)

    def texts(self, mobile: str) -> list[dict[str, Any]]:
        """The text messages that the provider took for a number, oldest first."""
        items: list[dict[str, Any]] = call("GET", f"{self._sandbox}/sms?mobile={mobile}").json[
            "items"
        ]
        return items


class Letterbox:
    """What one citizen has been told so far, in the portal's inbox and by SMS."""

    def __init__(self, world: World, citizen: Caller, mobile: str) -> None:
        self._world, self._citizen, self._mobile = world, citizen, mobile
        self._shown = 0

    def wait_for(self, topics: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the new items and texts, one of each per topic. Raises NotAsItShouldBe."""
        until = time.monotonic() + TOLD_WITHIN_S
        wanted = self._shown + len(topics)
        while True:
            items, texts = self._items(), self._world.texts(self._mobile)
            if min(len(items), len(texts)) >= wanted or time.monotonic() > until:
                break
            time.sleep(LOOK_EVERY_S)
        new, sms = items[self._shown :], [text["text"] for text in texts[self._shown :]]
        told = sorted(item["topic"] for item in new)
        expect(told == sorted(topics), f"the inbox should hold {sorted(topics)}, it holds {told}")
        expect(len(sms) == len(topics), f"{len(topics)} SMS should have come, it was {len(sms)}")
        self._shown = wanted
        return new, sms

    def stays_quiet(self) -> None:
        """Nothing has come and nothing comes. Raises NotAsItShouldBe."""
        time.sleep(QUIET_S)
        self.wait_for([])

    def _items(self) -> list[dict[str, Any]]:
        answer = self._citizen.get("/v1/inbox?limit=200")
        expect(answer.status == 200, f"the inbox answered {answer.status}")
        items: list[dict[str, Any]] = answer.json["items"]
        return items[::-1]
