"""The outermost layer: begins each exchange and, when it is over, counts and logs it."""

from starlette.routing import Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.catalog import Catalog
from adapter.exchange import Exchange
from adapter.logs import AccessLog
from adapter.metrics import CANCELLED, OTHER, Metrics
from adapter.paths import is_plain, simplify


class Edge:
    """Plain ASGI middleware; `routes` are FastAPI's, and take what is not HTTP: the lifespan."""

    def __init__(
        self, app: ASGIApp, routes: Router, metrics: Metrics, log: AccessLog, catalog: Catalog
    ) -> None:
        self._app = app
        self._routes = routes
        self._metrics = metrics
        self._log = log
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one exchange."""
        if scope["type"] != "http":
            await self._routes(scope, receive, send)
            return
        deployment = None
        if not is_plain(scope["path"]) and not _has_route(self._routes, scope):
            # Clients join a base URL and a path in several ways; a redirect would lose their body.
            deployment = simplify(scope)
        exchange = scope["exchange"] = Exchange(scope, receive, send, deployment=deployment)
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, exchange.send)
        finally:
            self._metrics.in_flight.dec()
            exchange.status = exchange.status or CANCELLED
            listed = exchange.model and self._catalog.is_listed(exchange.model)
            model = exchange.model if listed and exchange.model else OTHER
            self._metrics.observe(exchange, exchange.operation or OTHER, model)
            self._log.write(exchange, scope["path"])
            # An exchange holds its scope and its own method: let go, so that it is freed at once.
            del scope["exchange"]
            exchange.enter(receive, send)


class HeadAsGet:
    """Plain ASGI middleware: HEAD is answered by a route of GET, unless it has its own."""

    def __init__(self, app: ASGIApp, routes: Router) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on; the server sends no body, for its own scope still says HEAD."""
        if scope["method"] == "HEAD" and not self._has_own(scope):
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)

    def _has_own(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes.routes)


def _has_route(router: Router, scope: Scope) -> bool:
    """Whether a fork's route has this very path; one that is mounted at the root has them all."""
    return any(
        route.matches(scope)[0] is not Match.NONE and getattr(route, "path", "/")
        for route in router.routes
    )
