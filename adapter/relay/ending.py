"""How a relayed stream ends: by the mark of its kind, by an error, or without a word.

What passes is searched for bytes alone; an event is parsed where it must be, which is rare.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from adapter.exchange import Exchange
from adapter.relay.usage import count_usage
from backends.protocol import RelayRequest
from backends.protocol.errors import BackendUnavailable

DONE = b"data: [DONE]\n\n"
EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n")
LARGE_BYTES = 1_000_000  # an image; to count in it would take longer than to send it
FRAMES = 3  # of a stream, that hold no token: its role, its finish, its end
_BLANK = re.compile(rb"[ \t]*(?:\r\n?\r?\n?|\n\r?\n?|$)")
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
_RESPONSE_OVER = re.compile(rb'"response\.(?:completed|failed|incomplete)"')
CHOICE_PATHS = frozenset({"/chat/completions", "/completions"})
RESPONSES = "/responses"


class Ending:
    """What has gone by of a stream, as far as its end depends on it."""

    __slots__ = ("_error", "_finished", "_path", "_request", "_usage", "events", "over", "rest")

    def __init__(self, request: RelayRequest) -> None:
        self._request = request
        self._path = request.path.partition("?")[0]
        self._finished: set[int] = set()
        self._error = self._usage = b""
        self.events = 0
        self.over = False
        self.rest = b""

    def take(self, events: bytes) -> bytes:
        """What may go out of the next whole events: nothing after the last one."""
        if self.rest:
            events, self.rest = self.rest + events, b""
        if not events.endswith(EVENT_ENDS):
            self.rest = events
            return b""
        if end := _end_of_done(events):
            self.over = True
            events = events[:end]
        self.events += events.count(b"data:") if len(events) < LARGE_BYTES else 1
        if b'"usage"' in events:
            self._usage = events
        if b'"error"' in events:
            self._error = events
        if self._path in CHOICE_PATHS:
            if _FINISHED.search(events):
                self._finish(events)
        elif self._path == RESPONSES and _RESPONSE_OVER.search(events):
            self.over = True
        return events

    def last(self) -> bytes:
        """What is still to go out, where the upstream has ended its stream and not said so.

        A stream whose choices have all finished is whole, and is given its `[DONE]`.

        Raises:
            BackendUnavailable: it broke off.
        """
        rest, self.rest = self.rest.rstrip(b"\r\n"), b""
        if _lacks_its_blank(rest):
            rest = self.take(rest + b"\n\n")
        else:
            rest, self.rest = b"", rest
        if self.over or self._has_failed():
            return rest
        if self._path not in CHOICE_PATHS and self._path != RESPONSES:
            return rest + self.rest
        if self.rest or not self._is_finished():
            raise BackendUnavailable("The upstream's stream broke off before its end.")
        return rest + DONE

    def count(self, exchange: Exchange) -> None:
        """Note the usage that the stream told, if it did."""
        for data in _data(self._usage):
            if b'"usage"' in data:
                count_usage(exchange, _parsed(data))

    def _finish(self, events: bytes) -> None:
        for found in _FINISHED.finditer(events):
            said = _parsed(_line_at(events, found.start()).removeprefix(b"data:"))
            choices = said.get("choices") if isinstance(said, dict) else None
            for choice in choices if isinstance(choices, list) else ():
                if isinstance(choice, dict) and choice.get("finish_reason"):
                    self._finished.add(choice.get("index", 0))

    def _is_finished(self) -> bool:
        return bool(self._finished) and len(self._finished) >= choices_asked(self._request.body)

    def _has_failed(self) -> bool:
        said = map(_parsed, _data(self._error))
        return any(isinstance(one, dict) and one.get("error") for one in said)


def choices_asked(body: bytes) -> int:
    """How many choices a request asks for."""
    fields = _parsed(body)
    if not isinstance(fields, dict):
        return 1
    n, prompt = fields.get("n"), fields.get("prompt")
    prompts = 1
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        prompts = len(prompt)
    return (n if isinstance(n, int) else 1) * prompts


def _line_at(events: bytes, at: int) -> bytes:
    start = max(events.rfind(b"\n", 0, at), events.rfind(b"\r", 0, at)) + 1
    ends = [end for mark in (b"\n", b"\r") if (end := events.find(mark, at)) >= 0]
    return events[start : min(ends, default=len(events))]


def _end_of_done(events: bytes) -> int:
    """Where the event `[DONE]` ends; 0 if there is none. A pattern would look at each byte."""
    at = events.find(b"[DONE]")
    while at >= 0:
        line = events[max(0, at - 7) : at]
        if line.endswith((b"\ndata: ", b"\ndata:", b"\rdata: ", b"\rdata:")) or (
            at < 7 and line in {b"data: ", b"data:"}  # noqa: PLR2004 - nothing stands before
        ):
            blank = _BLANK.match(events, at + len(b"[DONE]"))
            if blank is not None:
                return blank.end()
        at = events.find(b"[DONE]", at + 1)
    return 0


def _lacks_its_blank(rest: bytes) -> bool:
    """Whether what stands behind the last blank line is a whole event all the same."""
    if all(line.startswith(b":") for line in rest.splitlines() if line):
        return bool(rest)
    data = b"\n".join(_data(rest)).strip()
    return data == b"[DONE]" or _parsed(data) is not None


def _data(events: bytes) -> Iterator[bytes]:
    for line in events.splitlines():
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:")


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
