"""What an operation is: where it stands, who answers it, and what it takes and gives."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

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


class Resource:
    """The operations of one path as an ASGI app."""

    def __init__(self, service: Service, operations: Mapping[str, Operation]) -> None:
        self._service = service
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the exchange to the operation of its method.

        Raises:
            MethodNotAllowed: there is none.
        """
        exchange: Exchange = scope["exchange"]
        operation = self._operations.get(scope["method"])
        if operation is None:
            allow = ", ".join(sorted(self._operations))
            raise MethodNotAllowed(
                f"Not allowed: {scope['method']} {scope['path'][:200]}. Allowed: {allow}.",
                allow=allow,
            )
        exchange.operation = operation.name
        await operation.handler(self._service, exchange)
