"""An upstream's event stream: cut into whole events, or read event by event.

The cost is linear in the bytes, however they are cut on the way.
Source: WHATWG HTML §9.2.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass

from backends.protocol.errors import BackendUnavailable
from backends.upstream.settings import BYTES_PER_MB

EVENT_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
OVERLAP = 3  # an event's end is cut at most so far from its last byte


@dataclass(slots=True)
class ServerSentEvent:
    """One event: its name, if it has one, and its data."""

    event: str | None
    data: bytes


class WholeEvents:
    """A stream's pieces, each of one or several whole events; only the last may have no end.

    Raises:
        BackendUnavailable: an event is larger than `max_bytes`.
    """

    __slots__ = ("_held", "_held_bytes", "_max_bytes", "_pieces", "_tail")

    def __init__(self, pieces: AsyncIterator[bytes], max_bytes: int) -> None:
        self._pieces = pieces
        self._max_bytes = max_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._tail = b""

    def __aiter__(self) -> "WholeEvents":
        return self

    async def __anext__(self) -> bytes:
        async for piece in self._pieces:
            if events := self._take(piece):
                return events
        if not self._held:
            raise StopAsyncIteration
        rest, self._held = b"".join(self._held), []
        return rest

    def _take(self, piece: bytes) -> bytes:
        """The events that are whole now."""
        tail = self._tail
        end = _end_of_events(tail + piece if tail else piece) - len(tail)
        if end <= 0:
            self._hold(piece)
            return b""
        if not self._held and end == len(piece):
            return piece
        events = b"".join([*self._held, piece[:end]])
        self._held, self._held_bytes, self._tail = [], 0, b""
        if end < len(piece):
            self._hold(piece[end:])
        return events

    def _hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_bytes += len(piece)
        self._tail = (self._tail + piece[-OVERLAP:])[-OVERLAP:]
        if self._held_bytes > self._max_bytes:
            raise event_too_large(self._max_bytes)


def event_too_large(max_bytes: int) -> BackendUnavailable:
    """The error for an event that is larger than it may be."""
    return BackendUnavailable(
        f"The upstream sent an event of more than {max_bytes / BYTES_PER_MB:g} MB."
    )


def events_in(whole: bytes) -> list[ServerSentEvent]:
    """The events in such a piece; comments, and what has no data or no end, are left out."""
    events: list[ServerSentEvent] = []
    name: str | None = None
    data: list[bytes] = []
    for line in whole.splitlines():
        if not line:
            if data:
                events.append(ServerSentEvent(name, b"\n".join(data)))
            name, data = None, []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")
    return events


async def server_sent_events(
    pieces: AsyncIterable[bytes], max_bytes: int
) -> AsyncGenerator[ServerSentEvent]:
    """The events of a stream; comments and events without data are left out.

    Raises:
        BackendUnavailable: an event is larger than `max_bytes`.
    """
    async for whole in WholeEvents(aiter(pieces), max_bytes):
        for event in events_in(whole):
            yield event


def _end_of_events(stream: bytes) -> int:
    """Where the last whole event ends; 0 if there is none."""
    if b"\r" not in stream:
        return stream.rfind(b"\n\n") + 2 if b"\n\n" in stream else 0
    end = 0
    for found in EVENT_END.finditer(stream):
        end = found.end()
    return end
