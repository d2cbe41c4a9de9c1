"""Health, readiness and metrics: the routes for whoever runs the server."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from adapter.metrics import Metrics
from backends.protocol import Backend, Ready


def operator_routes(backend: Backend, metrics: Metrics) -> APIRouter:
    """The routes that no key guards."""
    router = APIRouter(tags=["Operations"])

    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    for path in ("/health", "/ping", "/livez"):
        router.add_api_route(path, alive, name=path.strip("/"), operation_id=path.strip("/"))

    @router.get("/readyz", operation_id="readyz")
    async def readyz() -> Response:
        """The backend would answer a request now: 200, or 503 while it would not."""
        ready = await backend.ready() if isinstance(backend, Ready) else True
        content = {"status": "ready" if ready else "loading"}
        return JSONResponse(content, status_code=200 if ready else 503)

    @router.get("/metrics", operation_id="metrics")
    def exposition() -> Response:
        """Prometheus metrics."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
