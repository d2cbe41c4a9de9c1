"""The composition root: settings in, the whole server out."""

import asyncio
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
from adapter.content_coding import ContentCoding
from adapter.cors import CORS
from adapter.edge import Edge, HeadAsGet
from adapter.errors import Errors
from adapter.exchange import Attempt, Exchange
from adapter.generation.duties import honoured
from adapter.health import operator_routes
from adapter.logs import AccessLog
from adapter.metrics import Metrics
from adapter.model_list import ModelList
from adapter.openapi import add_operations
from adapter.pages import PAGES, Index, document_routes, unclaimed
from adapter.parse.body import BYTES_PER_MB
from adapter.routes import OPERATIONS
from adapter.routes.operation import Operations
from adapter.routing import BackendConfig, Router, RoutingConfig, State, read_routing, watch
from adapter.service import Service
from adapter.settings import Settings
from adapter.websocket import WebSocketRefusal
from backends import load
from backends.protocol import Backend, Closes, Lists, Relays, Starts


class App(FastAPI):
    """A FastAPI app whose OpenAI operations bypass FastAPI's own layers.

    FastAPI's stack of middleware and its router cost more than the rest of the server together.
    So the operations stand in front of them, and whatever is none of theirs, a fork's own
    `@app.get` included, goes on to FastAPI. `add_middleware` wraps both.

        Edge (counts, logs) > added middleware > Errors > Auth > ContentCoding > operations
        > FastAPI
    """

    def __init__(self, settings: Settings, serves: Backend | RoutingConfig) -> None:
        super().__init__(
            title="OpenAI server kit",
            description="An OpenAI-compatible server over a swappable backend.",
            lifespan=_lifespan,
            docs_url=None,
            redoc_url=None,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        self.settings = settings
        self.models: Lists
        self.metrics = Metrics()
        self.access_log = AccessLog(settings.log_level, settings.log_format)
        self.routing: Router | None = None
        self.model_list = _model_list(settings)
        if self.model_list is not None:
            self.metrics.watch_model_list(self.model_list)
        if isinstance(serves, RoutingConfig):
            self.routing = self.models = Router(self._around, self._provider_of, self._report)
            self.catalog = self._catalog()
            self.routing.load(serves)
            self.service = self.routing.first()
        else:
            self.models = serves
            self.catalog = self._catalog()
            self.service = self._service(settings.backend, serves)
        self.metrics.watch_backend(self.models)
        self.include_router(operator_routes(self.models, self.metrics, self.model_list))
        self.router.routes.extend(document_routes(self.title))
        self.router.default = WebSocketRefusal(self.router.not_found)
        if settings.cors_origins:
            self.add_middleware(CORS, origins=settings.cors_origins)

    def _catalog(self) -> Catalog:
        return Catalog(
            self.models,
            AllowList(self.settings.allowed_models),
            self.settings.model_name,
            self.model_list,
            strict=self.settings.strict_models,
        )

    def _service(self, name: str, backend: Backend) -> Service:
        return Service(
            name=name,
            backend=backend,
            catalog=self.catalog,
            honours=honoured(backend),
            max_body_mb=self.settings.max_body_mb,
            strict_parameters=self.settings.strict_parameters,
            relays=backend if isinstance(backend, Relays) else None,
            passthrough_all=self.settings.passthrough_all,
            cost_header=self.settings.cost_header,
            keep_alive_s=self.settings.stream_keep_alive_s,
        )

    def _provider_of(self, model: str) -> str | None:
        listed = self.catalog.priced(model)
        return listed.provider if listed is not None else None

    def _around(self, name: str, config: BackendConfig) -> Service:
        return self._service(name, load(config.use, **config.options))

    def _report(self, exchange: Exchange, attempt: Attempt, circuit: State) -> None:
        self.access_log.attempt(exchange, attempt)
        listed = exchange.model is not None and self.catalog.is_listed(exchange.model)
        self.metrics.observe_attempt(attempt, listed=listed, circuit_open=circuit == "open")

    def build_middleware_stack(self) -> ASGIApp:
        """The layers, from the inside out."""
        index = unclaimed(self.router)
        default = Index(HeadAsGet(AsyncExitStackMiddleware(self.router), self.router), index)
        app: ASGIApp = Operations(self.service, OPERATIONS, default, self.routing)
        app = ContentCoding(app, int(self.settings.max_body_mb * BYTES_PER_MB))
        keys = keys_of(self.settings)
        if keys is not None:
            public = frozenset({"/metrics"} if self.settings.metrics_public else ())
            app = Auth(app, keys, OPEN_PATHS | PAGES | index | public)
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
    async with asyncio.TaskGroup() as tasks:
        watching = None
        if isinstance(app.models, Starts):
            await app.models.start()
        if app.model_list is not None:
            await app.model_list.start()
        if app.routing is not None and app.settings.config is not None:
            watching = tasks.create_task(watch(app.settings.config, app.routing, app.catalog))
        yield
        if watching is not None:
            watching.cancel()
        if app.model_list is not None:
            await app.model_list.aclose()
    if isinstance(app.models, Closes):
        await app.models.aclose()


def _model_list(settings: Settings) -> ModelList | None:
    if settings.model_list_url is None:
        return None
    try:
        return ModelList(
            settings.model_list_url,
            refresh_s=settings.model_list_refresh_s,
            timeout_s=settings.model_list_timeout_s,
            max_bytes=int(settings.model_list_max_mb * BYTES_PER_MB),
            saved=settings.model_list_file,
        )
    except ValueError as error:
        raise ValueError(f"MODEL_LIST_URL: {error}") from error


def _options(settings: Settings) -> dict[str, str]:
    """What a backend is told of the model that it loads, where anything is said."""
    named = ("model_path", "tokenizer_path", "device", "quantize")
    return {name: value for name in named if (value := getattr(settings, name)) is not None}


def create(settings: Settings | None = None, backend: Backend | None = None) -> App:
    """A server by its settings (the environment's by default), around a backend if one is given.

    Raises:
        ValueError: a setting is wrong; the message is one line that names it.
    """
    settings = settings or Settings()
    logs.configure(settings.log_level, settings.log_format)
    keys_of(settings)
    serves: Backend | RoutingConfig | None = backend or read_routing(settings.config)
    if serves is None:
        serves = load(settings.backend, **_options(settings))
    return App(settings, serves)
