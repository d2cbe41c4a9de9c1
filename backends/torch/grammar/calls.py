"""Generated text, piece by piece, to text and tool calls."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from backends.protocol import Event, TextDelta, TokenLogprob, Tool, ToolCallDelta
from backends.torch.grammar.arguments import JSONObject, PlainInput
from backends.torch.grammar.tools import CLOSE, OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")')
SPACE = re.compile(r'("(?:[^"\\]|\\.)*(?:"|\\?$))|\s+')  # outside strings
ARGUMENTS = re.compile(r'\s*,\s*"arguments"\s*:\s*(?=\{)')


@dataclass(slots=True)
class Piece:
    """A piece of text that has not been told yet, and the logprobs that ride on it."""

    text: str
    logprobs: Sequence[TokenLogprob] = ()


class CallReader:
    """Reads the pieces of one choice; what it gives joins to the same however they were cut.

    A grammar keeps calls well-formed, so they are told as they come: the name once it is complete,
    then its arguments in pieces (for a custom tool, its plain input). The `tokens` of the events
    add up to those pushed.

    A small model repeats itself. A call is held back for as long as it may be one of those before
    it, white space aside; once it is, it is dropped, the reader has `repeated`, and nothing behind
    it is read.
    """

    def __init__(self, tools: Sequence[Tool], *, choice: int = 0) -> None:
        self._kinds = {tool.name: tool.kind for tool in tools}
        self._choice = choice
        self._state: Literal["text", "name", "colon", "arguments", "close", "over"] = "text"
        self._pieces: list[Piece] = []
        self._tokens = 0
        self._index = -1
        self._after_call = False
        self._object = JSONObject()
        self._input: PlainInput | None = None
        self._made: list[str] = []  # the calls so far, each its name and arguments
        self._call = ""  # the one that is read
        self._may_repeat = False  # one of those before it
        self._held: list[Event] = []  # of it, while it may repeat another

    @property
    def called(self) -> bool:
        """Whether a call was begun: the finish reason of a model that stopped is `tool_calls`."""
        return self._index >= 0

    @property
    def repeated(self) -> bool:
        """Whether a call came a second time: no more is wanted."""
        return self._state == "over"

    def push(
        self, text: str, tokens: int = 1, logprobs: Sequence[TokenLogprob] = ()
    ) -> list[Event]:
        """What has become certain by the next piece, which took so many tokens."""
        self._tokens += tokens
        if text or logprobs:
            self._pieces.append(Piece(text, logprobs))
        events: list[Event] = []
        while self._step(events):
            pass
        return self._counted(events)

    def finish(self) -> list[Event]:
        """What is left when nothing more comes.

        What is cut off before the name of a call is shown to nobody: it is no text. Nor is a call
        that is cut off before it differs from one before it.
        """
        events: list[Event] = []
        self._drop_held()
        if self._state == "text":
            self._tell(len(self._waiting), events, last=True)
        if self._tokens and not events:
            events.append(self._delta() if self.called else TextDelta("", self._choice))
        self._pieces.clear()
        return self._counted(events)

    @property
    def _waiting(self) -> str:
        return "".join([piece.text for piece in self._pieces])

    def _step(self, events: list[Event]) -> bool:
        """Go on by what is waiting; whether there may be more to do."""
        waiting = self._waiting
        match self._state:
            case "text":
                return self._text(waiting, events)
            case "name":
                return self._name(waiting, events)
            case "colon":
                return self._colon(waiting)
            case "arguments":
                return self._arguments(waiting, events)
            case "close":
                return self._close(waiting)
            case "over":
                return False

    def _text(self, waiting: str, events: list[Event]) -> bool:
        start = waiting.find(OPEN)
        if start >= 0:
            self._tell(start, events)
            self._state = "name"
            return True
        held = next(
            (size for size in range(len(OPEN) - 1, 0, -1) if waiting.endswith(OPEN[:size])), 0
        )
        ready = len(waiting) - held
        if waiting[:ready].strip() or not self._after_call:
            self._tell(self._whole_pieces(ready), events)
        return False

    def _name(self, waiting: str, events: list[Event]) -> bool:
        found = NAME.match(waiting, len(OPEN))
        if found is None:
            return False
        name: str = json.loads(found.group(1), strict=False)
        self._begin(name)
        self._tell_call(self._delta(name=name), f"{name}\0", events)
        self._drop(found.end())
        self._state = "colon"
        return True

    def _colon(self, waiting: str) -> bool:
        found = ARGUMENTS.match(waiting)
        if found is None:
            return False
        self._drop(found.end())
        self._state = "arguments"
        return True

    def _arguments(self, waiting: str, events: list[Event]) -> bool:
        size = self._object.take(waiting)
        text = waiting[:size] if self._input is None else self._input.take(waiting[:size])
        if text:
            self._tell_call(self._delta(arguments=text), text, events)
        self._drop(size)
        if self._object.complete:
            self._complete(events)
        return self._object.complete

    def _tell_call(self, event: Event, text: str, events: list[Event]) -> None:
        """Tell what is read of a call, unless it may still be one of those before it."""
        self._call += text
        self._held.append(event)
        if self._may_repeat:
            meant = self._meant()
            self._may_repeat = any(made.startswith(meant) for made in self._made)
        if not self._may_repeat:
            events += self._held
            self._held.clear()

    def _meant(self) -> str:
        """The call without what makes no difference to it."""
        return self._call if self._input is not None else SPACE.sub(r"\1", self._call)

    def _complete(self, events: list[Event]) -> None:
        meant = self._meant()
        self._state = "over" if meant in self._made else "close"
        if self._state == "over":
            self._drop_held()
            return
        self._made.append(meant)
        events += self._held
        self._held.clear()

    def _drop_held(self) -> None:
        """Forget the call that is held back, as if it had not begun."""
        if self._held:
            self._held.clear()
            self._index -= 1

    def _close(self, waiting: str) -> bool:
        end = waiting.find(CLOSE)
        if end < 0:
            return False
        self._drop(end + len(CLOSE))
        self._after_call = True
        self._state = "text"
        return True

    def _begin(self, name: str) -> None:
        self._index += 1
        self._call, self._may_repeat = "", bool(self._made)
        self._object = JSONObject()
        self._input = PlainInput() if self._kinds.get(name) == "custom" else None

    def _delta(self, *, name: str | None = None, arguments: str = "") -> ToolCallDelta:
        return ToolCallDelta(self._index, name, arguments, choice=self._choice)

    def _whole_pieces(self, size: int) -> int:
        """The size, or less: a piece with logprobs is told in one."""
        told = 0
        for piece in self._pieces:
            if told + len(piece.text) > size:
                return told if piece.logprobs else size
            told += len(piece.text)
        return told

    def _tell(self, size: int, events: list[Event], *, last: bool = False) -> None:
        """Tell the first characters that are waiting as text; space after a call is left out."""
        taken = self._drop(size) + (self._pieces if last else [])
        text = "".join([piece.text for piece in taken])
        entries = [entry for piece in taken for entry in piece.logprobs]
        if self._after_call and not text.strip():
            return
        if text or entries:
            self._after_call = False
            events.append(TextDelta(text, self._choice, logprobs=entries))

    def _drop(self, size: int) -> list[Piece]:
        """Take the first characters that are waiting away, with their pieces."""
        taken = []
        while size > 0:
            piece = self._pieces.pop(0)
            if len(piece.text) > size:
                piece, rest = _split(piece, size)
                self._pieces.insert(0, rest)
            taken.append(piece)
            size -= len(piece.text)
        return taken

    def _counted(self, events: list[Event]) -> list[Event]:
        """The events, the first with all the tokens that have not been counted yet."""
        for event in events:
            event.tokens, self._tokens = self._tokens, 0  # type: ignore[union-attr]
        return events


def _split(piece: Piece, size: int) -> tuple[Piece, Piece]:
    """The piece's first characters, and the others; an entry that stands in both is cut in two."""
    before, behind = [], []
    left = size
    for entry in piece.logprobs:
        if left > 0:
            before.append(replace(entry, token=entry.token[:left]))
        if left < len(entry.token):
            behind.append(replace(entry, token=entry.token[max(left, 0) :]))
        left -= len(entry.token)
    return Piece(piece.text[:size], before), Piece(piece.text[size:], behind)
