"""The composition root: settings in, the whole server out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.types import ASGIApp

from adapter import logs
from adapter.allowlist import AllowList
from adapter.auth import OPEN_PATHS, Auth, keys_of
from adapter.catalog import Catalog
from adapter.cors import CORS
from adapter.edge import Edge
from adapter.errors import Errors
from adapter.generation.duties import honoured
from adapter.health import operator_routes
from adapter.logs import AccessLog
from adapter.metrics import Metrics
from adapter.openapi import add_operations
from adapter.routes import OPERATIONS
from adapter.routes.operation import Operations
from adapter.service import Service
from adapter.settings import Settings
from backends import load
from backends.protocol import Backend, Closes


class App(FastAPI):
    """A FastAPI app whose OpenAI operations bypass FastAPI's own layers.

    FastAPI's stack of middleware and its router cost more than the rest of the server together.
    So the operations stand in front of them, and whatever is none of theirs, a fork's own
    `@app.get` included, goes on to FastAPI. `add_middleware` wraps both.

        Edge (counts, logs) > added middleware > Errors > Auth > operations > FastAPI
    """

    def __init__(self, settings: Settings, backend: Backend) -> None:
        super().__init__(
            title="OpenAI server kit",
            description="An OpenAI-compatible server over a swappable backend.",
            lifespan=_lifespan,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        self.settings = settings
        self.backend = backend
        self.metrics = Metrics()
        self.access_log = AccessLog(settings.log_level)
        self.catalog = Catalog(backend, AllowList(settings.allowed_models), settings.model_name)
        self.service = Service(
            backend=backend,
            catalog=self.catalog,
            honours=honoured(backend),
            max_body_mb=settings.max_body_mb,
            strict_parameters=settings.strict_parameters,
        )
        self.include_router(operator_routes(backend, self.metrics))
        if settings.cors_origins:
            self.add_middleware(CORS, origins=settings.cors_origins)

    def build_middleware_stack(self) -> ASGIApp:
        """The layers, from the inside out."""
        app: ASGIApp = Operations(
            self.service, OPERATIONS, default=AsyncExitStackMiddleware(self.router)
        )
        keys = keys_of(self.settings)
        if keys is not None:
            public = frozenset({"/metrics"} if self.settings.metrics_public else ())
            app = Auth(app, keys, OPEN_PATHS | public)
        app = Errors(app, self.access_log.crash)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return Edge(app, self.router, self.metrics, self.access_log, self.catalog)

    def openapi(self) -> dict[str, Any]:
        """The document of all that is served."""
        if self.openapi_schema is None:
            self.openapi_schema = add_operations(super().openapi(), OPERATIONS)
        return self.openapi_schema


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    yield
    if isinstance(app.backend, Closes):
        await app.backend.aclose()


def create(settings: Settings | None = None, backend: Backend | None = None) -> App:
    """A server by its settings (the environment's by default), around a backend if one is given.

    Raises:
        ValueError: a setting is wrong; the message is one line that names it.
    """
    settings = settings or Settings()
    logs.configure(settings.log_level)
    keys_of(settings)
    if backend is None:
        paths = {"model_path": settings.model_path, "tokenizer_path": settings.tokenizer_path}
        backend = load(settings.backend, **{k: v for k, v in paths.items() if v is not None})
    return App(settings, backend)
