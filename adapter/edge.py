"""The outermost layer: begins each exchange and, when it is over, counts and logs it."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.catalog import Catalog
from adapter.exchange import Exchange
from adapter.logs import AccessLog
from adapter.metrics import CANCELLED, Metrics

OTHER = "other"
_SLASHES = re.compile(r"(?<=^/v1)/{2,}")


class Edge:
    """Plain ASGI middleware; `events` takes what is not HTTP, the server's lifespan."""

    def __init__(
        self, app: ASGIApp, events: ASGIApp, metrics: Metrics, log: AccessLog, catalog: Catalog
    ) -> None:
        self._app = app
        self._events = events
        self._metrics = metrics
        self._log = log
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one exchange."""
        if scope["type"] != "http":
            await self._events(scope, receive, send)
            return
        path: str = scope["path"]
        if path[-1:] == "/" or "//" in path:
            # Clients join a base URL and a path in both ways; a redirect would lose their body.
            path = scope["path"] = _SLASHES.sub("/", path.rstrip("/")) or "/"
        exchange = scope["exchange"] = Exchange(scope, receive, send)
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, exchange.send)
        finally:
            self._metrics.in_flight.dec()
            exchange.status = exchange.status or CANCELLED
            listed = exchange.model and self._catalog.is_listed(exchange.model)
            model = exchange.model if listed and exchange.model else OTHER
            self._metrics.observe(exchange, exchange.operation or OTHER, model)
            self._log.write(exchange, path)
            # An exchange holds its scope and its own method: let go, so that it is freed at once.
            del scope["exchange"]
            exchange.enter(receive, send)
