"""Layers around the healthy server that make it late: at once, midway, or after all is said."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.mutants.layer import Layer

When = Callable[[Scope], bool]


def posts(scope: Scope) -> bool:
    """Whether it is a request for the model's work."""
    return bool(scope["method"] == "POST")


def official(scope: Scope) -> bool:
    """Whether the official client sent it."""
    return any(name.startswith(b"x-stainless") for name, _ in scope["headers"])


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _repeats(piece: bytes, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_until_gone(receive))
    while not gone.done():
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.wait([gone], timeout=0.02)


def never_begins(when: When = posts) -> Layer:
    """Takes the request, and does not answer."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if when(scope):
                await _until_gone(receive)
            else:
                await app(scope, receive, send)

        return wrapped

    return layer


def stops_midway(keep: Callable[[bytes], bytes], when: When = posts, more: bytes = b"") -> Layer:
    """Sends what `keep` keeps of the body, and no more; or `more`, for ever."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if not when(scope):
                await app(scope, receive, send)
                return
            body = b""

            async def hold(message: Message) -> None:
                nonlocal body
                if message["type"] == "http.response.start":
                    headers = [one for one in message["headers"] if one[0] != b"content-length"]
                    await send({**message, "headers": headers})
                else:
                    body += message.get("body", b"")

            await app(scope, receive, hold)
            await send({"type": "http.response.body", "body": keep(body), "more_body": True})
            await _repeats(more, receive, send)

        return wrapped

    return layer


def dribbles(when: When = posts) -> Layer:
    """Sends white space for ever, as some proxies do to keep a connection open."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if not when(scope):
                await app(scope, receive, send)
                return
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _repeats(b" ", receive, send)

        return wrapped

    return layer


def holds_up(minimum_bytes: int = 0, after: bytes = b"") -> Layer:
    """Is quick until it gets a body so large, or has lost a client that sent `after`."""

    def layer(app: ASGIApp) -> ASGIApp:
        stuck = False

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal stuck
            length = int(dict(scope["headers"]).get(b"content-length", 0))
            if stuck or (minimum_bytes and length >= minimum_bytes):
                await _until_gone(receive)
                return
            seen = b""

            async def read() -> Message:
                nonlocal seen, stuck
                message = await receive()
                seen += message.get("body", b"")
                stuck = stuck or bool(after and after in seen and message["type"].endswith("t"))
                return message

            await app(scope, read, send)

        return wrapped

    return layer
