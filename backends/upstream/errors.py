"""An upstream's failure as one of ours: its status, and of its words only what a client may see."""

from collections.abc import Iterable

from backends.protocol.errors import APIError
from backends.upstream.redaction import redacted
from backends.upstream.words import words_of

MESSAGE_CHARACTERS = 500
TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "invalid_request_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def bad_gateway(message: str, code: str = "bad_upstream_answer") -> APIError:
    """A 502: the upstream answered, and what it answered is of no use to a client."""
    error = APIError(message, code=code, reason="status")
    error.status = 502
    return error


def upstream_error(
    status: int,
    body: bytes,
    retry_after_s: int | None = None,
    *,
    our_key: bool = True,
    secrets: Iterable[str] = (),
) -> APIError:
    """The error that an upstream's refusal becomes, with its status and its words.

    A refused key is the operator's fault and not the client's, unless it was not `our_key`: it
    becomes a 502. `secrets` are what we sent, and go from the words with whatever looks like one.
    """
    if our_key and status in {401, 403}:
        return bad_gateway("The upstream refused this server's credentials.", "upstream_auth")
    words = words_of(body)
    message = redacted(words.message or f"The upstream answered {status}.", secrets)
    if len(message) > MESSAGE_CHARACTERS:
        message = message[: MESSAGE_CHARACTERS - 1] + "…"
    param, code, kind = (
        said and redacted(said, secrets) for said in (words.param, words.code, words.type)
    )
    error = APIError(message, param=param, code=code, retry_after_s=retry_after_s, reason="status")
    error.status = status
    error.type = kind or TYPES.get(status, "server_error")
    return error
