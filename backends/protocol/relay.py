"""Handing a whole HTTP exchange on as bytes: the passthrough's fast path."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Protocol, runtime_checkable

# Every request to an upstream names the servers that it came through, this process the last, so
# that one that comes back is known. The adapter notes them, what asks an upstream sends them on.
HOPS_HEADER = "x-adapter-hops"
OWN_HOP = token_hex(4)
came_through: ContextVar[str] = ContextVar("came_through", default="")


def hops() -> str:
    """The value of `HOPS_HEADER` for a request that goes out now."""
    before = came_through.get()
    return f"{before},{OWN_HOP}" if before else OWN_HOP


@dataclass(slots=True)
class RelayRequest:
    """A request below `/v1`, as the client made it.

    `path` begins with a slash, is percent-encoded, and holds the query. `headers` are those of the
    client's that may travel on; its key is not among them, but in `authorization`, for a backend
    that is told to use it. `stream` says that the body asks for an event stream. `upload` stands in
    the place of a `body` that is still coming in: it can be read once, and so is not sent again.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    stream: bool = False
    upload: AsyncIterator[bytes] | None = None


@dataclass(slots=True)
class RelayResponse:
    """The upstream's answer: its status, the headers that a client may see, its body in pieces.

    Of an event stream each piece is one or several whole events; the last one may lack its end.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    pieces: AsyncIterator[bytes]


@runtime_checkable
class Relays(Protocol):
    """A backend that can hand the client's own bytes on, and give back the upstream's own."""

    def relay(self, request: RelayRequest) -> AbstractAsyncContextManager[RelayResponse]:
        """The upstream's answer, a refusal of its own included; leaving the context ends it.

        Raises:
            APIError: there is no answer to hand on.
        """
        ...
