"""How an answer opens: whether it is an event stream, and whether it is an answer at all.

A stream is held until it says something, for until then it can still be refused with a status of
its own, and somebody else may answer.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from backends.protocol.errors import APIError, BackendUnavailable
from backends.upstream.errors import bad_gateway
from backends.upstream.events import ServerSentEvent, WholeEvents, event_too_large, events_in

BOM = b"\xef\xbb\xbf"
STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
DONE = b"[DONE]"
# Where a chunk without choices says nothing yet.
CHOICE_PATHS = frozenset({"/chat/completions", "/completions"})
ENDED_PATHS = CHOICE_PATHS | {"/responses"}
ERROR_BYTES = 65536  # no error is larger
STATUSES = ("code", "status", "status_code", "http_status")
MEMBERS = ("message", "type", "param", "code")


class FailedInside(Exception):  # noqa: N818 - it calls itself a success
    """An answer of status 200 that is an error: the status that it names, and its envelope."""

    def __init__(self, said: dict[str, Any], raw: bytes) -> None:
        super().__init__()
        self.status = status_told(said)
        self.body = raw if said.keys() == {"error"} else orjson.dumps({"error": _error(said)})


def status_told(said: dict[str, Any], default: int = 502) -> int:
    """The status that an error names, or the default."""
    error = said.get("error")
    for place in (error if isinstance(error, dict) else {}, said):
        for name in STATUSES:
            told = str(place.get(name))
            if len(told) == 3 and told.isascii() and told.isdigit() and told[0] in "45":  # noqa: PLR2004 - HTTP's
                return int(told)
    return default


class Begun:
    """Pieces of which the first has been looked at: no generator, which the loop would track."""

    __slots__ = ("_first", "_rest")

    def __init__(self, first: bytes, rest: AsyncIterator[bytes] | None = None) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> "Begun":
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._rest is None:
            raise StopAsyncIteration
        return await anext(self._rest)


async def first_of(pieces: AsyncIterator[bytes], least_bytes: int) -> bytes:
    """The beginning of an answer: so many bytes at least, or all of it."""
    first = await anext(pieces, b"")
    while len(first) < least_bytes and (piece := await anext(pieces, b"")):
        first += piece
    return first


async def sniffed(pieces: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """The first bytes of an answer, and whether they begin an event stream."""
    first = await anext(pieces, b"")
    while (found := _begins_events(first)) is None:
        piece = await anext(pieces, b"")
        if not piece or len(first) > ERROR_BYTES:
            return first + piece, False
        first += piece
    return first, found


def require_success(body: bytes) -> None:
    """Accept a whole answer that is none, or that has no error in it.

    Raises:
        FailedInside: it is one, wherever the member stands.
    """
    if b'"error"' not in body:
        return
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    # A stored response tells in a member of that name why it failed.
    if isinstance(said, dict) and said.get("object") != "response" and _is_error(said):
        raise FailedInside(said, body)


async def opened(events: WholeEvents, path: str, max_bytes: int) -> bytes:
    """What a stream sends until it has said something.

    Raises:
        FailedInside: it begins with an error.
        APIError: it is over, and has said nothing.
    """
    held = b""
    async for whole in events:
        piece = whole if held else whole.removeprefix(BOM)
        held += piece
        # The last one may lack its blank line.
        if any(_says_something(event, path) for event in events_in(piece + b"\n\n")):
            return held
        if len(held) > max_bytes:
            raise event_too_large(max_bytes)
    if path in ENDED_PATHS:
        raise BackendUnavailable("The upstream's stream broke off before its end.")
    return held


def _begins_events(first: bytes) -> bool | None:
    """Whether an event stream begins so; None if more must be seen."""
    if BOM.startswith(first[: len(BOM)]):
        first = first[len(BOM) :]
    first = first.lstrip(b"\r\n")
    if first.startswith(STARTS):
        return True
    return None if any(start.startswith(first) for start in STARTS) else False


def _says_something(event: ServerSentEvent, path: str) -> bool:
    if event.data.strip() == DONE:
        if path in CHOICE_PATHS:
            raise _empty()
        return True
    said = _parsed(event.data) if len(event.data) <= ERROR_BYTES else None
    if event.event == "error" and not (isinstance(said, dict) and _is_error(said)):
        said = {"error": said if isinstance(said, dict | str) else _text(event.data)}
    if not isinstance(said, dict):
        return True
    if _is_error(said):
        raise FailedInside(said, event.data)
    # Azure sends the filter's results first, and the usage last.
    return path not in CHOICE_PATHS or bool(said.get("choices", True))


def _empty() -> APIError:
    return bad_gateway("The upstream's stream ended before it said anything.")


def _is_error(said: dict[str, Any]) -> bool:
    return bool(said.get("error")) or "error" in (said.get("object"), said.get("type"))


def _error(said: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the upstream says
    error = said.get("error")
    return error or {name: said[name] for name in MEMBERS if name in said}


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
