"""Server-sent events on the wire: framing, and a stream's response.

Source: WHATWG HTML, "Server-sent events"; OpenAI's streams end with `data: [DONE]`.
"""

from collections.abc import AsyncIterator, Sequence
from time import perf_counter
from typing import Protocol

from adapter.exchange import Exchange
from backends.protocol import Event

DONE = b"data: [DONE]\n\n"
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
            if not exchange.stream:
                await _begin(exchange)
            await exchange.reply({"type": "http.response.body", "body": frames, "more_body": True})
        since_s = perf_counter()
    if not exchange.stream:
        await _begin(exchange)
    await exchange.reply({"type": "http.response.body", "body": render.closing()})


async def _begin(exchange: Exchange) -> None:
    exchange.stream = True
    await exchange.reply({"type": "http.response.start", "status": 200, "headers": HEADERS})
