"""A body that is handed on as it comes in, because nothing is decided by what it holds."""

import asyncio

from adapter.exchange import ClientGone, Exchange
from adapter.parse.body import BYTES_PER_MB, too_large
from backends.protocol.errors import APIError


class Upload:
    """The pieces of a body, read when they are asked for; `failure` says why there are no more.

    Raises:
        RequestTooLarge: there are more than `max_body_mb`.
        ClientGone: the client closed the connection.
    """

    def __init__(self, exchange: Exchange, max_body_mb: float) -> None:
        self._receive = exchange.receive
        self._max_body_mb = max_body_mb
        self._left = int(max_body_mb * BYTES_PER_MB)
        self._read = exchange.body_read = asyncio.Event()
        self.failure: APIError | ClientGone | None = None

    def __aiter__(self) -> "Upload":
        return self

    async def __anext__(self) -> bytes:
        while not self._read.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._fail(ClientGone())
            if not message.get("more_body", False):
                self._read.set()
            piece: bytes = message.get("body", b"")
            self._left -= len(piece)
            if self._left < 0:
                self._fail(too_large(self._max_body_mb))
            if piece:
                return piece
        raise StopAsyncIteration

    def _fail(self, failure: APIError | ClientGone) -> None:
        self.failure = failure
        self._read.set()
        raise failure
