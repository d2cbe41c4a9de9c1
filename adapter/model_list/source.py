"""Where a model list is read: over HTTP, or from a file. It is not looked into here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from adapter.model_list.document import ModelListError
from backends.protocol.failure import failure_of
from backends.protocol.proxy import proxy_for

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

PIECE_BYTES = 65536
REDIRECTS = 5
REDIRECTED = frozenset({301, 302, 303, 307, 308})
HEADER_BYTES = 64_000
SERVER = "The model list's server"
PROXY = "The proxy on the way to the model list"
OK, NOT_MODIFIED = 200, 304
# What shows a server the version we have, and the header of its answer that told us of it.
VALIDATORS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}

Stamp = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A document, and the stamp by which its source knows that it has not changed since."""

    body: bytes
    stamp: Stamp


class Source(Protocol):
    """Where the list is."""

    name: str
    """What people may be shown of the place: no password, no query."""

    async def read(self, stamp: Stamp) -> Reading | None:
        """The document as it is now; None if it still is the one of that stamp.

        Raises:
            ModelListError: it cannot be had.
        """
        ...


def source_of(url: str, *, timeout_s: float, max_bytes: int) -> Source:
    """The source at an http(s) or file URL, or at a plain path.

    Raises:
        ValueError: it is neither.
    """
    address = urlsplit(url)
    if address.scheme in {"http", "https"}:
        if not address.hostname:
            raise ValueError("the URL of the model list names no host")
        port = f":{address.port}" if address.port else ""
        name = f"{address.scheme}://{address.hostname}{port}{address.path}"
        proxy_for(url)  # a wrong proxy stops the start
        return HTTPSource(url, name, timeout_s, max_bytes)
    if address.scheme == "file":
        if address.netloc not in {"", "localhost"} or not address.path:
            raise ValueError("a file URL of the model list is written file:///path/to/list.json")
        return FileSource(Path(url2pathname(address.path)), max_bytes)
    if "://" in url or not url:
        raise ValueError("the model list is at an http://, https:// or file:// URL, or at a path")
    return FileSource(Path(url), max_bytes)


class FileSource:
    """A file, read again when its time, size or identity is another."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.name = str(path.absolute())
        self._path = path
        self._max_bytes = max_bytes

    async def read(self, stamp: Stamp) -> Reading | None:
        """See `Source`."""
        return await asyncio.to_thread(self._read, stamp)

    def _read(self, stamp: Stamp) -> Reading | None:
        try:
            # Looked at before it is read: a change in between shows the next time.
            seen = self._path.stat()
            if not S_ISREG(seen.st_mode):
                raise ModelListError("The model list is no regular file.")
            now = {
                "mtime_ns": str(seen.st_mtime_ns),
                "size": str(seen.st_size),
                "inode": str(seen.st_ino),
            }
            if now == stamp:
                return None
            with self._path.open("rb") as file:
                body = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            raise ModelListError("The file of the model list is not there.") from None
        except OSError as error:
            raise ModelListError("The file of the model list cannot be read.") from error
        if len(body) > self._max_bytes:
            raise _too_large(self._max_bytes)
        return Reading(body, now)


class HTTPSource:
    """A URL, asked whether the document has changed; redirects stay on its host."""

    def __init__(self, url: str, name: str, timeout_s: float, max_bytes: int) -> None:
        self.name = name
        self._url = url
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def read(self, stamp: Stamp) -> Reading | None:
        """See `Source`."""
        import aiohttp  # noqa: PLC0415 - costs every start what only a list over HTTP needs

        header_bytes = max(HEADER_BYTES, self._max_bytes)
        session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=header_bytes,
            max_field_size=header_bytes,
        )
        try:
            async with asyncio.timeout(self._timeout_s), session:
                return await self._answer(session, stamp)
        except TimeoutError:
            raise ModelListError(f"The model list took over {self._timeout_s:g} s.") from None
        except aiohttp.ClientHttpProxyError as error:
            raise ModelListError(f"{PROXY} answered {error.status}.") from error
        except aiohttp.ClientConnectorError as error:
            proxied = isinstance(error, aiohttp.ClientProxyConnectionError)
            raise ModelListError(failure_of(error, PROXY if proxied else SERVER).message) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ModelListError(
                "The answer with the model list broke off or is no HTTP."
            ) from error

    async def _answer(self, session: "aiohttp.ClientSession", stamp: Stamp) -> Reading | None:
        from yarl import URL  # noqa: PLC0415 - comes with aiohttp

        url = URL(self._url)
        asked = {header: stamp[header] for header in VALIDATORS if header in stamp}
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **asked}
        for _ in range(REDIRECTS + 1):
            proxy = proxy_for(str(url))
            through = dict(proxy.headers) if proxy else {}
            async with session.get(
                url,
                # To a server without TLS the proxy hands the request on; else it opens a tunnel.
                headers=headers if url.scheme == "https" else {**headers, **through},
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=through,
            ) as response:
                if response.status not in REDIRECTED:
                    return await self._reading(response, asked=bool(asked))
                url = _redirected(url, response.headers.get("Location", ""))
        raise ModelListError("The model list is redirected in circles.")

    async def _reading(self, response: "aiohttp.ClientResponse", *, asked: bool) -> Reading | None:
        if response.status == NOT_MODIFIED and asked:
            return None
        if response.status != OK:
            raise ModelListError(f"The server of the model list answered {response.status}.")
        body = bytearray()
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            body += piece
            if len(body) > self._max_bytes:
                raise _too_large(self._max_bytes)
        told = {asks: response.headers.get(tells, "") for asks, tells in VALIDATORS.items()}
        usable = {k: v for k, v in told.items() if v and v.isascii() and v.isprintable()}
        return Reading(bytes(body), usable)


def _redirected(url: "URL", location: str) -> "URL":
    """Where a redirect leads: the same server, or its https side.

    Raises:
        ModelListError: it leads elsewhere, or nowhere.
    """
    target = url.join(type(url)(location))
    upgraded = (url.scheme, target.scheme) == ("http", "https")
    same_port = (url.scheme, url.port) == (target.scheme, target.port)
    if not location or target.host != url.host or not (same_port or upgraded):
        raise ModelListError("The model list is redirected to another host.")
    return target


def _too_large(max_bytes: int) -> ModelListError:
    return ModelListError(f"The model list is larger than {max_bytes} bytes.")
