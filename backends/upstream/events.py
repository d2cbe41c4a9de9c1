"""An upstream's event stream, event by event, however its bytes are cut.

Source: WHATWG HTML §9.2.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass

from backends.protocol.errors import BackendUnavailable

LINE_END = re.compile(rb"\r\n|\n|\r")
EVENT_BYTES = 16_000_000


@dataclass(slots=True)
class ServerSentEvent:
    """One event: its name, if it has one, and its data."""

    event: str | None
    data: bytes


async def server_sent_events(pieces: AsyncIterable[bytes]) -> AsyncGenerator[ServerSentEvent]:
    """The events of a stream; comments and events without data are left out.

    Raises:
        BackendUnavailable: an event is larger than `EVENT_BYTES`.
    """
    name: str | None = None
    data: list[bytes] = []
    async for line in _lines(pieces):
        if not line:
            if data:
                yield ServerSentEvent(name, b"\n".join(data))
            name, data = None, []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")


async def _lines(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        rest += piece
        if len(rest) > EVENT_BYTES:
            raise BackendUnavailable("The upstream sent an event without an end.")
        start = 0
        for end in LINE_END.finditer(rest):
            # A CR at the end of a piece may be half of a CRLF.
            if end.end() == len(rest) and end.group() == b"\r":
                break
            yield rest[start : end.start()]
            start = end.end()
        rest = rest[start:]
    if rest:
        yield rest.rstrip(b"\r")
