"""A strict reader of event streams: every line is kept, nothing is forgiven in silence.

Source: WHATWG HTML §9.2. The official clients hide most faults of framing; this reader shows them.
"""

import re
from dataclasses import dataclass, field

from contract_tests.wire.exchange import Exchange

LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"


@dataclass
class Frame:
    """The lines up to a blank one.

    `at_s` is when its last byte came, in seconds after the request. `finished` tells whether the
    blank line came too; a browser drops a frame without it.
    """

    fields: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    at_s: float = 0.0
    finished: bool = False

    @property
    def data(self) -> str | None:
        """What a client dispatches: the data lines joined; None if there is none."""
        lines = self.values("data")
        return "\n".join(lines) if lines else None

    @property
    def event(self) -> str | None:
        """The event's name; None if it has none."""
        return next(iter(reversed(self.values("event"))), None)

    def values(self, name: str) -> list[str]:
        """The values of the fields of that name, in order."""
        return [value for known, value in self.fields if known == name]


def frames_of(exchange: Exchange) -> list[Frame]:
    """The frames of an event stream, with frames of comments alone among them."""
    frames, frame, body = [], Frame(), exchange.body
    start = len(BOM) if body.startswith(BOM) else 0
    for end in LINE_END.finditer(body):
        line = body[start : end.start()]
        start = end.end()
        if line:
            _read(frame, line)
        elif frame.lines:
            frame.finished, frame.at_s = True, _arrival(exchange, end.end())
            frames.append(frame)
            frame = Frame()
    if rest := body[start:]:
        _read(frame, rest)
    if frame.lines:
        frame.at_s = _arrival(exchange, len(body))
        frames.append(frame)
    return frames


def line_ends(exchange: Exchange) -> set[bytes]:
    """The kinds of line end that the stream uses."""
    return set(LINE_END.findall(exchange.body))


def _read(frame: Frame, line: bytes) -> None:
    text = line.decode(errors="replace")
    frame.lines.append(text)
    name, _, value = text.partition(":")
    if name:
        frame.fields.append((name, value.removeprefix(" ")))
    else:
        frame.comments.append(value)


def _arrival(exchange: Exchange, offset: int) -> float:
    return next((at_s for at_s, size in exchange.arrivals if size >= offset), exchange.duration_s)
