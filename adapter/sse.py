"""Server-sent events on the wire: framing, and a stream's response.

Source: WHATWG HTML, "Server-sent events"; OpenAI's streams end with `data: [DONE]`.
"""

from collections.abc import AsyncIterator, Callable

from adapter.exchange import Exchange

DONE = b"data: [DONE]\n\n"
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


def data_event(payload: bytes) -> bytes:
    """One event of one line of JSON."""
    return b"data: " + payload + b"\n\n"


async def send_stream(
    exchange: Exchange, frames: AsyncIterator[bytes], closing: Callable[[], bytes]
) -> None:
    """Answer with an event stream: the frames as they come, then what `closing` returns.

    The response begins with the first frame, so that a failure before it is an ordinary error.
    """
    start = {"type": "http.response.start", "status": 200, "headers": HEADERS}
    async for frame in frames:
        if not exchange.stream:
            exchange.stream = True
            await exchange.send(start)
        await exchange.send({"type": "http.response.body", "body": frame, "more_body": True})
    if not exchange.stream:
        exchange.stream = True
        await exchange.send(start)
    await exchange.send({"type": "http.response.body", "body": closing()})
