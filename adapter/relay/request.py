"""What a client asks, as it travels on to an upstream."""

import re
from urllib.parse import quote, unquote

from starlette.types import Scope

from adapter.auth import authorization
from adapter.exchange import Exchange
from adapter.relay.upload import Upload
from backends.protocol import RelayRequest
from backends.protocol.errors import APIError, MethodNotAllowed
from backends.protocol.relay import HOPS_HEADER, OWN_HOP, came_through

# Headers of the client's that mean something to an upstream.
FORWARDED = frozenset(
    {
        b"content-type",
        b"accept",
        b"openai-beta",
        b"idempotency-key",
        b"x-client-request-id",
    }
)
# Never TRACE, whose answer would tell the client the upstream's key.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NOT_PASSED = frozenset({".", "..", "deployments", "engines"})
DECODINGS = 3  # of escapes of escapes
STREAM_QUERY = re.compile(rb"(?:^|&)stream=true(?:&|$)")  # of a stored response
MOST_HOPS = 10
HOP = HOPS_HEADER.encode()


def note_hops(scope: Scope) -> None:
    """Note the servers that a request has come through, for what will be asked on its behalf.

    Raises:
        APIError: 508, this one is among them: two servers, or this one alone, ask each other.
    """
    for name, value in scope["headers"]:
        if name == HOP:
            before = value.decode("latin-1").split(",")
            if OWN_HOP in before or len(before) >= MOST_HOPS:
                error = APIError("The request goes round in a loop of servers.", code="loop")
                error.status = 508
                raise error
            came_through.set(",".join(before))


def relay_request(
    exchange: Exchange, body: bytes, *, stream: bool, upload: Upload | None = None
) -> RelayRequest:
    """The client's request as it travels on."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in exchange.scope["headers"]
        if name in FORWARDED or (name == b"content-length" and upload is not None)
    }
    if body:
        headers.setdefault("content-type", "application/json")
    path = _path(exchange.scope)
    stream = stream or STREAM_QUERY.search(exchange.scope["query_string"]) is not None
    method: str = exchange.scope["method"]
    key = authorization(exchange.scope)
    return RelayRequest(method, path, body, headers, key, stream, upload)


def passes(scope: Scope, *, everything: bool) -> bool:
    """Whether a path that is no operation of ours is an upstream's.

    Dots would lead out of its `/v1`, and a model in the path would not be the one allowed.

    Raises:
        MethodNotAllowed: it is, but not for this method.
    """
    path: str = scope["path"]
    if not path.startswith("/v1/") or not (everything or path.split("/")[2] == "responses"):
        return False
    if not NOT_PASSED.isdisjoint(_segments(path)):
        return False
    if scope["method"] not in METHODS:
        allow = ", ".join(METHODS)
        raise MethodNotAllowed(f"Not allowed: {scope['method']}. Allowed: {allow}.", allow=allow)
    return True


def _segments(path: str) -> set[str]:
    """The names in a path as the most lenient server reads them."""
    for _ in range(DECODINGS):
        path = unquote(path)
    return {name.partition(";")[0].strip().casefold() for name in re.split(r"[/\\]", path)}


def _path(scope: Scope) -> str:
    """What follows `/v1`, encoded as the client did it, and the query."""
    raw: str = scope.get("raw_path", b"").decode("latin-1")
    if not raw.startswith("/v1/"):
        raw = quote(scope["path"])
    path = "/" + raw.removeprefix("/v1").strip("/")
    query: bytes = scope["query_string"]
    return f"{path}?{query.decode('latin-1')}" if query else path
