"""What an operation is: where it stands, who answers it, and what it takes and gives."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.exchange import Exchange
from adapter.hints import unknown_url
from adapter.relay import PASSTHROUGH, fields_in, model_of, note_hops, passes, without_provider
from adapter.routing.router import FALLS_BACK, Router, falls_back
from adapter.service import Service
from backends.protocol.errors import APIError, MethodNotAllowed
from backends.protocol.wire import WireModel

Handler = Callable[[Service, Exchange], Awaitable[None]]


@dataclass(slots=True, frozen=True)
class Operation:
    """One method of one path; `name` is OpenTelemetry's operation name.

    `example` is a body that the mock answers, or the model in the path of what takes none.
    """

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    takes: type[WireModel] | None = None
    gives: type[WireModel] | None = None
    streams: type[WireModel] | None = None
    default_model: str | None = None
    example: Mapping[str, object] | str | None = None


class Operations:
    """The table of operations as an ASGI app; what is none of theirs goes to `default`.

    A dictionary, because a router's patterns would cost a tenth of a request. A path that ends in
    a parameter (`/v1/models/{model}`) takes the rest of the path, slashes included. With a
    `router`, the body's model says whose service answers.
    """

    def __init__(
        self,
        service: Service,
        operations: Iterable[Operation],
        default: ASGIApp,
        router: Router | None = None,
    ) -> None:
        self._service = service
        self._default = default
        self._router = router
        self._by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            prefix = operation.path.partition("{")[0]
            self._by_path.setdefault(prefix, {})[operation.method] = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the exchange to its operation.

        Raises:
            MethodNotAllowed: the path has operations, and none of this method.
            APIError: 508, the request has been here before.
        """
        path: str = scope["path"]
        exchange: Exchange = scope["exchange"]
        note_hops(scope)
        methods = self._by_path.get(path)
        if methods is None:
            prefix = path[: path.find("/", len("/v1/")) + 1]
            methods = self._by_path.get(prefix)
            exchange.target = path[len(prefix) :]
        if methods is None:
            if not self._passes(scope):
                await self._default(scope, receive, send)
                return
            operation = Operation(scope["method"], path, _nowhere, PASSTHROUGH, PASSTHROUGH)
        else:
            found = methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
            if found is None:
                allow = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
                raise MethodNotAllowed(
                    f"Not allowed: {scope['method']} {path[:200]}. Allowed: {allow}.", allow=allow
                )
            operation = found
        exchange.operation = operation.name
        exchange.enter(receive, send)
        if self._router is not None and (operation.takes is not None or scope["method"] == "POST"):
            await self._routed(self._router, operation, exchange)
        else:
            await _answer(self._service, operation, exchange)

    async def _routed(self, router: Router, operation: Operation, exchange: Exchange) -> None:
        """Answer by the first route that can, as long as nothing has been sent."""
        body = await self._service.body(exchange)
        if not body and operation.takes is None:
            # It names no model: /v1/responses/{id}/cancel, and its like.
            await _answer(self._service, operation, exchange)
            return
        fields = fields_in(exchange, body)
        model = model_of(fields, operation.default_model)
        provider, exchange.body = without_provider(body, fields)
        await self._service.find(exchange, model, listed=provider is None)
        *others, last = router.routes(model, provider)
        for route in others:
            try:
                async with router.guarded(route, exchange):
                    await _answer(route.service, operation, exchange, refused=FALLS_BACK)
            except APIError as error:
                if exchange.is_committed or not falls_back(error):
                    raise
            else:
                return
        async with router.guarded(last, exchange, last=True):
            await _answer(last.service, operation, exchange)

    def _passes(self, scope: Scope) -> bool:
        """Whether a path that is no operation of ours is an upstream's."""
        service = self._service
        relays = service.relays is not None or self._router is not None
        return relays and passes(scope, everything=service.passthrough_all)


async def _answer(
    service: Service,
    operation: Operation,
    exchange: Exchange,
    refused: frozenset[int] = frozenset(),
) -> None:
    taken = operation.takes is not None or operation.name == PASSTHROUGH
    if taken and not exchange.attempts:
        exchange.begin(service.name)
    if service.relays is not None and taken:
        await service.relay(exchange, operation.default_model, refused)
    else:
        await operation.handler(service, exchange)


async def _nowhere(_: Service, exchange: Exchange) -> None:
    raise unknown_url(exchange.scope["method"], exchange.scope["path"])
