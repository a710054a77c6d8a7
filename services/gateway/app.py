"""The door itself, raw ASGI: ids and limits, identity, the route, and the way to the service."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import routes
from services.gateway.crossing import DEADLINE_S, cross, onward
from services.gateway.origins import Origins
from services.gateway.pages.shelf import Pages
from services.gateway.remote import Remote
from services.gateway.routes import Route
from shared.running import log
from shared.running.settings import Settings
from shared.web.auth import STAFF, Actor, Role, bearer, load_or_create_signer
from shared.web.clients import Outside
from shared.web.errors import ChannelNotAllowed, NotFound, Unauthenticated, Unavailable
from shared.web.ingress import Ingress
from shared.web.oidc import OidcVerifier

ISSUER_WITHIN_S = 3
APPLICANTS = (Role.CITIZEN, Role.COUNTER, *STAFF)


def create_app(
    settings: Settings | None = None, apps: Mapping[str, ASGIApp] | None = None
) -> "Gateway":
    """Return the door before `apps` (by service) and the services of `settings.services_urls`.

    Called without settings it is a process of its own, and looks after its log itself.
    """
    if settings is None:
        settings = Settings()
        log.configure(settings)
    return Gateway(settings, apps or {})


class Gateway:
    """The ASGI application; it holds connections and cached tokens, nothing else."""

    def __init__(
        self, settings: Settings, apps: Mapping[str, ASGIApp], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._deadline_s = deadline_s
        self._remotes = {
            name: Remote(url, connections=settings.service_concurrency)
            for name, url in settings.services_urls.items()
        }
        self._services: dict[str, ASGIApp] = {**apps, **self._remotes}
        self._pages = Pages(settings, self._services)
        self._origins = Origins(settings.portal_origins)
        self._signer = load_or_create_signer(settings.keys_dir, "gateway")
        self._issuer = Outside(settings.oidc_issuer, party="issuer", timeout_s=ISSUER_WITHIN_S)
        self._verifier = OidcVerifier(
            settings.oidc_issuer, audience=settings.oidc_audience, fetch=self._issuer.get
        )
        self._inner = Ingress(
            self._serve,
            concurrency=settings.max_concurrency,
            forms=routes.FORMS,
            streams=routes.STREAMS,
        )
        self._log = log.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._heard(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _heard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and write its one line: of the path no more than the route's prefix."""
        began = time.perf_counter()
        status = 0  # stays when the caller hung up before an answer

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._inner(scope, receive, self._origins.opened(scope, noted))
        finally:
            route: Route | None = scope.get("soha.route")
            self._log.info(
                "request",
                method=scope["method"],
                route=route.prefix if route else "-",
                service=route.service if route else "gateway",
                http_status=status,
                duration_ms=round((time.perf_counter() - began) * 1000, 2),
                request_id=scope.get("soha.request_id"),
            )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that the ingress let in; refusals are raised."""
        if await self._origins.preflight(scope, send):
            return
        if await self._pages.serve(scope, send):
            return
        route = routes.find(scope["path"], scope["query_string"])
        if route is None:
            raise NotFound
        scope["soha.route"] = route
        actor = await self._identify(scope, route)
        service = self._services.get(route.service)
        if service is None:
            raise Unavailable
        token = self._signer.sign(actor, audience=route.service) if actor else None
        headers = onward(scope["headers"], token)
        inner = {**scope, "headers": headers, "soha.vetted": True}
        await cross(service, inner, receive, send, deadline_s=self._deadline_s)

    async def _identify(self, scope: Scope, route: Route) -> Actor | None:
        """Return who asks, None on a public path. Raises Unauthenticated, ChannelNotAllowed."""
        token = bearer(scope)
        if token is None:
            if scope["method"] in route.public:
                return None
            raise Unauthenticated
        actor = self._verifier.cached(token) or await self._verifier.verify(token)
        # Only the coarse half: which channel may file what, and when, is intake's to know.
        if (
            not actor.channels
            and scope["method"] == "POST"
            and scope["path"] == "/v1/applications"
            and actor.has(*APPLICANTS)
        ):
            raise ChannelNotAllowed
        return actor

    async def _live(self, receive: Receive, send: Send) -> None:
        """Hold the connections from start-up to shutdown."""
        await receive()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._issuer.aclose)
            for remote in self._remotes.values():
                await remote.open()
                stack.push_async_callback(remote.aclose)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
