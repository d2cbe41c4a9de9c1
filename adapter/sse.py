"""Server-sent events on the wire: framing, a stream's response, and signs of life in its silence.

Source: WHATWG HTML, "Server-sent events"; OpenAI's streams end with `data: [DONE]`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import perf_counter
from types import TracebackType
from typing import Protocol

from adapter.exchange import Exchange
from backends.protocol import Event

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


def data_event(payload: bytes) -> bytes:
    """One event of one line of JSON."""
    return b"data: " + payload + b"\n\n"


class Render(Protocol):
    """One shape of answer, streamed."""

    def frames(self, events: Sequence[Event]) -> bytes:
        """The chunks of the next events, ready for the wire; empty if they make none."""
        ...

    def closing(self) -> bytes:
        """What ends the stream."""
        ...


async def send_stream(
    exchange: Exchange, events: AsyncIterator[Sequence[Event]], render: Render
) -> None:
    """Answer with an event stream, a send for the events that come together.

    The response begins with the first frame, so that a failure before it is an ordinary error.
    """
    since_s = perf_counter()
    async for batch in events:
        exchange.note(batch, since_s)
        if frames := render.frames(batch):
            if not exchange.begun:
                await begin_stream(exchange)
            await exchange.reply({"type": "http.response.body", "body": frames, "more_body": True})
        since_s = perf_counter()
    if not exchange.begun:
        await begin_stream(exchange)
    await exchange.reply({"type": "http.response.body", "body": render.closing()})


async def begin_stream(
    exchange: Exchange, headers: Sequence[tuple[bytes, bytes]] = HEADERS
) -> None:
    """Send the head of a stream, unless a sign of life has brought it already."""
    exchange.begun = True
    await _send_head(exchange, headers)


async def _send_head(exchange: Exchange, headers: Sequence[tuple[bytes, bytes]]) -> None:
    if not exchange.stream:
        exchange.stream = True
        await exchange.reply({"type": "http.response.start", "status": 200, "headers": headers})


class KeepAlive:
    """While entered, a stream that was silent for `silence_s` sends a comment; if 0, none.

    Proxies close a connection on which nothing passes, before the first token and between two.
    The first comment brings the head of the answer: what fails later is an event of the stream.
    A comment is a message of its own, and so never stands within an event.
    """

    __slots__ = ("_exchange", "_silence_s", "_task", "_timer")

    def __init__(self, exchange: Exchange, silence_s: float) -> None:
        self._exchange = exchange
        self._silence_s = silence_s
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if self._silence_s:
            self._look_after(self._silence_s - (perf_counter() - self._exchange.sent_s))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _look_after(self, wait_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _look(self) -> None:
        exchange = self._exchange
        left_s = self._silence_s - (perf_counter() - exchange.sent_s)
        if left_s > 0 or exchange.sending or exchange.complete:
            self._look_after(left_s if left_s > 0 else self._silence_s)
            return
        self._task = asyncio.get_running_loop().create_task(self._comment())
        self._look_after(self._silence_s)

    async def _comment(self) -> None:
        exchange = self._exchange
        await _send_head(exchange, HEADERS)
        await exchange.reply({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
