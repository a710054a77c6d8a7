"""The load, in a process of its own: `python -m deploy.bench.load FILE` prints one JSON object.

Keep-alive connections that each send the next request when the answer to the last one is there;
anything but a 2xx ends the run. FILE lists ports, headers and requests, made beforehand.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

LIMIT_S = 120


class Refused(RuntimeError):
    """An answer that was no 2xx: the run is worth nothing."""


class Line(asyncio.Protocol):
    """One connection: asks, reads the answer, asks again until nothing is left to ask."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests, self._latencies = requests, latencies
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: Any = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self) -> None:
        """Send the next request."""
        request = next(self._requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = buffer.lower().find(b"content-length:", 0, head)
        length = int(buffer[at + 15 : buffer.find(b"\r\n", at)]) if at >= 0 else 0
        if len(buffer) < head + 4 + length:
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        if buffer[9:10] != b"2":
            if not self.done.done():
                self.done.set_exception(Refused(buffer.decode(errors="replace")))
            self._transport.close()
            return
        self._buffer = b""
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.done.done():
            self.done.set_exception(Refused("the server hung up"))


async def run(given: dict[str, Any]) -> dict[str, float]:
    """Send everything once; returns requests per second and how long they took."""
    latencies: list[float] = []
    requests = iter([_packed(given["headers"], *request) for request in given["requests"]])
    loop, ports = asyncio.get_running_loop(), given["ports"]
    lines = []
    for number in range(given["connections"]):
        _, line = await loop.create_connection(
            lambda: Line(requests, latencies), "127.0.0.1", ports[number % len(ports)]
        )
        lines.append(line)
    began, worked = time.perf_counter(), time.process_time()
    for line in lines:
        line.ask()
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(line.done for line in lines))
    seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "count": len(latencies),
        "seconds": seconds,
        "per_s": len(latencies) / seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
        "generator_cpu": (time.process_time() - worked) / seconds,
    }


def _packed(headers: dict[str, str], method: str, path: str, key: str, body: str) -> bytes:
    """One request as it goes over the wire."""
    payload = body.encode()
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if key:
        lines.append(f"idempotency-key: {key}")
    if payload:
        lines += ["content-type: application/json", f"content-length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def main(file: str) -> None:
    """Run one file of requests."""
    given = json.loads(Path(file).read_text())
    try:
        print(json.dumps(uvloop.run(run(given))))
    except Refused as refused:
        sys.exit(f"no 2xx: {refused}")


if __name__ == "__main__":
    main(sys.argv[1])
