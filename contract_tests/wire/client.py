"""The HTTP client: every wait has an end, every body a limit, every fault a name."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable

import httpx

from contract_tests.verdict import Unreachable
from contract_tests.wire.ending import has_said_all
from contract_tests.wire.exchange import Exchange

CONNECT_S = 10.0
PIECE_BYTES = 40
BODY_BYTES = 16_000_000
WHOLE = 4  # silences
LINGER_S = 2.0  # how long a connection may stay open after [DONE]
LEFT_OPEN = f"the connection stayed open for {LINGER_S:g} s after [DONE]"
SILENT = "Server disconnected without sending a response."  # httpcore's words
ENDINGS = tuple(
    b"data:" + space + b"[DONE]" + end * 2
    for space in (b" ", b"")
    for end in (b"\n", b"\r\n", b"\r")
)

Until = Callable[[bytes], bool]


class Client:
    """Sends requests to one server and records the answers.

    `timeout_s` is the longest silence; a whole exchange may take `WHOLE` times as long.
    """

    def __init__(self, timeout_s: float, verify: ssl.SSLContext | bool = True) -> None:
        self.timeout_s = timeout_s
        self.silences = 0  # answers that never came, without one in between
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S), pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=False,
            verify=verify,
        )

    async def send(self, exchange: Exchange, until: Until | None = None) -> Exchange:
        """The exchange with its answer.

        `until` sees the body so far after each piece; once it is true the client hangs up.

        Raises:
            Unreachable: nothing answers at that address.
        """
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_s * WHOLE):
                await self._send(exchange, until, began_s)
        except httpx.ConnectError as error:
            raise Unreachable(_unreachable(exchange.url, error)) from error
        except httpx.UnsupportedProtocol as error:
            raise Unreachable(f"{exchange.url} is not an http:// or https:// URL") from error
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
            # The library's own message would show the key.
            exchange.fault = "the request cannot be sent: its URL or a header is malformed"
        except (httpx.TimeoutException, TimeoutError) as error:
            exchange.fault = self._waited(error, exchange)
            exchange.timed_out = not has_said_all(exchange)
        except (httpx.TransportError, httpx.DecodingError) as error:
            exchange.fault = str(error) or f"the connection broke ({type(error).__name__})"
        exchange.duration_s = time.perf_counter() - began_s
        self.silences = 0 if exchange.status else self.silences + 1
        return exchange

    def _waited(self, error: Exception, exchange: Exchange) -> str:
        match error:
            case httpx.ConnectTimeout():
                return f"no connection within {min(self.timeout_s, CONNECT_S):g} s"
            case httpx.WriteTimeout():
                return f"the request was not read within {self.timeout_s:g} s"
            case httpx.TimeoutException() if exchange.status:
                return f"no more of the answer within {self.timeout_s:g} s"
            case httpx.TimeoutException():
                return f"no answer within {self.timeout_s:g} s"
        return f"no end of the answer within {self.timeout_s * WHOLE:g} s"

    async def _send(self, exchange: Exchange, until: Until | None, began_s: float) -> None:
        request = self._http.build_request(
            exchange.method,
            exchange.url,
            content=_content(exchange),
            headers=exchange.request_headers,
        )
        response = await self._answer(request)
        try:
            exchange.status = response.status_code
            exchange.headers = list(response.headers.multi_items())
            await self._read(exchange, response, until, began_s)
        finally:
            await response.aclose()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        # A server may close an idle connection as the next request sets out: no fault of either
        # (RFC 9112, section 9.3.1). A connection that was opened for this request proves one.
        opened = False

        async def trace(event: str, _: object) -> None:
            nonlocal opened
            opened = opened or event.startswith("connection.connect")

        request.extensions["trace"] = trace
        while True:
            try:
                return await self._http.send(request, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                silent = not isinstance(error, httpx.RemoteProtocolError) or str(error) == SILENT
                if opened or not silent:
                    raise

    async def _read(
        self, exchange: Exchange, response: httpx.Response, until: Until | None, began_s: float
    ) -> None:
        body = bytearray()
        pieces = response.aiter_bytes()
        deadline_s = None  # it stands, lest comments after [DONE] keep the answer going
        try:
            while True:
                if deadline_s is None and body.endswith(ENDINGS):
                    deadline_s = asyncio.get_running_loop().time() + LINGER_S
                async with asyncio.timeout_at(deadline_s):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                body += piece
                exchange.arrivals.append((time.perf_counter() - began_s, len(body)))
                if len(body) > BODY_BYTES:
                    exchange.fault = f"more than {BODY_BYTES // 1_000_000} MB of answer"
                if exchange.fault or (until and until(bytes(body))):
                    return
        except TimeoutError:
            exchange.fault = LEFT_OPEN
        finally:
            exchange.body = bytes(body)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._http.aclose()


def _content(exchange: Exchange) -> bytes | AsyncIterator[bytes] | None:
    """The request's body; in pieces, where its length is not to be announced."""
    chunked = any(name == "Transfer-Encoding" for name, _ in exchange.request_headers)
    return _pieces(exchange.request_body) if chunked else exchange.request_body or None


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


def _unreachable(url: str, error: httpx.ConnectError) -> str:
    reason = str(error)
    if "CERTIFICATE" in reason or "SSL" in reason or "TLS" in reason:
        return f"TLS with {url} failed: {reason}"
    return f"nothing answers at {url}: {reason or 'the connection was refused'}"
