"""The real system in a process of its own, and a client that trusts nothing but its own journal."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx

from shared.running.settings import Settings
from tests import make

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 90
PROVIDERS = ("sms-primary", "sms-secondary")


class Whole:
    """`make run` over directories of its own: killed, started again, its database stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.up = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._out = settings.data_dir.with_name("out")

    async def start(self) -> None:
        """Start it, and return once it is ready."""
        given = self.settings
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(given.data_dir),
            "RUN_DIR": str(given.run_dir),
            "PORT": str(given.port),
            "SANDBOX_PORT": str(given.sandbox_port),
            "LOG_LEVEL": "warning",
        }
        with self._out.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it is over at once
                [sys.executable, "-m", "shared.running.cli", "run"],
                cwd=ROOT, env=environment, stdout=out, stderr=out,
            )  # fmt: skip
        until = time.monotonic() + READY_WITHIN_S
        async with httpx.AsyncClient(base_url=self.url, timeout=5, trust_env=False) as http:
            while not await _is_ready(http):
                assert self._process.poll() is None, self._out.read_text()[-3000:]
                assert time.monotonic() < until, self._out.read_text()[-3000:]
                await asyncio.sleep(0.05)
        self.up.set()

    def kill(self) -> None:
        """End the process as a power cut would; the database and the sandbox go on."""
        assert self._process is not None
        self.up.clear()
        self._process.kill()
        assert self._process.wait() == -signal.SIGKILL

    async def stop(self) -> None:
        """End it as `make stop` does; what a kill left behind is found again first."""
        if self._process is None or self._process.poll() is not None:
            await self.start()
        assert self._process is not None
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 60)

    def stop_database(self) -> int:
        """`pg_ctl stop -m immediate`: no checkpoint, every backend gone. Returns its pid."""
        pid = int(
            (self.settings.data_dir / "pg" / "data" / "postmaster.pid").read_text().split()[0]
        )
        os.kill(pid, signal.SIGQUIT)
        return pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def token(self, name: str) -> str:
        tokens = json.loads((self.settings.run_dir / "tokens.json").read_text())
        return str(tokens[name]["token"])

    def sms(self) -> tuple[Counter[tuple[str, str]], int]:
        """What the providers accepted, by mobile and text; and how often one was asked again."""
        accepted: Counter[tuple[str, str]] = Counter()
        repeats = 0
        for provider in PROVIDERS:
            journal = self.settings.data_dir / "sandbox" / "journal" / f"{provider}.jsonl"
            for text in journal.read_text().splitlines() if journal.exists() else ():
                line = json.loads(text)
                if line["line"] == "effect":
                    accepted[line["receptor"], line["message"]] += 1
                # After a crash it asks what became of a message, or hands it over once more.
                status = line["line"] == "request" and line["path"].endswith("/status")
                repeats += status or line["line"] == "repeat"
        return accepted, repeats


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


class Client:
    """Files applications under keys of its own and writes down each answer after it came."""

    def __init__(self, whole: Whole, journal: Path) -> None:
        self.whole = whole
        self.people: dict[str, make.Person] = {}  # by key
        self.acked: dict[str, dict[str, Any]] = {}  # by key: what the journal holds
        self.answers: Counter[int] = Counter()
        self.bare: list[str] = []  # 503 without Retry-After
        self.in_flight: set[str] = set()
        self.broken: list[str] = []  # keys whose connection was cut under them
        self._journal = journal.open("ab")
        self._headers = {"Authorization": f"Bearer {whole.token('counter')}"}
        self.http = httpx.AsyncClient(
            base_url=whole.url, timeout=15, trust_env=False, limits=httpx.Limits(max_connections=8)
        )

    async def aclose(self) -> None:
        await self.http.aclose()
        self._journal.close()

    async def introduce(self, count: int) -> list[str]:
        """So many people whom the registries know; returns a key for each."""
        address = self.whole.settings.sandbox_url
        async with httpx.AsyncClient(base_url=address, timeout=15, trust_env=False) as sandbox:
            for _ in range(count):
                person = make.Person()
                path = f"/people/{person.national_code}"
                (await sandbox.put(path, json=person.registry())).raise_for_status()
                self.people[f"kill-{person.national_code}"] = person
        return list(self.people)[-count:]

    async def file(self, keys: Iterable[str], *, at_once: int = 8) -> None:
        """File them all: what got no answer is sent again under the same key, until it has one."""
        waiting = list(keys)

        async def work() -> None:
            while waiting:
                key = waiting.pop()
                while key not in self.acked:
                    await self.whole.up.wait()
                    await self._send(key)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())

    async def _send(self, key: str) -> None:
        self.in_flight.add(key)
        try:
            answer = await self.post(key)
        except httpx.HTTPError:
            self.broken.append(key)
            await asyncio.sleep(0.02)
            return
        finally:
            self.in_flight.discard(key)
        self.answers[answer.status_code] += 1
        if answer.status_code < 300:
            self._write(key, answer)
        else:
            if answer.status_code == 503 and "retry-after" not in answer.headers:
                self.bare.append(answer.text)
            await asyncio.sleep(0.2)

    async def post(self, key: str) -> httpx.Response:
        """The application of a key, as it was the first time."""
        body = make.livelihood(self.people[key])
        headers = self._headers | {"Idempotency-Key": key}
        return await self.http.post("/v1/applications", json=body, headers=headers)

    def _write(self, key: str, answer: httpx.Response) -> None:
        line = {
            "key": key,
            "tracking_code": answer.json()["tracking_code"],
            "sha256": hashlib.sha256(answer.content).hexdigest(),
        }
        self._journal.write(json.dumps(line).encode() + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self.acked[key] = line

    async def shown(self, tracking_code: str) -> dict[str, Any] | None:
        """An application as the gateway shows it."""
        path = f"/v1/applications/{tracking_code}"
        answer = await self.http.get(path, headers=self._headers)
        return answer.json() if answer.status_code == 200 else None

    async def listed(self) -> list[str]:
        """Every application that this office has filed."""
        found, cursor = [], ""
        while True:
            path = f"/v1/applications?limit=200{cursor}"
            page = (await self.http.get(path, headers=self._headers)).json()
            found += [item["tracking_code"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"


def verdict(
    acked: Iterable[dict[str, Any]],
    *,
    listed: list[str],
    mobiles: dict[str, str],
    sms: Counter[tuple[str, str]],
    told: int,
) -> list[str]:
    """What was lost or doubled, judged by journals: `mobiles` by tracking code, `told` steps each.

    `listed` is everything that the office has filed, `sms` what the providers accepted.
    """
    wrong = []
    codes = Counter(line["tracking_code"] for line in acked)
    kept = Counter(listed)
    wrong += [f"two keys have {code}" for code, times in codes.items() if times > 1]
    wrong += [f"{code} is lost" for code in codes if code not in kept]
    wrong += [f"{code} was acknowledged to nobody" for code in kept if code not in codes]
    wrong += [f"{code} stands twice" for code, times in kept.items() if times > 1]
    wrong += [f"told {times} times: {text}" for (_, text), times in sms.items() if times > 1]
    by_mobile: dict[str, list[str]] = {}
    for mobile, text in sms:
        by_mobile.setdefault(mobile, []).append(text)
    for code, mobile in mobiles.items():
        texts = by_mobile.pop(mobile, [])
        if len(texts) != told or not all(code in text for text in texts):
            wrong.append(f"{code} was told {len(texts)} times, not {told}")
    wrong += [f"{mobile} was told of nothing that was acknowledged" for mobile in by_mobile]
    return wrong


async def until(holds: Callable[[], bool], *, within_s: float) -> bool:
    """Whether something came to hold in time."""
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.1)
    return True
