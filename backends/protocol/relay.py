"""Handing a whole HTTP exchange on as bytes: the passthrough's fast path."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(slots=True)
class RelayRequest:
    """A request below `/v1`, as the client made it.

    `path` begins with a slash and holds the query. `headers` are those of the client's that may
    travel on; its key is not among them.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RelayResponse:
    """The upstream's answer: its status, the headers that a client may see, its body in pieces."""

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
