"""One choice of an answer: its token count, its length limit, its stop strings, its end."""

from collections.abc import Sequence
from dataclasses import replace

from adapter.generation.stops import StopFilter, cut_piece
from backends.protocol import (
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRun,
    ToolCallDelta,
)
from backends.protocol.tokenizer import count, split

Delta = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta
Out = Delta | TextRun | Finish


class Choice:
    """Counts what goes out, and ends the choice where the request says.

    `max_tokens` is None and `stops` is empty where the backend minds them itself. `echo` is text
    that goes before the first token and is not counted.
    """

    __slots__ = ("_echo", "_index", "_left", "_stops", "done", "reasoning_tokens", "tokens")

    def __init__(
        self, index: int, max_tokens: int | None, stops: Sequence[str], echo: str | None
    ) -> None:
        self._index = index
        self._left = max_tokens
        self._stops = StopFilter(stops) if stops else None
        self._echo = echo
        self.tokens = 0
        self.reasoning_tokens = 0
        self.done = False

    def take(self, delta: Delta | TextRun) -> Sequence[Out]:
        """What may go out now that `delta` has come in."""
        begun = self._begin()
        if not isinstance(delta, TextRun):
            return [*begun, *self._take(delta)]
        if self._stops is None:
            return [*begun, *self._take_run(delta)]
        out: list[Out] = [*begun]
        for piece in delta.pieces:
            if not self.done:
                out += self._take(TextDelta(piece, self._index, 1))
        return out

    def finish(self, reason: FinishReason) -> Sequence[Out]:
        """What is still held back, and the end."""
        begun = self._begin()
        held = [] if self._stops is None or self._stops.stopped else self._stops.flush()
        self._count(held)
        self.done = True
        return [*begun, *held, Finish(reason, self._index)]

    def _begin(self) -> Sequence[Out]:
        if self._echo is None:
            return ()
        echo, self._echo = self._echo, None
        return (TextDelta(echo, self._index, prompt=True),)

    def _take_run(self, run: TextRun) -> Sequence[Out]:
        pieces = run.pieces
        if self._left is None or len(pieces) < self._left:
            if self._left is not None:
                self._left -= len(pieces)
            self.tokens += len(pieces)
            return (run,)
        self.tokens += self._left
        kept = TextRun(pieces[: self._left], self._index)
        return (kept, *self.finish("length"))

    def _take(self, delta: Delta) -> Sequence[Out]:
        tokens = token_count(delta)
        at_limit = self._left is not None and tokens >= self._left and tokens > 0
        if self._left is not None:
            if tokens > self._left:
                delta = cut_to_tokens(delta, self._left)
            self._left -= min(tokens, self._left)
        if self._stops is None or not isinstance(delta, TextDelta) or delta.prompt:
            out: list[Delta] = [delta] if content(delta) else []
        else:
            out = [*self._stops.push(delta)]
        self._count(out)
        if self._stops is not None and self._stops.stopped:
            return [*out, *self.finish("stop")]
        return [*out, *self.finish("length")] if at_limit else out

    def _count(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            tokens = token_count(delta)
            self.tokens += tokens
            if isinstance(delta, ReasoningDelta):
                self.reasoning_tokens += tokens


def content(delta: Delta) -> str:
    """What a delta adds that is counted."""
    if isinstance(delta, ToolCallDelta):
        return (delta.name or "") + delta.arguments
    return delta.text


def token_count(delta: Delta) -> int:
    """The tokens of a delta: the backend's count, or the default tokenizer's."""
    if isinstance(delta, TextDelta) and delta.prompt:
        return 0
    return count(content(delta)) if delta.tokens is None else delta.tokens


def cut_to_tokens(delta: Delta, tokens: int) -> Delta:
    """The first `tokens` tokens of a delta."""
    if isinstance(delta, ToolCallDelta):
        spent = count(delta.name or "")
        arguments = "".join(split(delta.arguments)[: max(0, tokens - spent)])
        return replace(delta, arguments=arguments, tokens=tokens)
    text = "".join(split(delta.text)[:tokens])
    if isinstance(delta, TextDelta):
        return cut_piece(delta, len(text), tokens)
    return replace(delta, text=text, tokens=tokens)
