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
    ToolCallDelta,
)
from backends.protocol.tokenizer import count, split

Delta = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta


class Choice:
    """Counts what goes out, and ends the choice where the request says.

    `max_tokens` is None and `stops` is empty where the backend minds them itself.
    """

    __slots__ = ("_index", "_left", "_stops", "done", "reasoning_tokens", "tokens", "unbounded")

    def __init__(self, index: int, max_tokens: int | None, stops: Sequence[str]) -> None:
        self._index = index
        self._left = max_tokens
        self._stops = StopFilter(stops) if stops else None
        self.unbounded = max_tokens is None and not stops
        self.tokens = 0
        self.reasoning_tokens = 0
        self.done = False

    def take(self, delta: Delta) -> Sequence[Delta | Finish]:
        """What may go out now that `delta` has come in."""
        tokens = token_count(delta)
        at_limit = self._left is not None and tokens >= self._left and tokens > 0
        if self._left is not None:
            if tokens > self._left:
                delta = cut_to_tokens(delta, self._left)
            self._left -= min(tokens, self._left)
        if self._stops is None or not isinstance(delta, TextDelta):
            out: list[Delta] = [delta] if content(delta) else []
        else:
            out = [*self._stops.push(delta)]
        self._count(out)
        if self._stops is not None and self._stops.stopped:
            return [*out, *self.finish("stop")]
        return [*out, *self.finish("length")] if at_limit else out

    def finish(self, reason: FinishReason) -> Sequence[Delta | Finish]:
        """What is still held back, and the end."""
        held = [] if self._stops is None or self._stops.stopped else self._stops.flush()
        self._count(held)
        self.done = True
        return [*held, Finish(reason, self._index)]

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
