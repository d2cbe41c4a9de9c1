"""What an operation is: where it stands, who answers it, and what it takes and gives."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.exchange import Exchange
from adapter.service import Service
from backends.protocol.errors import MethodNotAllowed
from backends.protocol.wire import WireModel

Handler = Callable[[Service, Exchange], Awaitable[None]]


@dataclass(slots=True, frozen=True)
class Operation:
    """One method of one path; `name` is OpenTelemetry's operation name."""

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    takes: type[WireModel] | None = None
    gives: type[WireModel] | None = None
    streams: type[WireModel] | None = None


class Operations:
    """The table of operations as an ASGI app; what is none of theirs goes to `default`.

    A dictionary, because a router's patterns would cost a tenth of a request. A path that ends in
    a parameter (`/v1/models/{model}`) takes the rest of the path, slashes included.
    """

    def __init__(self, service: Service, operations: Iterable[Operation], default: ASGIApp) -> None:
        self._service = service
        self._default = default
        self._by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            prefix = operation.path.partition("{")[0]
            self._by_path.setdefault(prefix, {})[operation.method] = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the exchange to its operation.

        Raises:
            MethodNotAllowed: the path has operations, and none of this method.
        """
        path: str = scope["path"]
        exchange: Exchange = scope["exchange"]
        methods = self._by_path.get(path)
        if methods is None:
            prefix = path[: path.find("/", len("/v1/")) + 1]
            methods = self._by_path.get(prefix)
            exchange.target = path[len(prefix) :]
        if methods is None:
            await self._default(scope, receive, send)
            return
        operation = methods.get(scope["method"])
        if operation is None:
            allow = ", ".join(sorted(methods))
            raise MethodNotAllowed(
                f"Not allowed: {scope['method']} {path[:200]}. Allowed: {allow}.", allow=allow
            )
        exchange.operation = operation.name
        exchange.enter(receive, send)
        await operation.handler(self._service, exchange)
