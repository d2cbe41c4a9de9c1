"""The upstream's answer as it travels back: whole, or a stream of whole events."""

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from time import perf_counter
from typing import Any

import orjson

from adapter.exchange import ClientWatch, Exchange
from backends.protocol import RelayRequest, RelayResponse, Relays
from backends.protocol.errors import APIError, BackendUnavailable

OK = 200
NO_CONTENT = 204
EVENT_STREAM = b"text/event-stream"
EVENT_BYTES = 16_000_000
WHOLE_BYTES = 64_000_000
EVENT_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
LINE_END = re.compile(rb"\r\n|\n|\r")
_DONE = re.compile(rb"^data: ?\[DONE\]", re.MULTILINE)
# The last event of a stream of this path holds one of these.
ENDS = {
    "/chat/completions": _DONE,
    "/completions": _DONE,
    "/responses": re.compile(rb'"response\.(?:completed|failed|incomplete)"|\[DONE\]'),
}


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
            error = APIError(f"The upstream answered {response.status}.")
            error.status = response.status
            raise error
        headers = dict(response.headers)
        if request_id := headers.pop(b"x-request-id", None):
            # The answer has one id, and the log has it too.
            exchange.id = request_id.decode("latin-1")
        response.headers = list(headers.items())
        kind = headers.get(b"content-type", b"").lower()
        if kind.startswith(EVENT_STREAM) and response.status == OK:
            await _stream(exchange, response, request.path.partition("?")[0])
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
        _count(exchange, _complete(body))
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


async def _stream(exchange: Exchange, response: RelayResponse, path: str) -> None:
    """Whole events alone are sent on: of a half one the client could make nothing."""
    rest = b""
    last: deque[bytes] = deque(maxlen=4)
    async for piece in _timed(exchange, response.pieces):
        rest = rest + piece if rest else piece
        end = _end_of_events(rest)
        if not end:
            if len(rest) > EVENT_BYTES:
                raise BackendUnavailable("The upstream sent an event without an end.")
            continue
        events, rest = rest[:end], rest[end:]
        if not exchange.stream:
            await _begin(exchange, response)
        await exchange.reply({"type": "http.response.body", "body": events, "more_body": True})
        last.append(events)
    last.append(rest)
    tail = b"".join(last)
    if not _has_ended(tail, path):
        raise BackendUnavailable("The upstream's stream broke off before its end.")
    for data in _data(tail):
        if b'"usage"' in data:
            _count(exchange, _parsed(data))
    if not exchange.stream:
        await _begin(exchange, response)
    await exchange.reply({"type": "http.response.body", "body": rest})


async def _begin(exchange: Exchange, response: RelayResponse) -> None:
    exchange.stream = True
    exchange.begin_tokens()
    headers = [*response.headers, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    await exchange.reply(
        {"type": "http.response.start", "status": response.status, "headers": headers}
    )


async def _timed(exchange: Exchange, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, the time for which they were waited for noted."""
    since_s = perf_counter()
    async for piece in pieces:
        exchange.backend_s += perf_counter() - since_s
        yield piece
        since_s = perf_counter()


def _end_of_events(stream: bytes) -> int:
    """Where the last whole event ends; 0 if there is none."""
    if b"\r" not in stream:
        return stream.rfind(b"\n\n") + 2 if b"\n\n" in stream else 0
    end = 0
    for found in EVENT_END.finditer(stream):
        end = found.end()
    return end


def _has_ended(tail: bytes, path: str) -> bool:
    """Whether a stream came to its end: by the mark of its kind, or by an error of its own."""
    end = ENDS.get(path)
    if end is None or end.search(tail):
        return True
    return any(isinstance(data, dict) and data.get("error") for data in map(_parsed, _data(tail)))


def _data(tail: bytes) -> Iterator[bytes]:
    for line in LINE_END.split(tail):
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:")


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _complete(body: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    """What the body says, if all of it is there: an upstream may be wrong about its length.

    Raises:
        BackendUnavailable: it is not.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BackendUnavailable("The upstream's answer is no whole JSON.") from error


def _count(exchange: Exchange, told: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Note the usage that an answer, or the last event of a stream, tells of."""
    if not isinstance(told, dict):
        return
    # The events of the Responses API hold the response.
    response = told.get("response")
    usage = told.get("usage") or (response.get("usage") if isinstance(response, dict) else None)
    if isinstance(usage, dict):
        given = usage.get("prompt_tokens", usage.get("input_tokens"))
        made = usage.get("completion_tokens", usage.get("output_tokens", 0))
        if isinstance(given, int) and isinstance(made, int):
            exchange.count(given, made)
