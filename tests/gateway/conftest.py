"""The real gateway before stand-in services; its issuer is the sandbox's, over respx."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import respx
import uvicorn

from deploy.sandbox.issuer import Issuer
from services.gateway.app import Gateway
from shared.running.lifespan import Lifespan
from shared.running.settings import Settings
from shared.web.auth import load_verifier

ISSUER = "http://issuer.test"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(ISSUER, tmp_path_factory.mktemp("issuer"))


@pytest.fixture(autouse=True)
def issuer(key: Issuer) -> Iterator[respx.MockRouter]:
    """The issuer's discovery and keys, answered at its address."""
    with respx.mock(assert_all_called=False) as outside:
        outside.get(f"{ISSUER}/.well-known/openid-configuration").respond(json=key.discovery())
        outside.get(f"{ISSUER}/jwks.json").respond(json=key.jwks())
        yield outside


@pytest.fixture
def token(key: Issuer):
    """`token("citizen", channels=[…])` is a header that the gateway accepts."""

    def make(*roles: str, ttl_s: int = 600, **claims: Any) -> dict[str, str]:
        said = {"sub": "someone", "roles": list(roles), "channels": ["soha_portal"], **claims}
        return {"Authorization": f"Bearer {key.access_token(said, ttl_s=ttl_s)['access_token']}"}

    return make


@pytest.fixture
def settings(tmp_path):
    def make(**more: Any) -> Settings:
        given = {"env": "test", "data_dir": tmp_path, "run_dir": tmp_path, "oidc_issuer": ISSUER}
        return Settings(_env_file=None, **{**given, **more})

    return make


class Echo:
    """A stand-in service: says what it was asked, and whom its own verifier finds in the token."""

    def __init__(self, keys_dir, service: str) -> None:
        self.verifier = load_verifier(keys_dir, service)
        self.service = service
        self.asked = 0

    async def __call__(self, scope, receive, send) -> None:
        self.asked += 1
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = [(k.decode(), v.decode()) for k, v in scope["headers"]]
        signed = dict(headers).get("authorization", "").removeprefix("Bearer ")
        actor = self.verifier.verify(signed) if signed else None
        said = {
            "service": self.service,
            "path": scope["path"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": headers,
            "body": body.decode(),
            "actor": actor and {"sub": actor.sub, "roles": sorted(actor.roles)},
            "signed_by": actor and actor.service,
        }
        content = json.dumps(said).encode()
        own = [(b"content-type", b"application/json"), (b"x-own", b"1"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
def echo(settings):
    def make(service: str) -> Echo:
        return Echo(settings().keys_dir, service)

    return make


@asynccontextmanager
async def _entered(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with Lifespan("gateway", gateway), client(gateway) as door:
        yield door


def client(gateway: Gateway) -> httpx.AsyncClient:
    """Return a client before a gateway that has been started already."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://door")


@pytest.fixture
def entered():
    """`async with entered(gateway) as door:` starts it and gives a client before it."""
    return _entered


@asynccontextmanager
async def served(app) -> AsyncIterator[str]:
    """Run an application behind a real server; gives its address."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.force_exit = server.should_exit = True
        await running


@pytest.fixture
def apart(settings):
    """`async with apart("loans", app) as gateway:` has that service in another process' place."""

    @asynccontextmanager
    async def run(service: str, app, **more: Any) -> AsyncIterator[Gateway]:
        async with served(app) as url:
            gateway = Gateway(settings(services_urls={service: url}), {}, **more)
            async with Lifespan("gateway", gateway):
                yield gateway

    return run


class Caller:
    """One raw request whose body comes, and whose answer is read, piece by piece."""

    def __init__(self, app, method: str, path: str, headers: dict[str, str]) -> None:
        self.coming: asyncio.Queue[Any] = asyncio.Queue()
        self.answered: asyncio.Queue[Any] = asyncio.Queue()
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": raw, "http_version": "1.1", "scheme": "http"}
        self.task = asyncio.create_task(app(scope, self._receive, self.answered.put))

    def give(self, chunk: bytes, *, more: bool = True) -> None:
        self.coming.put_nowait({"type": "http.request", "body": chunk, "more_body": more})

    async def _receive(self) -> Any:
        message = await self.coming.get()
        if message["type"] == "http.disconnect":
            self.hang_up()  # and so it stays
        return message

    def hang_up(self) -> None:
        self.coming.put_nowait({"type": "http.disconnect"})

    async def hear(self) -> Any:
        async with asyncio.timeout(3):
            return await self.answered.get()


@pytest.fixture
def door_of():
    return client


@pytest.fixture
def calling():
    return Caller
