"""Where an upstream is: what stands before every path, and the query behind it."""

from base64 import b64encode
from urllib.parse import urlsplit

from yarl import URL

from backends.protocol.header_value import header_value
from backends.protocol.proxy import without_credentials


class Address:
    """A base URL, which may have a query and credentials of its own.

    Raises:
        ValueError: it is no http(s) URL.
    """

    def __init__(self, base_url: str) -> None:
        given = header_value(base_url)
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            shown = without_credentials(given.partition("?")[0])
            raise ValueError(f"{shown!r} is no http:// or https:// URL")
        url = URL(given)
        self.base_url = str(url.with_user(None).with_query(None).with_fragment(None)).rstrip("/")
        # As it was given: yarl would write some of what is encoded anew.
        plain = parts.query.isascii() and " " not in parts.query
        self.query = parts.query if plain else url.raw_query_string
        self._names = frozenset(_name(pair) for pair in self.query.split("&"))
        self.headers: dict[str, str] = {}
        if url.user is not None or url.password is not None:
            pair = f"{url.user or ''}:{url.password or ''}".encode()
            self.headers["authorization"] = f"Basic {b64encode(pair).decode()}"

    def url(self, path: str) -> URL:
        """The URL of a path; a path and query that are encoded already stay as they are.

        The query of the base URL comes last, and wins over members of the same name.
        """
        encoded = path.isascii() and path.isprintable() and " " not in path
        return URL(self.base_url + (self._merged(path) if self.query else path), encoded=encoded)

    def _merged(self, path: str) -> str:
        path, _, query = path.partition("?")
        kept = [pair for pair in query.split("&") if pair and _name(pair) not in self._names]
        return f"{path}?{'&'.join([*kept, self.query])}"


def _name(pair: str) -> str:
    return pair.partition("=")[0]
