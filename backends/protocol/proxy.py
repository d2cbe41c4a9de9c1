"""The proxy that the environment names for a URL, found as the OpenAI client finds it.

Source: httpx `_utils.get_environment_proxies`; https://curl.se/libcurl/c/CURLOPT_NOPROXY.html
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"http": 80, "https": 443}
CREDENTIALS = re.compile(r"(?<=://)[^\s/@]*(?:@[^\s/@]*)*@")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and the header that lets us through, if it asks for one.

    The credentials stand in the header alone, so that the URL may be logged.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def proxy_for(url: str) -> Proxy | None:
    """The proxy on the way to a URL; None where the environment names none for it.

    Raises:
        ValueError: it names one that cannot be used; the message names the variable.
    """
    # An import that costs a start which needs no network.
    from urllib.request import getproxies  # noqa: PLC0415

    named = getproxies()
    target = urlsplit(url)
    for kind in (target.scheme, "all"):
        if named.get(kind):
            bypassed = any(
                _names(entry.strip(), target) for entry in named.get("no", "").split(",")
            )
            return None if bypassed else _proxy(named[kind].strip(), f"{kind.upper()}_PROXY")
    return None


def without_credentials(text: str) -> str:
    """A text in which no URL has a user or a password any more."""
    return CREDENTIALS.sub("", text)


def _proxy(url: str, variable: str) -> Proxy:
    address = urlsplit(url if "://" in url else f"http://{url}")
    if address.scheme not in PORTS:
        raise ValueError(f"{variable}: a proxy of kind {address.scheme!r}; use an http:// one")
    try:
        host, port = address.hostname, address.port or PORTS[address.scheme]
    except ValueError as error:
        raise ValueError(f"{variable}: no URL of a proxy: its port is no number") from error
    if not host or not url.isprintable():
        raise ValueError(f"{variable}: no URL of a proxy")
    shown = f"{address.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    if address.username is None:
        return Proxy(shown)
    pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return Proxy(shown, {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"})


def _names(entry: str, target: SplitResult) -> bool:
    """Whether an entry of NO_PROXY means a URL: `*`, a domain, an address, a network, a URL."""
    if entry in {"", "*"}:
        return entry == "*"
    scheme, _, place = entry.rpartition("://")
    if scheme not in {"", "all", target.scheme}:
        return False
    host = (target.hostname or "").lower()
    if "/" in place:
        return _holds(place, host)
    name, port = _split(place.lower())
    if port and port != str(target.port or PORTS.get(target.scheme)):
        return False
    if _is_address(name) or name == "localhost" or scheme:
        return _same(name, host)
    if name.startswith((".", "*.")):
        return host.endswith(name.removeprefix("*"))
    name = name.removeprefix("*")
    return host == name or host.endswith(f".{name}")


def _split(place: str) -> tuple[str, str]:
    """A host and its port, either in brackets or not."""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        return host, rest.removeprefix(":")
    if place.count(":") > 1:
        return place, ""
    host, _, port = place.partition(":")
    return host, port


def _holds(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(
            network.replace("[", "").replace("]", ""), strict=False
        )
    except ValueError:
        return False


def _same(name: str, host: str) -> bool:
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        return name == host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
