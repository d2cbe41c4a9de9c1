"""One request on its way to one upstream: where that is, by which proxy, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import aiohttp
from yarl import URL

from backends.protocol.errors import APIError, BackendTimeout, BackendUnavailable
from backends.protocol.failure import failure_of
from backends.protocol.proxy import proxy_for
from backends.protocol.relay import HOPS_HEADER, hops
from backends.upstream.address import Address
from backends.upstream.redaction import sent_secrets
from backends.upstream.retry import TryAgain
from backends.upstream.settings import UpstreamSettings

MOST_HEADERS = 500
Headers = Mapping[str, str]
Body = bytes | AsyncIterator[bytes]


class Transport:
    """A pooled session to a base URL, with these headers on every request.

    The session is opened at the first request, in the loop that serves, and closed by `aclose`.
    Redirects are not followed: a key must not travel to another host. `secrets` are the values
    that we send and that no client may see.

    Raises:
        ValueError: the base URL is none, or the environment's proxy for it.
    """

    def __init__(
        self, base_url: str, headers: Headers | None, *, silence_s: float, connect_s: float
    ) -> None:
        self._address = Address(base_url)
        # Compressed, an answer would have to be unpacked on the way.
        self.headers = {"accept-encoding": "identity", **(headers or {})}
        self._way, self._proxy = self._address.headers, None
        self._proxy_headers: Headers | None = None
        # Looked up once: aiohttp's trust_env would do so in a thread, for each request.
        if (proxy := proxy_for(self._address.base_url)) is not None:
            self._proxy = URL(proxy.url)
            if self._address.base_url.startswith("https:"):
                self._proxy_headers = proxy.headers
            else:
                self._way = {**self._way, **proxy.headers}
        self.secrets = sent_secrets({**self.headers, **self._address.headers})
        self._settings = UpstreamSettings()
        self._silence_s = silence_s
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_read=silence_s)
        self._session: aiohttp.ClientSession | None = None

    @property
    def max_event_bytes(self) -> int:
        """The largest event of a stream that is read."""
        return self._settings.max_event_bytes

    @property
    def host(self) -> str | None:
        """The upstream's host, for the operator alone."""
        return self._address.url("/").host

    async def send(
        self, method: str, path: str, body: Body, headers: Headers
    ) -> aiohttp.ClientResponse:
        """The upstream's answer to this one request.

        Raises:
            TryAgain: there is no connection, so that nothing was sent.
            BackendUnavailable: the connection broke, or what came back is no answer.
            BackendTimeout: the upstream was silent for too long.
        """
        try:
            if isinstance(body, bytes):
                return await self._request(method, path, body or None, headers)
            async with asyncio.timeout(None) as limit:
                pieces = _paced(body, limit, self._silence_s)
                return await self._request(method, path, pieces, headers)
        except aiohttp.ClientSSLError as error:
            # A certificate that is not trusted now will not be in a second.
            raise unavailable(error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TryAgain from error
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            raise BackendTimeout("The upstream did not answer in time.") from error
        except aiohttp.ClientResponseError as error:
            raise self._unusable(error) from error
        except aiohttp.ClientError as error:
            raise unavailable(error) from error

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()

    async def _request(
        self, method: str, path: str, data: Body | None, headers: Headers
    ) -> aiohttp.ClientResponse:
        return await self._open().request(
            method,
            self._address.url(path),
            data=data,
            headers={**self.headers, **headers, HOPS_HEADER: hops(), **self._way},
            allow_redirects=False,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        )

    def _unusable(self, error: aiohttp.ClientResponseError) -> APIError:
        """An answer came, from a proxy that will not connect us or in no form that is read."""
        if isinstance(error, aiohttp.ClientHttpProxyError):
            said = f"The proxy on the way to the upstream answered {error.status}."
        else:
            # aiohttp 3.14 does not say which of the two it is, but in words.
            limit_kb = self._settings.upstream_max_header_kb
            said = f"The upstream's answer is no HTTP, or has a header over {limit_kb} KB."
        return BackendUnavailable(said, reason="status")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=0)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                auto_decompress=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=self._settings.max_header_bytes,
                max_field_size=self._settings.max_header_bytes,
                max_headers=MOST_HEADERS,
            )
        return self._session


async def _paced(
    pieces: AsyncIterator[bytes], limit: asyncio.Timeout, silence_s: float
) -> AsyncIterator[bytes]:
    """The pieces of a body; an upstream that does not take one for so long has had its time."""
    loop = asyncio.get_running_loop()
    async for piece in pieces:
        # An upstream may answer before it has read all, and then there is no limit any more.
        with suppress(RuntimeError):
            limit.reschedule(loop.time() + silence_s)
        yield piece
        with suppress(RuntimeError):
            limit.reschedule(None)


def unavailable(error: BaseException | None) -> BackendUnavailable:
    """The error that a failed connection becomes: in words for the client, a word for the log."""
    proxied = isinstance(error, aiohttp.ClientProxyConnectionError)
    failure = failure_of(
        error, "The proxy on the way to the upstream" if proxied else "The upstream"
    )
    return BackendUnavailable(failure.message, reason=failure.reason)
