"""Which web pages may call."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from adapter.errors import envelope
from backends.protocol.errors import PermissionDeniedError


class CORS(CORSMiddleware):
    """Starlette's CORS for these origins; a preflight needs no key."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after", "openai-processing-ms"],
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight; a refusal is the envelope, as every other is."""
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        error = PermissionDeniedError("This origin, method or header is not allowed.")
        refusal = Response(envelope(error), error.status, media_type="application/json")
        refusal.headers["vary"] = response.headers["vary"]
        return refusal
