"""Anthropic's refusals as ours, whether they come as a status or in the middle of a stream.

    invalid_request_error                             400 BadRequestError, ContextLengthExceeded
    authentication_error, billing_error, permission_error  502: the operator's affair
    not_found_error                                   404 NotFoundError, ModelNotFound
    conflict_error                                    409 ConflictError
    request_too_large                                 413 RequestTooLarge
    rate_limit_error                                  429 RateLimitError
    api_error                                         500 APIError
    overloaded_error (529)                            503 BackendUnavailable
    timeout_error                                     504 BackendTimeout

Source: https://platform.claude.com/docs/en/api/errors
"""

import re
from collections.abc import Iterable

import aiohttp
import orjson

from backends.protocol.errors import (
    APIError,
    BackendTimeout,
    BackendUnavailable,
    BadRequestError,
    ConflictError,
    ContextLengthExceeded,
    ModelNotFound,
    NotFoundError,
    RateLimitError,
    RequestTooLarge,
)
from backends.upstream.client import refusal_of as body_of
from backends.upstream.errors import upstream_error
from backends.upstream.retry import retry_after_s

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
CLASSES: dict[int, type[APIError]] = {
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLarge,
    429: RateLimitError,
    500: APIError,
    504: BackendTimeout,
}
OPERATORS = frozenset({401, 402, 403})
# Where Anthropic's message begins with the place in its request, the client's name for it.
PARAMS = {
    "max_tokens": "max_tokens",
    "messages": "messages",
    "metadata.user_id": "user",
    "model": "model",
    "output_config.effort": "reasoning_effort",
    "output_config.format": "response_format",
    "service_tier": "service_tier",
    "stop_sequences": "stop",
    "system": "messages",
    "temperature": "temperature",
    "thinking": "reasoning_effort",
    "tool_choice": "tool_choice",
    "tools": "tools",
    "top_p": "top_p",
}
# Anthropic has no code for it: these words are all there is to know it by.
TOO_LONG = re.compile(r"prompt is too long(?:: (\d+) tokens > (\d+) maximum)?")
TOO_LONG_TOGETHER = re.compile(
    r"input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)"
)


async def refusal_of(
    response: aiohttp.ClientResponse, model: str = "", secrets: Iterable[str] = ()
) -> APIError:
    """The error that an answer other than 200 becomes; `secrets` are what we sent."""
    said = upstream_error(response.status, await body_of(response), our_key=False, secrets=secrets)
    wait_s = retry_after_s(response.headers)
    return _error(response.status, said.message, model, round(wait_s) if wait_s else None)


def stream_error(error: object, model: str, secrets: Iterable[str] = ()) -> APIError:
    """The error that an `error` event in a stream becomes; `secrets` are what we sent."""
    kind = error.get("type") if isinstance(error, dict) else None
    status = STATUSES.get(str(kind), 500)
    told = upstream_error(status, orjson.dumps({"error": error}), our_key=False, secrets=secrets)
    return _error(status, told.message, model, None)


def _error(status: int, message: str, model: str, wait_s: int | None) -> APIError:
    error = _of_status(status, message, model, wait_s)
    error.reason = error.reason or "status"
    return error


def _of_status(status: int, message: str, model: str, wait_s: int | None) -> APIError:
    if status in OPERATORS:
        return upstream_error(401, b"")
    if status == NotFoundError.status and message.startswith("model:"):
        return ModelNotFound(model)
    if status == BadRequestError.status and (too_long := _too_long(message)):
        return too_long
    if made := CLASSES.get(status):
        return made(message, retry_after_s=wait_s)
    if BadRequestError.status <= status < APIError.status:
        return BadRequestError(message, param=_param(message))
    return BackendUnavailable(message, retry_after_s=wait_s)


def _too_long(message: str) -> ContextLengthExceeded | None:
    """Anthropic's sentence of a prompt beyond the window in OpenAI's, with its numbers."""
    if found := TOO_LONG_TOGETHER.match(message):
        prompt, answer, window = (int(number) for number in found.groups())
        return ContextLengthExceeded.beyond(window, prompt, answer)
    if (found := TOO_LONG.match(message)) is None:
        return None
    if found.group(1) is None:
        return ContextLengthExceeded(
            f"This model's maximum context length is exceeded: {message}", param="messages"
        )
    return ContextLengthExceeded.beyond(int(found.group(2)), int(found.group(1)))


def _param(message: str) -> str | None:
    place = message.partition(":")[0] + "."
    return next((param for name, param in PARAMS.items() if place.startswith(f"{name}.")), None)
