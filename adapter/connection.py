"""One connection of a client: uvicorn's httptools protocol, and what that leaves undone.

`adapter serve` uses it; a server that is started otherwise takes it by
`uvicorn mine:app --http adapter.connection:Connection`.
"""

import asyncio

import httptools
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from adapter.errors import envelope
from backends.protocol.errors import APIError, BadRequestError

HEAD_BYTES = 65_536  # beyond the read in which a head begins
HEADERS_TOO_LARGE = 431
HTTP_1_0 = "1.0"


class Connection(HttpToolsProtocol):
    """Reads requests and answers them in their order.

    Beyond what uvicorn does, it ignores offers of another protocol, sends no chunks to a client of
    HTTP/1.0, bounds the head of a request, and closes a connection on which no request comes.
    """

    _head_bytes: int | None = None  # of a head that has no end yet

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request no longer than for any other."""
        super().connection_made(transport)
        self._close_if_idle()

    def data_received(self, data: bytes) -> None:
        """Parse, and begin what is asked."""
        self._unset_keepalive_if_required()
        rest: bytes | memoryview = data
        try:
            while True:
                try:
                    self.parser.feed_data(rest)
                    break
                except httptools.HttpParserUpgrade as offer:
                    if super()._should_upgrade():
                        self.handle_websocket_upgrade()
                        return
                    rest = memoryview(rest)[offer.args[0] :]
                    head = self._head_without_offer()
                    self.parser = _new_parser(self)
                    self.parser.feed_data(head)
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(BadRequestError("The request is not valid HTTP.", code="invalid_http"))
        else:
            if self.scope is not None and "method" in self.scope:
                self._head_bytes = None
            else:
                self._bound_head(len(data))

    def on_headers_complete(self) -> None:
        """Begin an exchange."""
        super().on_headers_complete()
        if self.scope.get("http_version") == HTTP_1_0 and not self.parser.should_upgrade():
            # uvicorn makes the cycle, and has no option for its class.
            self.cycle.__class__ = UnchunkedCycle
            # Of this, too, such a client knows nothing (RFC 9110 §10.1.1).
            self.cycle.waiting_for_100_continue = False

    def _should_upgrade(self) -> bool:
        # uvicorn asks only about requests that offer another protocol, and leaves them alone if
        # this is true: they begin in `data_received`.
        return True

    def _head_without_offer(self) -> bytes:
        """The head that was just parsed, as if the client had not offered another protocol.

        A server may ignore an offer (RFC 9110 §7.8). uvicorn ignores the body with it, because
        httptools does not parse that: Kludex/uvicorn#2722.

        Raises:
            HttpParserError: it is CONNECT, which has no other meaning.
        """
        if self.scope["method"] == "CONNECT":
            raise httptools.HttpParserError
        version = self.scope["http_version"].encode()
        lines = [self.scope["method"].encode() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _bound_head(self, received_bytes: int) -> None:
        """Wait for the rest of a head, up to a bound: the parser has none."""
        self._head_bytes = 0 if self._head_bytes is None else self._head_bytes + received_bytes
        if self._head_bytes > HEAD_BYTES:
            error = BadRequestError("The head of the request is too large.", code="head_too_large")
            error.status = HEADERS_TOO_LARGE
            self._refuse(error)
        elif self.cycle is None or self.cycle.response_complete:
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _refuse(self, error: APIError) -> None:
        """Answer what is no request, and close."""
        answering = self.cycle is not None and self.cycle.response_started
        if not answering or self.cycle.response_complete:
            body = envelope(error)
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = [name + b": " + value for name, value in headers]
            head = STATUS_LINE[error.status] + b"\r\n".join([*lines, b"", b""])
            self.transport.write(head + body)
        self.transport.close()


def _new_parser(connection: Connection) -> httptools.HttpRequestParser:
    """A parser in its first state, set up as uvicorn does it."""
    parser = httptools.HttpRequestParser(connection)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


class UnchunkedCycle(RequestResponseCycle):
    """An answer to a client of HTTP/1.0: without a length, it ends where the connection does.

    Source: RFC 9112 §6.1.
    """

    _has_length = True

    async def send(self, message: ASGISendEvent) -> None:
        """Send an ASGI message."""
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            if not names & {b"content-length", b"transfer-encoding"}:
                self.chunked_encoding = False
                self._has_length = False
        elif not self._has_length and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)
