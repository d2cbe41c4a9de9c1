"""Health, readiness and metrics: the routes for whoever runs the server."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from adapter.metrics import Metrics
from adapter.model_list import ModelList
from adapter.routing import Router
from backends.protocol import Lists, Ready
from backends.protocol.errors import BackendUnavailable


def operator_routes(
    backend: Lists, metrics: Metrics, model_list: ModelList | None = None
) -> APIRouter:
    """The routes that no key guards."""
    router = APIRouter(tags=["Health and metrics"])

    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    for path, summary in (
        ("/health", "Is the process alive?"),
        ("/ping", "Is the process alive? The same as /health"),
        ("/livez", "Is the process alive? The same as /health"),
    ):
        router.add_api_route(path, alive, operation_id=path.strip("/"), summary=summary)

    @router.get("/readyz", operation_id="readyz", summary="Would the backend answer now?")
    async def readyz() -> dict[str, Any]:
        """The backend would answer a request now: 200, or 503 while it would not."""
        if isinstance(backend, Ready) and not await backend.ready():
            raise BackendUnavailable("The backend is not ready yet.", code="not_ready")
        ready: dict[str, Any] = {"status": "ready"}
        if isinstance(backend, Router):
            ready["backends"] = await backend.states()
            ready["routes"] = backend.circuits()
        if model_list is not None:
            ready["model_list"] = asdict(model_list.state)
        return ready

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Numbers for Prometheus",
        response_class=PlainTextResponse,
    )
    def exposition() -> Response:
        """Prometheus metrics."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
