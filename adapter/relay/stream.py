"""A stream as it travels back: in whole events, to its proper end."""

import re
from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import orjson

from adapter.exchange import Exchange
from adapter.relay.usage import count_usage, prompt_estimate
from backends.protocol import RelayRequest, RelayResponse
from backends.protocol.errors import BackendUnavailable

EVENT_BYTES = 16_000_000
EVENT_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
LINE_END = re.compile(rb"\r\n|\n|\r")
FRAMES = 3  # of a stream, that hold no token: its role, its finish, its end
_DONE = re.compile(rb"^data: ?\[DONE\]", re.MULTILINE)
# The last event of a stream of this path holds one of these.
ENDS = {
    "/chat/completions": _DONE,
    "/completions": _DONE,
    "/responses": re.compile(rb'"response\.(?:completed|failed|incomplete)"|\[DONE\]'),
}


async def stream(exchange: Exchange, response: RelayResponse, request: RelayRequest) -> None:
    """Hand an event stream on, and count its tokens: as it tells them, or about one an event.

    Raises:
        BackendUnavailable: it broke off.
    """
    passed = _Passed()
    since_s = perf_counter()
    try:
        async for piece in response.pieces:
            exchange.backend_s += perf_counter() - since_s
            if events := passed.take(piece):
                if not exchange.stream:
                    await _begin(exchange, response)
                body = {"type": "http.response.body", "body": events, "more_body": True}
                await exchange.reply(body)
            since_s = perf_counter()
        tail = b"".join([*passed.last, passed.rest])
        if not _has_ended(tail, request.path.partition("?")[0]):
            raise BackendUnavailable("The upstream's stream broke off before its end.")
        for data in _data(tail):
            if b'"usage"' in data:
                count_usage(exchange, _parsed(data))
        if not exchange.stream:
            await _begin(exchange, response)
        await exchange.reply({"type": "http.response.body", "body": passed.rest})
    finally:
        if exchange.stream and not exchange.prompt_tokens:
            exchange.count(prompt_estimate(request.body), max(0, passed.events - FRAMES))


class _Passed:
    """What has gone by: how many events, the last of them, and the half one after it."""

    __slots__ = ("events", "last", "rest")

    def __init__(self) -> None:
        self.events = 0
        self.last: deque[bytes] = deque(maxlen=4)
        self.rest = b""

    def take(self, piece: bytes) -> bytes:
        """The events that are whole now: of a half one the client could make nothing.

        Raises:
            BackendUnavailable: one has no end.
        """
        rest = self.rest + piece if self.rest else piece
        end = _end_of_events(rest)
        if not end and len(rest) > EVENT_BYTES:
            raise BackendUnavailable("The upstream sent an event without an end.")
        events, self.rest = rest[:end], rest[end:]
        if events:
            self.events += events.count(b"data:")
            self.last.append(events)
        return events


async def _begin(exchange: Exchange, response: RelayResponse) -> None:
    exchange.stream = True
    exchange.begin_tokens()
    headers = [*response.headers, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    await exchange.reply(
        {"type": "http.response.start", "status": response.status, "headers": headers}
    )


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
