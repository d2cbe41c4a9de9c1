"""Exchanges by the methods of a client of one's own, its typed answers rendered as JSON.

For a client that overrides what `openai.AsyncOpenAI` does: its own auth, routing, caching. It
retries by itself, or not at all.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from backends.openai.opening import Begun, FailedInside, opened, require_success, status_told
from backends.protocol import Model, RelayRequest, RelayResponse
from backends.protocol.errors import (
    BackendTimeout,
    BackendUnavailable,
    BadRequestError,
    NotFoundError,
)
from backends.protocol.failure import failure_of
from backends.protocol.relay import HOPS_HEADER, hops
from backends.upstream.errors import upstream_error
from backends.upstream.events import WholeEvents
from backends.upstream.model_list import created_s, entries_of, owner_of
from backends.upstream.retry import retry_after_s
from backends.upstream.settings import UpstreamSettings

METHODS = {
    "/chat/completions": "chat.completions.create",
    "/completions": "completions.create",
    "/embeddings": "embeddings.create",
    "/moderations": "moderations.create",
    "/responses": "responses.create",
}
# Arguments that are the caller's of the method, and no fields of a body.
RESERVED = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout"})
TRAVELS = frozenset({"openai-beta", "idempotency-key", "x-client-request-id"})
ENDS = frozenset({"response.completed", "response.failed", "response.incomplete", "error"})
JSON = (b"content-type", b"application/json")
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
Translated = Callable[[], AbstractContextManager[None]]
DONE = b"data: [DONE]\n\n"


class CustomClient:
    """Exchanges by `chat.completions.create` and its like, of whatever has them."""

    def __init__(self, client: Any, *, forward_client_key: bool = False) -> None:  # noqa: ANN401
        self._client = client
        key = getattr(client, "api_key", None)
        self._secrets = (key,) if isinstance(key, str) and key else ()
        self._forward_client_key = forward_client_key
        self._max_event_bytes = UpstreamSettings().max_event_bytes

    async def models(self) -> Sequence[Model]:
        """What `models.list` gives, in any shape; any name, if the client has no such method."""
        method = getattr(getattr(self._client, "models", None), "list", None)
        if method is None:
            return [Model("*")]
        with self._translated(our_key=True):
            page = method()
            if inspect.isawaitable(page):
                page = await page
        listed = page if isinstance(page, dict | list) else getattr(page, "data", None)
        return [
            Model(one["id"], owned_by=owner_of(one), created=created_s(one.get("created")))
            for one in entries_of({"data": listed} if listed is None else _plain(listed))
        ]

    @asynccontextmanager
    async def relay(self, request: RelayRequest) -> AsyncIterator[RelayResponse]:
        """What the method of that path answers; see `Relays`."""
        method = self._method(request)
        arguments = self._arguments(method, request)
        translated = partial(self._translated, our_key=not self._forward_client_key)
        with translated():
            answer = await method(**arguments)
        try:
            path = request.path.partition("?")[0]
            yield await _response(answer, path, translated, self._max_event_bytes)
        except FailedInside as failed:
            raise upstream_error(
                failed.status,
                failed.body,
                our_key=not self._forward_client_key,
                secrets=self._secrets,
            ) from failed
        finally:
            close = getattr(answer, "close", None) or getattr(answer, "aclose", None)
            if close is not None and inspect.isawaitable(closing := close()):
                await closing

    async def aclose(self) -> None:
        """Closes the client, if it can be closed."""
        close = getattr(self._client, "close", None)
        if close is not None and inspect.isawaitable(closing := close()):
            await closing

    @contextmanager
    def _translated(self, *, our_key: bool) -> Iterator[None]:
        """The client's errors as ours."""
        import openai  # noqa: PLC0415 - half a second to import

        try:
            yield
        except openai.APITimeoutError as error:
            raise BackendTimeout("The upstream did not answer in time.") from error
        except openai.APIConnectionError as error:
            failure = failure_of(error)
            raise BackendUnavailable(failure.message, reason=failure.reason) from error
        except openai.APIError as error:
            wait_s = None
            if isinstance(error, openai.APIStatusError):
                status, wait_s = error.status_code, retry_after_s(error.response.headers)
            else:
                # In a stream, where the status is that of a success.
                said = error.body if isinstance(error.body, dict) else {}
                status = status_told(said, BackendUnavailable.status)
            retry_s = round(wait_s) if wait_s else None
            raise upstream_error(
                status, _told(error), retry_s, our_key=our_key, secrets=self._secrets
            ) from error

    def _method(self, request: RelayRequest) -> Callable[..., Any]:
        name = METHODS.get(request.path.partition("?")[0])
        try:
            found: Callable[..., Any] = attrgetter(name if request.method == "POST" else "")(  # type: ignore[arg-type]
                self._client
            )
        except (AttributeError, TypeError):
            where = f"{request.method} /v1{request.path[:200]}"
            raise NotFoundError(f"Not served: {where}.", code="unknown_url") from None
        return found

    def _arguments(self, method: Callable[..., Any], request: RelayRequest) -> dict[str, Any]:
        """The body as the method's arguments; what it does not know by name goes as `extra_body`.

        Raises:
            BadRequestError: the method needs what the body has not, or cannot take what it has.
        """
        signature = inspect.signature(method)
        parameters = signature.parameters
        takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        arguments: dict[str, Any] = {}
        more: dict[str, Any] = {}
        for name, value in orjson.loads(request.body).items():
            known = name not in RESERVED and (takes_any or name in parameters)
            (arguments if known else more)[name] = value
        if more:
            arguments["extra_body"] = more
        if takes_any or "extra_headers" in parameters or self._forward_client_key:
            arguments["extra_headers"] = self._headers(request)
        try:
            signature.bind(**arguments)
        except TypeError as error:
            lacks = "extra_body" in str(error)
            named = next(iter(more), None) if lacks else str(error).partition("'")[2].rstrip("'")
            raise BadRequestError(
                f"{'Unknown' if lacks else 'Missing required'} parameter: '{named}'.",
                param=named,
                code="unknown_parameter" if lacks else "missing_required_parameter",
            ) from error
        return arguments

    def _headers(self, request: RelayRequest) -> dict[str, str]:
        headers = {name: value for name, value in request.headers.items() if name in TRAVELS}
        headers[HOPS_HEADER] = hops()
        if self._forward_client_key and request.authorization is not None:
            headers["Authorization"] = request.authorization
        return headers


def _json(answer: Any) -> bytes:  # noqa: ANN401 - typed by whatever the client is
    """An answer's JSON, without what the upstream did not send."""
    if hasattr(answer, "model_dump_json"):
        text: str = answer.model_dump_json(by_alias=True, exclude_unset=True)
        return text.encode()
    return orjson.dumps(answer)


def _plain(listed: Any) -> Any:  # noqa: ANN401 - typed by whatever the client is
    """A list of models with its typed entries as dictionaries."""
    if not isinstance(listed, list):
        return listed
    return [one if isinstance(one, dict | str) else vars(one) for one in listed]


def _head(answer: Any) -> list[tuple[bytes, bytes]]:  # noqa: ANN401
    name = getattr(answer, "_request_id", None)
    return [JSON, (b"x-request-id", name.encode())] if isinstance(name, str) else [JSON]


async def _response(
    answer: Any,  # noqa: ANN401
    path: str,
    translated: Translated,
    max_event_bytes: int,
) -> RelayResponse:
    """The answer rendered, once it has said something.

    Raises:
        FailedInside: it says that it failed.
    """
    if hasattr(answer, "__aiter__"):
        events = WholeEvents(_events(answer, path, translated), max_event_bytes)
        held = await opened(events, path, max_event_bytes)
        return RelayResponse(200, [EVENT_STREAM], Begun(held, events))
    body = _json(answer)
    require_success(body)
    return RelayResponse(200, _head(answer), Begun(body))


async def _events(
    answer: AsyncIterator[Any], path: str, translated: Translated
) -> AsyncIterator[bytes]:
    """The events of a stream; one that stops before its end is an error and no `[DONE]`."""
    ended = False
    begun: set[int] = set()
    finished: set[int] = set()
    with translated():
        async for chunk in answer:
            if path == "/responses":
                kind = str(_member(chunk, "type"))
                ended = ended or kind in ENDS
                yield b"event: %s\ndata: %s\n\n" % (kind.encode(), _json(chunk))
            else:
                for one in _member(chunk, "choices") or ():
                    index = _member(one, "index") or 0
                    (finished if _member(one, "finish_reason") else begun).add(index)
                yield b"data: %s\n\n" % _json(chunk)
    if not ended and not (finished and begun <= finished):
        raise BackendUnavailable("The upstream's stream broke off before its end.")
    if path != "/responses":
        yield DONE


def _member(thing: Any, name: str) -> Any:  # noqa: ANN401
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _told(error: Any) -> bytes:  # noqa: ANN401 - a client's own error
    """What the upstream said: the SDK has read it, whole or its `error` alone."""
    if error.body is None:
        return str(error.message).encode()
    return error.body.encode() if isinstance(error.body, str) else orjson.dumps(error.body)
