"""A stream as it travels back: in whole events, to its proper end."""

from time import perf_counter

from adapter.exchange import Exchange
from adapter.relay.ending import FRAMES, Ending
from adapter.relay.usage import prompt_estimate
from adapter.sse import begin_stream
from backends.protocol import RelayRequest, RelayResponse


async def stream(exchange: Exchange, response: RelayResponse, request: RelayRequest) -> None:
    """Hand an event stream on, and count its tokens: as it tells them, or about one an event.

    After its last event the answer ends, whether the upstream's connection does or not.

    Raises:
        BackendUnavailable: it broke off.
    """
    ending = Ending(request)
    since_s = perf_counter()
    try:
        async for events in response.pieces:
            exchange.backend_s += perf_counter() - since_s
            if events := ending.take(events):
                if ending.over:
                    await _end(exchange, response, ending, events)
                    return
                await _begin(exchange, response)
                body = {"type": "http.response.body", "body": events, "more_body": True}
                await exchange.reply(body)
            since_s = perf_counter()
        await _end(exchange, response, ending, ending.last())
    finally:
        if exchange.begun and not exchange.prompt_tokens:
            exchange.count(prompt_estimate(request.body), max(0, ending.events - FRAMES))


async def _begin(exchange: Exchange, response: RelayResponse) -> None:
    if not exchange.begun:
        exchange.begin_tokens()
        no_buffers = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
        await begin_stream(exchange, (*response.headers, *no_buffers))


async def _end(exchange: Exchange, response: RelayResponse, ending: Ending, last: bytes) -> None:
    ending.count(exchange)
    await _begin(exchange, response)
    await exchange.reply({"type": "http.response.body", "body": last})
