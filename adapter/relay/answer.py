"""The upstream's answer as it travels back."""

from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import orjson

from adapter.exchange import ClientWatch, Exchange
from adapter.parse.body import require_size
from adapter.relay.request import relay_request
from adapter.relay.stream import stream
from adapter.relay.upload import Upload
from adapter.relay.usage import count_usage
from adapter.sse import KeepAlive, data_event
from backends.protocol import RelayRequest, RelayResponse, Relays
from backends.protocol.errors import APIError, BackendUnavailable, BadRequestError

OK = 200
NO_CONTENT = 204
EVENT_STREAM = b"text/event-stream"
JSON = b"application/json"
# Where an answer holds what was asked for; without, it is a failure that calls itself a success.
CONTENT = {
    "/chat/completions": "choices",
    "/completions": "choices",
    "/embeddings": "data",
    "/moderations": "results",
}
WHOLE_BYTES = 64_000_000


async def relay(
    exchange: Exchange,
    backend: Relays,
    request: RelayRequest,
    refused: frozenset[int] = frozenset(),
    keep_alive_s: float = 0,
) -> None:
    """Answer with what the backend's upstream answers.

    Raises:
        APIError: there is no answer, or one of the `refused` statuses, or it broke off; after the
            first byte of a stream the error becomes its last event.
    """
    since_s = perf_counter()
    async with (
        ClientWatch(exchange),
        KeepAlive(exchange, keep_alive_s if request.stream else 0),
        backend.relay(request) as response,
    ):
        exchange.backend_s += perf_counter() - since_s
        if response.status in refused:
            error = APIError(f"The upstream answered {response.status}.", reason="status")
            error.status = response.status
            raise error
        if response.status >= BadRequestError.status:
            exchange.reason = "status"
        headers = dict(response.headers)
        if not exchange.stream and (request_id := headers.pop(b"x-request-id", None)):
            # The answer has one id, and the log has it too.
            exchange.id = request_id.decode("latin-1")
        response.headers = list(headers.items())
        kind = headers.get(b"content-type", b"").lower()
        if kind.startswith(EVENT_STREAM) and response.status == OK:
            async with KeepAlive(exchange, 0 if request.stream else keep_alive_s):
                await stream(exchange, response, request)
        elif exchange.stream:
            await _late(exchange, response)
        elif kind.startswith(JSON) or response.status != OK:
            await _whole(exchange, response, request, is_json=kind.startswith(JSON))
        else:
            await _as_it_comes(exchange, response)


async def upload(
    exchange: Exchange, backend: Relays, max_body_mb: float, refused: frozenset[int] = frozenset()
) -> None:
    """As `relay`, of a body that is handed on as it comes in, no faster than the upstream reads.

    Raises:
        RequestTooLarge: it is larger than `max_body_mb`.
        APIError: as of `relay`.
    """
    require_size(exchange, max_body_mb)
    body = Upload(exchange, max_body_mb)
    request = relay_request(exchange, b"", stream=False, upload=body)
    try:
        await relay(exchange, backend, request, refused)
    except APIError:
        if body.failure is not None:
            raise body.failure from None
        raise


async def _whole(
    exchange: Exchange, response: RelayResponse, request: RelayRequest, *, is_json: bool
) -> None:
    """An answer whose status is sent when all of it is there, unless it is very large."""
    pieces: list[bytes] = []
    size = 0
    since_s = perf_counter()
    async for piece in response.pieces:
        pieces.append(piece)
        size += len(piece)
        if size > WHOLE_BYTES:
            await _as_it_comes(exchange, response, b"".join(pieces))
            return
    exchange.backend_s += perf_counter() - since_s
    body = b"".join(pieces)
    if is_json and response.status == OK:
        said = _complete(body)
        _require_content(said, request.path.partition("?")[0])
        count_usage(exchange, said)
    headers = [header for header in response.headers if header[0] != b"content-length"]
    if exchange.scope["method"] == "HEAD":
        headers = [*response.headers]
    elif response.status != NO_CONTENT:
        headers.append((b"content-length", b"%d" % size))
    await exchange.reply(
        {"type": "http.response.start", "status": response.status, "headers": headers}
    )
    await exchange.reply({"type": "http.response.body", "body": body})


async def _as_it_comes(exchange: Exchange, response: RelayResponse, first: bytes = b"") -> None:
    """An answer in pieces, no faster than the client reads.

    One that breaks off before its first byte is an error; later the client sees that it is short
    of its length, or has no end.
    """
    pieces = _timed(exchange, response.pieces)
    first = first or await anext(pieces, b"")
    start = {"type": "http.response.start", "status": response.status, "headers": response.headers}
    await exchange.reply(start)
    await exchange.reply({"type": "http.response.body", "body": first, "more_body": True})
    async for piece in pieces:
        await exchange.reply({"type": "http.response.body", "body": piece, "more_body": True})
    await exchange.reply({"type": "http.response.body", "body": b""})


async def _late(exchange: Exchange, response: RelayResponse) -> None:
    """A refusal that comes when the head of a stream has gone out: the stream's last event.

    Raises:
        APIError: it is none.
    """
    body = b"".join([piece async for piece in response.pieces])
    if response.status < BadRequestError.status:
        raise APIError("The upstream answered in one piece, where a stream was asked for.")
    exchange.begun = True
    exchange.error = f"upstream_{response.status}"
    event = data_event(orjson.dumps(_complete(body)))
    await exchange.reply({"type": "http.response.body", "body": event})


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


def _require_content(said: Any, path: str) -> None:  # noqa: ANN401 - JSON of any shape
    """Accept an answer that holds something.

    Raises:
        APIError: 502, it has the member for that, and nothing in it.
    """
    name = CONTENT.get(path, "")
    if isinstance(said, dict) and name in said and not said[name]:
        error = APIError(f"The upstream answered without {name}.", code="bad_upstream_answer")
        error.status = 502
        raise error
