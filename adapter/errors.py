"""The one place where a failure becomes OpenAI's envelope."""

import asyncio
from collections.abc import Callable

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.exchange import CLIENT_CLOSED_REQUEST, ClientGone, Exchange
from adapter.hints import unknown_url
from adapter.sse import data_event
from backends.protocol.errors import (
    APIError,
    BackendUnavailable,
    BadRequestError,
    MethodNotAllowed,
    NotFoundError,
    UnsupportedCoding,
)

MESSAGE_CHARACTERS = 1000


def envelope(error: APIError) -> bytes:
    """`{"error": {message, type, param, code}}`, the message bounded."""
    message = error.message
    if len(message) > MESSAGE_CHARACTERS:
        message = message[:MESSAGE_CHARACTERS] + "…"
    body = {"message": message, "type": error.type, "param": error.param, "code": error.code}
    return orjson.dumps({"error": body})


class Errors:
    """Plain ASGI middleware: whatever is raised inside becomes an answer, or a last event.

    Before the first byte it is the error's status with the envelope; after the first byte of a
    stream the same envelope is one `data:` event, and the stream ends.
    """

    def __init__(self, app: ASGIApp, log_crash: Callable[[Exchange, Exception], None]) -> None:
        self._app = app
        self._log_crash = log_crash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; answer for what it raises."""
        exchange: Exchange = scope["exchange"]
        try:
            await self._app(scope, receive, send)
        except ClientGone:
            exchange.status = CLIENT_CLOSED_REQUEST
        except APIError as error:
            await _answer(exchange, error, send)
        except HTTPException as error:
            await _answer(exchange, _from_starlette(error, scope), send)
        except RequestValidationError as error:
            await _answer(exchange, _from_fastapi(error), send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                raise
            # The server stops, and has waited long enough for this one.
            await _answer(exchange, BackendUnavailable("The server is shutting down."), send)
        except Exception as error:  # noqa: BLE001 - the outer edge: logged, then answered
            self._log_crash(exchange, error)
            await _answer(exchange, APIError("The server had an error. Try again."), send)


async def _answer(exchange: Exchange, error: APIError, send: Send) -> None:
    if exchange.complete:
        return
    exchange.error, exchange.reason = error.code or error.type, error.reason
    body = envelope(error)
    if exchange.status:
        if exchange.stream:
            body = data_event(body)
            await send({"type": "http.response.body", "body": body, "more_body": False})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, error.retry_after_s)))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    if isinstance(error, UnsupportedCoding):
        headers.append((b"accept-encoding", error.accepted.encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _from_fastapi(error: RequestValidationError) -> APIError:
    """A fork's own route has refused its arguments."""
    details = error.errors()[0]
    param = ".".join(str(part) for part in details["loc"][1:]) or None
    return BadRequestError(f"Invalid '{param}': {details['msg']}.", param=param)


def _from_starlette(error: HTTPException, scope: Scope) -> APIError:
    path = f"{scope['method']} {scope['path'][:200]}"
    if error.status_code == NotFoundError.status:
        return unknown_url(scope["method"], scope["path"])
    if error.status_code == MethodNotAllowed.status:
        allow = (error.headers or {}).get("Allow", "")
        if "GET" in allow and "HEAD" not in allow:
            allow += ", HEAD"
        return MethodNotAllowed(f"Not allowed: {path}. Allowed: {allow}.", allow=allow)
    failure = APIError(str(error.detail))
    failure.status = error.status_code
    failure.type = (
        "invalid_request_error" if error.status_code < APIError.status else "server_error"
    )
    return failure
