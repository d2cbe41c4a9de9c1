"""The upstream's answer as it travels back."""

from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import orjson

from adapter.exchange import ClientWatch, Exchange
from adapter.relay.stream import stream
from adapter.relay.usage import count_usage
from backends.protocol import RelayRequest, RelayResponse, Relays
from backends.protocol.errors import APIError, BackendUnavailable, BadRequestError

OK = 200
NO_CONTENT = 204
EVENT_STREAM = b"text/event-stream"
WHOLE_BYTES = 64_000_000


async def relay(
    exchange: Exchange,
    backend: Relays,
    request: RelayRequest,
    refused: frozenset[int] = frozenset(),
) -> None:
    """Answer with what the backend's upstream answers.

    Raises:
        APIError: there is no answer, or one of the `refused` statuses, or it broke off; after the
            first byte of a stream the error becomes its last event.
    """
    since_s = perf_counter()
    async with ClientWatch(exchange), backend.relay(request) as response:
        exchange.backend_s += perf_counter() - since_s
        if response.status in refused:
            error = APIError(f"The upstream answered {response.status}.", reason="status")
            error.status = response.status
            raise error
        if response.status >= BadRequestError.status:
            exchange.reason = "status"
        headers = dict(response.headers)
        if request_id := headers.pop(b"x-request-id", None):
            # The answer has one id, and the log has it too.
            exchange.id = request_id.decode("latin-1")
        response.headers = list(headers.items())
        kind = headers.get(b"content-type", b"").lower()
        if kind.startswith(EVENT_STREAM) and response.status == OK:
            await stream(exchange, response, request)
        else:
            await _whole(exchange, response, is_json=kind.startswith(b"application/json"))


async def _whole(exchange: Exchange, response: RelayResponse, *, is_json: bool) -> None:
    """An answer whose status is sent when all of it is there, unless it is very large."""
    pieces: list[bytes] = []
    size = 0
    since_s = perf_counter()
    async for piece in response.pieces:
        pieces.append(piece)
        size += len(piece)
        if size > WHOLE_BYTES:
            await _large(exchange, response, b"".join(pieces))
            return
    exchange.backend_s += perf_counter() - since_s
    body = b"".join(pieces)
    if is_json and response.status == OK:
        count_usage(exchange, _complete(body))
    headers = response.headers
    if response.status != NO_CONTENT and exchange.scope["method"] != "HEAD":
        headers = [*headers, (b"content-length", b"%d" % size)]
    await exchange.reply(
        {"type": "http.response.start", "status": response.status, "headers": headers}
    )
    await exchange.reply({"type": "http.response.body", "body": body})


async def _large(exchange: Exchange, response: RelayResponse, body: bytes) -> None:
    """An answer without a length, so that the client sees where it breaks off."""
    start = {"type": "http.response.start", "status": response.status, "headers": response.headers}
    await exchange.reply(start)
    await exchange.reply({"type": "http.response.body", "body": body, "more_body": True})
    async for piece in _timed(exchange, response.pieces):
        await exchange.reply({"type": "http.response.body", "body": piece, "more_body": True})
    await exchange.reply({"type": "http.response.body", "body": b""})


async def _timed(exchange: Exchange, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, the time for which they were waited for noted."""
    since_s = perf_counter()
    async for piece in pieces:
        exchange.backend_s += perf_counter() - since_s
        yield piece
        since_s = perf_counter()


def _complete(body: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    """What the body says, if all of it is there: an upstream may be wrong about its length.

    Raises:
        BackendUnavailable: it is not.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BackendUnavailable("The upstream's answer is no whole JSON.") from error
