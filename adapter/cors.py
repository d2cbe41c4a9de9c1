"""Which web pages may call."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from adapter.errors import envelope
from backends.protocol.errors import PermissionDeniedError

# What Local Network Access once called the headers of Private Network Access.
ASKS_LOCAL, ALLOWS_LOCAL = (
    "Access-Control-Request-Local-Network",
    "Access-Control-Allow-Local-Network",
)


class CORS(CORSMiddleware):
    """Starlette's CORS for these origins; a preflight needs no key.

    A page on the internet asks before it calls a server on the user's own network or machine.
    Source: https://wicg.github.io/private-network-access/
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=["x-request-id", "retry-after", "openai-processing-ms"],
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight; a refusal is the envelope, as every other is."""
        response = super().preflight_response(request_headers)
        response.headers["vary"] += f", {ASKS_LOCAL}"
        if response.status_code == HTTPStatus.OK:
            if ASKS_LOCAL in request_headers:
                response.headers[ALLOWS_LOCAL] = "true"
            return response
        error = PermissionDeniedError("This origin, method or header is not allowed.")
        refusal = Response(envelope(error), error.status, media_type="application/json")
        refusal.headers["vary"] = response.headers["vary"]
        return refusal
