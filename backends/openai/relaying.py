"""The fast path: the client's bytes out, the upstream's back; no body is parsed or rendered.

Of an answer only the head is looked at, and the first bytes of a whole one: a refusal, a redirect,
a page of HTML and an error that calls itself a success must not reach a client as they are.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
from aiohttp import ClientResponse

from backends.openai.connection import Connection
from backends.openai.opening import (
    ERROR_BYTES,
    Begun,
    FailedInside,
    first_of,
    opened,
    require_success,
    sniffed,
)
from backends.openai.settings import OpenAISettings
from backends.protocol import Model, RelayRequest, RelayResponse
from backends.protocol.errors import APIError
from backends.upstream import Upstream
from backends.upstream.client import refusal_of
from backends.upstream.errors import bad_gateway, upstream_error
from backends.upstream.events import WholeEvents
from backends.upstream.model_list import created_s, entries_of, owner_of
from backends.upstream.redaction import has_secret, sent_secrets
from backends.upstream.retry import RetryPolicy

Headers = list[tuple[bytes, bytes]]
# What of an upstream's answer a client may see; never a cookie, never a hop-by-hop header.
RETURNED = frozenset(
    {b"content-type", b"retry-after", b"retry-after-ms", b"x-should-retry", b"x-request-id"}
)
RETURNED_PREFIXES = (b"x-ratelimit-", b"openai-")
# Where every success is JSON or an event stream.
JSON_PATHS = frozenset(
    {"/chat/completions", "/completions", "/embeddings", "/moderations", "/responses"}
)
ERROR_BODY = re.compile(rb'\s*\{\s*"error"\s*:\s*[{"]')
UNLISTED = frozenset({404, 405, 501})


class ByteRelay:
    """Exchanges with the server at the other end of a connection."""

    def __init__(self, connection: Connection, settings: OpenAISettings) -> None:
        self._connection = connection
        self._forward_client_key = settings.forward_client_key
        self._upstream = Upstream(
            connection.base_url,
            connection.headers,
            policy=RetryPolicy(
                settings.openai_attempts,
                settings.openai_deadline_s,
                settings.openai_max_retry_after_s,
            ),
            silence_s=connection.silence_s,
            connect_s=settings.openai_connect_s,
        )
        self._secrets = (*sent_secrets(connection.auth), *self._upstream.secrets)

    async def models(self) -> Sequence[Model]:
        """What the upstream lists; any name, where it has no list.

        Raises:
            APIError: it cannot say; never a 4xx, for the client has asked for something else.
        """
        try:
            async with self._upstream.succeed(
                "GET", "/models", headers=self._connection.auth
            ) as response:
                return _models(await response.read())
        except APIError as error:
            if error.status in UNLISTED:
                return [Model("*")]
            if error.status < APIError.status:
                raise bad_gateway("The upstream refused to list its models.") from error
            raise

    @asynccontextmanager
    async def relay(self, request: RelayRequest) -> AsyncIterator[RelayResponse]:
        """The upstream's answer; see `Relays`."""
        auth = self._connection.auth
        if self._forward_client_key:
            auth = self._connection.auth_of(request.authorization)
        headers = {**request.headers, **auth}
        body = request.body if request.upload is None else request.upload
        async with self._upstream.ask(request.method, request.path, body, headers) as response:
            yield await self._answer(request, response)

    async def aclose(self) -> None:
        """Closes the connections to the upstream."""
        await self._upstream.aclose()

    async def _answer(self, request: RelayRequest, response: ClientResponse) -> RelayResponse:
        status = response.status
        headers = _returned(response)
        if status >= 400:  # noqa: PLR2004 - HTTP's
            return self._refusal(status, headers, await refusal_of(response))
        if 300 <= status < 400:  # noqa: PLR2004 - HTTP's
            raise bad_gateway("The upstream redirects, and redirects are not followed.")
        pieces = self._upstream.pieces(response)
        try:
            return await self._success(request, response, headers, pieces)
        except FailedInside as failed:
            return self._refusal(failed.status, headers, failed.body)

    async def _success(
        self,
        request: RelayRequest,
        response: ClientResponse,
        headers: Headers,
        pieces: AsyncIterator[bytes],
    ) -> RelayResponse:
        """The answer as it came, once it has said something.

        Raises:
            FailedInside: it says that it failed.
        """
        kind = response.content_type
        path = request.path.partition("?")[0]
        first, is_stream = b"", kind == "text/event-stream"
        if request.stream and not is_stream:
            first, is_stream = await sniffed(pieces)
            headers = _typed(headers, b"text/event-stream") if is_stream else headers
        if is_stream:
            max_bytes = self._upstream.max_event_bytes
            events = WholeEvents(Begun(first, pieces) if first else pieces, max_bytes)
            held = await opened(events, path, max_bytes)
            return RelayResponse(response.status, headers, Begun(held, events))
        if path in JSON_PATHS:
            first = await first_of(Begun(first, pieces), ERROR_BYTES)
            require_success(first)
            if not _is_json(kind):
                if not first.lstrip().startswith(b"{"):
                    raise bad_gateway(f"The upstream answered {kind[:100]}, not JSON.")
                headers = _typed(headers, b"application/json")
            if request.stream:
                raise bad_gateway(
                    "The upstream answered in one piece, where a stream was asked for."
                )
        elif _is_json(kind):
            first = first or await anext(pieces, b"")
            if ERROR_BODY.match(first):
                first += b"".join([piece async for piece in pieces])
                require_success(first)
        headers += _length(response)
        return RelayResponse(response.status, headers, Begun(first, pieces) if first else pieces)

    def _refusal(self, status: int, headers: Headers, body: bytes) -> RelayResponse:
        """The upstream's own envelope, byte for byte where it tells nothing that it should not."""
        our_key = not self._forward_client_key
        error = upstream_error(status, body, our_key=our_key, secrets=self._secrets)
        if error.status != status:
            raise error
        if not _is_envelope(body) or has_secret(body, self._secrets):
            told = {"message": error.message, "type": error.type, "param": error.param}
            body = orjson.dumps({"error": {**told, "code": error.code}})
        return RelayResponse(status, _typed(headers, b"application/json"), Begun(body))


def _returned(response: ClientResponse) -> Headers:
    """Each header that may go on, once."""
    found = {name.lower(): value for name, value in response.raw_headers}
    return [
        (name, value)
        for name, value in found.items()
        if name in RETURNED or name.startswith(RETURNED_PREFIXES)
    ]


def _typed(headers: Headers, content_type: bytes) -> Headers:
    """The headers with that type in place of another, or of none."""
    others = [header for header in headers if header[0] != b"content-type"]
    return [*others, (b"content-type", content_type)]


def _length(response: ClientResponse) -> Headers:
    """The length of the answer, where it is that of what comes here: unpacked, it is another."""
    if response.content_length is None or "content-encoding" in response.headers:
        return []
    return [(b"content-length", b"%d" % response.content_length)]


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def _is_envelope(body: bytes) -> bool:
    try:
        return isinstance(orjson.loads(body)["error"]["message"], str)
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return False


def _models(body: bytes) -> list[Model]:
    try:
        entries = entries_of(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise bad_gateway("The upstream's list of models is not JSON.") from error
    return [
        Model(one["id"], owned_by=owner_of(one), created=created_s(one.get("created")))
        for one in entries
    ]
