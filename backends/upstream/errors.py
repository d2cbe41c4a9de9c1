"""An upstream's failure as one of ours: its status, and of its words only what a client may see."""

import re
from typing import Any

import orjson

from backends.protocol.errors import APIError

MESSAGE_CHARACTERS = 500
# What looks like a key, an account or a path of the upstream's machine stays here; URLs may go.
SECRETS = re.compile(
    r"\b(?:(?:sk|pk|key|org|proj)[-_]|Bearer )[\w-]{8,}|(?<![\w:/.])(?!/v\d)(?:/[\w.-]+){3,}"
)
TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "invalid_request_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def bad_gateway(message: str, code: str = "bad_upstream_answer") -> APIError:
    """A 502: the upstream answered, and what it answered is of no use to a client."""
    error = APIError(message, code=code)
    error.status = 502
    return error


def upstream_error(
    status: int, body: bytes, retry_after_s: int | None = None, *, our_key: bool = True
) -> APIError:
    """The error that an upstream's refusal becomes, with its status.

    A refused key is the operator's fault and not the client's, unless it was not `our_key`: it
    becomes a 502.
    """
    told = _told(body)
    if our_key and status in {401, 403}:
        return bad_gateway("The upstream refused this server's credentials.", "upstream_auth")
    message = SECRETS.sub("[…]", str(told.get("message") or f"The upstream answered {status}."))
    error = APIError(
        message[:MESSAGE_CHARACTERS],
        param=_text(told.get("param")),
        code=_text(told.get("code")),
        retry_after_s=retry_after_s,
    )
    error.status = status
    error.type = _text(told.get("type")) or TYPES.get(status, "server_error")
    return error


def _told(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _text(value: object) -> str | None:
    return value[:100] if isinstance(value, str) else None
