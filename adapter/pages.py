"""The pages for people: what is where, and the API's documents, which need no network."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from backends.protocol.errors import MethodNotAllowed

SCRIPTS = "/docs/scripts"
SWAGGER_JS, SWAGGER_CSS = f"{SCRIPTS}/swagger-ui-bundle.js", f"{SCRIPTS}/swagger-ui.css"
REDOC_JS, ICON = f"{SCRIPTS}/redoc.standalone.js", f"{SCRIPTS}/favicon.png"
DOCUMENT = "/openapi.json"
PAGES = frozenset({"/docs", "/redoc", SWAGGER_JS, SWAGGER_CSS, REDOC_JS, ICON})
INDEX = frozenset({"/", "/v1"})
PLACES: dict[str, Any] = {
    "message": "An OpenAI-compatible server. The base URL for clients ends in /v1.",
    "chat": "/v1/chat/completions",
    "models": "/v1/models",
    "docs": "/docs",
    "openapi": DOCUMENT,
    "health": "/health",
    "readme": "README.md, beside the code",
}


def document_routes(title: str) -> Sequence[BaseRoute]:
    """Swagger UI at /docs, ReDoc at /redoc, and the scripts of both."""

    async def swagger(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=root + DOCUMENT,
            title=title,
            swagger_js_url=root + SWAGGER_JS,
            swagger_css_url=root + SWAGGER_CSS,
            swagger_favicon_url=root + ICON,
        )

    async def redoc(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        return get_redoc_html(
            openapi_url=root + DOCUMENT,
            title=title,
            redoc_js_url=root + REDOC_JS,
            redoc_favicon_url=root + ICON,
            with_google_fonts=False,
        )

    scripts = StaticFiles(directory=str(files("fastapi_offline") / "static"))

    async def script(request: Request) -> Response:
        return await scripts.get_response(request.path_params["name"], request.scope)

    return (
        Route("/docs", swagger, include_in_schema=False),
        Route("/redoc", redoc, include_in_schema=False),
        Route(f"{SCRIPTS}/{{name}}", script, include_in_schema=False),
    )


def unclaimed(router: Router) -> frozenset[str]:
    """The paths of the index that no route has; a fork may have a page of its own there."""
    scope = {"type": "http", "method": "GET", "root_path": "", "headers": []}
    return frozenset(
        path
        for path in INDEX
        if not any(
            route.matches({**scope, "path": path})[0] is not Match.NONE for route in router.routes
        )
    )


class Index:
    """Plain ASGI middleware: answers these paths with what is where."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on.

        Raises:
            MethodNotAllowed: one of the paths, and neither GET nor HEAD.
        """
        if scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed(
                f"Not allowed: {scope['method']} {scope['path']}. Allowed: GET, HEAD.",
                allow="GET, HEAD",
            )
        await JSONResponse(PLACES)(scope, receive, send)
