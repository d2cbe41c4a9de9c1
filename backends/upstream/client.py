"""One upstream: a pooled session to it, asked again where that may help."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from backends.protocol.errors import BackendTimeout, BackendUnavailable
from backends.protocol.relay import HOPS_HEADER, hops
from backends.upstream.errors import upstream_error
from backends.upstream.retry import RetryPolicy, TryAgain, retry_after_s, should_retry

CONNECT_S = 5.0
SILENCE_S = 300.0
LOOK_S = 1.0
ERROR_BYTES = 65536
Headers = Mapping[str, str]


class Upstream:
    """One provider's HTTP API, at a base URL with these headers on every request.

    The session is opened at the first request, in the loop that serves, and closed by `aclose`.
    Redirects are not followed: a key must not travel to another host.
    """

    def __init__(
        self,
        base_url: str,
        headers: Headers | None = None,
        *,
        policy: RetryPolicy | None = None,
        silence_s: float = SILENCE_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or not address.netloc:
            raise ValueError(f"{base_url!r} is no http:// or https:// URL")
        self.base_url = base_url.rstrip("/")
        # Compressed, an answer would have to be unpacked on the way.
        self.headers = {"accept-encoding": "identity", **(headers or {})}
        self._policy = policy or RetryPolicy()
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_read=silence_s)
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Headers | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The upstream's answer, successful or not, once it is not worth asking again.

        Only an answer that has not begun is asked for again: a request whose connection broke
        after it was sent may have been carried out.

        Raises:
            BackendUnavailable: nobody answers there, or the connection broke.
            BackendTimeout: it was silent for too long.
        """
        response = await self._answer(method, path, body, headers or {})
        watch = _Watch(response)
        try:
            with _translated():
                yield response
        finally:
            watch.stop()
            # An answer that was not read to its end takes its connection with it.
            response.close()

    @asynccontextmanager
    async def succeed(
        self, method: str, path: str, body: bytes = b"", headers: Headers | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """As `ask`, where anything but a 2xx is raised.

        Raises:
            APIError: the upstream's own refusal, with its status.
        """
        async with self.ask(method, path, body, headers) as response:
            if not response.ok:
                said = await refusal_of(response)
                wait_s = retry_after_s(response.headers)
                raise upstream_error(response.status, said, round(wait_s) if wait_s else None)
            yield response

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body of an answer as it comes in.

        Raises:
            BackendUnavailable, BackendTimeout: it broke off, or stalled.
        """
        with _translated():
            while piece := await response.content.readany():
                yield piece

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()

    async def _answer(
        self, method: str, path: str, body: bytes, headers: Headers
    ) -> aiohttp.ClientResponse:
        """The last answer, where even that one asked to be asked again."""
        try:
            return await self._try(method, path, body, headers)
        except TryAgain as error:
            # Tenacity's loop costs as much as a request, so it begins where it is needed.
            failed: TryAgain | None = error
        try:
            async for attempt in self._policy.retrying():
                with attempt:
                    if failed is not None:
                        first, failed = failed, None
                        raise first
                    return await self._try(method, path, body, headers)
        except TryAgain as error:
            if error.response is not None:
                return error.response
            raise BackendUnavailable("The upstream cannot be reached.") from error
        raise BackendUnavailable("The upstream was not asked.")

    async def _try(
        self, method: str, path: str, body: bytes, headers: Headers
    ) -> aiohttp.ClientResponse:
        response = await self._once(method, path, body, headers)
        if should_retry(response.status, response.headers):
            raise TryAgain(retry_after_s(response.headers), response)
        return response

    async def _once(
        self, method: str, path: str, body: bytes, headers: Headers
    ) -> aiohttp.ClientResponse:
        try:
            return await self._open().request(
                method,
                self._url(path),
                data=body or None,
                headers={**self.headers, **headers, HOPS_HEADER: hops()},
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TryAgain from error
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            raise BackendTimeout("The upstream did not answer in time.") from error
        except aiohttp.ClientError as error:
            raise BackendUnavailable("The upstream broke off the connection.") from error

    def _url(self, path: str) -> URL:
        """The address; a path and query that are encoded already stay as they are."""
        encoded = path.isascii() and path.isprintable() and " " not in path
        return URL(self.base_url + path, encoded=encoded)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=0)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                auto_decompress=True,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def refusal_of(response: aiohttp.ClientResponse) -> bytes:
    """What a refusal says, or the beginning of it."""
    said = b""
    async for piece in response.content.iter_any():
        said += piece
        if len(said) >= ERROR_BYTES:
            break
    return said


class _Watch:
    """Ends the wait for a body whose connection is gone.

    Of a chunk that it cannot parse, aiohttp tells nobody who waits for the body: it closes the
    connection, and with it the timer for silence (3.14).
    """

    __slots__ = ("_response", "_timer")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._later()

    def stop(self) -> None:
        self._timer.cancel()

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        content, connection = self._response.content, self._response.connection
        if connection is None or content.is_eof() or content.exception() is not None:
            return
        protocol = connection.protocol
        if protocol is None or not protocol.connected:
            content.set_exception(aiohttp.ClientPayloadError("The body cannot be read."))
        else:
            self._later()


@contextmanager
def _translated() -> Iterator[None]:
    """What goes wrong while an answer is read, as our errors."""
    try:
        yield
    except aiohttp.ServerTimeoutError as error:
        raise BackendTimeout("The upstream was silent for too long.") from error
    except aiohttp.ClientError as error:
        raise BackendUnavailable("The upstream broke off its answer.") from error
