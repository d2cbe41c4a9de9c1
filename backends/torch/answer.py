"""One choice of an answer: the engine's tokens as the seam's events."""

from collections.abc import Sequence
from dataclasses import replace

from backends.protocol import (
    Event,
    Finish,
    FinishReason,
    TextDelta,
    TokenLogprob,
)
from backends.torch.engine.run import Progress
from backends.torch.grammar.calls import CallReader
from backends.torch.sampling.drawing import Drawn
from backends.torch.text.detokenizer import Detokenizer
from backends.torch.text.tokenizer import Tokenizer


class Answer:
    """Makes events of what each step brings one choice.

    A token that is no whole character waits for those that complete it. `reader` finds the tool
    calls, where tools may be called. Who reads the events cuts them at a stop string; here it is
    looked for in `stops` only so as to know when no more is wanted. Before one of `turn_ends` the
    answer ends, and at a call that is made a second time.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        detokenizer: Detokenizer,
        *,
        choice: int,
        logprobs: int | None,
        reader: CallReader | None,
        stops: Sequence[str] = (),
        turn_ends: Sequence[str] = (),
    ) -> None:
        self._tokenizer = tokenizer
        self._detokenizer = detokenizer
        self._choice = choice
        self._logprobs = logprobs
        self._reader = reader
        self._stops = stops
        self._tail = ""  # the end of the text, in which a stop string may have begun
        self._turn_ends = turn_ends
        self._held = ""  # text that may begin the next turn
        self._tokens = 0
        self._told: list[TokenLogprob] = []
        self.tokens = 0
        self.finished = False

    def take(self, progress: Progress) -> list[Event]:
        """The events of a step."""
        events: list[Event] = []
        for drawn in progress.drawn:
            self.tokens += 1
            self._tokens += 1
            text = self._detokenizer.push(drawn.token)
            if self._logprobs is not None:
                self._told.append(token_logprob(drawn, text, self._logprobs, self._tokenizer))
            text = self._held + text
            if (end := self._turn_end(text)) is not None:
                return [*events, *self._cut(text[:end])]
            self._held = text if self._may_end(text) else ""
            if text and not self._held:
                events += self._piece(text)
                if self._reader is not None and self._reader.repeated:
                    return [*events, *self._end("stop")]
        if progress.finish is not None:
            events += self._end(progress.finish)
        elif self._stops and self._stopped(events):
            self.finished = True
            events.append(Finish("stop", self._choice))
        return events

    def _piece(self, text: str) -> Sequence[Event]:
        tokens, told = self._tokens, tuple(self._told)
        self._tokens = 0
        self._told.clear()
        if self._reader is not None:
            return self._reader.push(text, tokens, told)
        return [TextDelta(text, self._choice, tokens, told)]

    def _turn_end(self, text: str) -> int | None:
        ends = (text.find(end) for end in self._turn_ends)
        return min((found for found in ends if found >= 0), default=None)

    def _may_end(self, text: str) -> bool:
        return any(
            text.endswith(end[:length])
            for end in self._turn_ends
            for length in range(1, min(len(end), len(text) + 1))
        )

    def _cut(self, text: str) -> list[Event]:
        """The end, with `text` of what was held."""
        self._held, left, kept = "", len(text), []
        for told in self._told:
            if left > 0:
                kept.append(replace(told, token=told.token[:left]))
                left -= len(told.token)
        self._told = kept
        self._detokenizer.flush()
        return [*(self._piece(text) if text else ()), *self._end("stop")]

    def _stopped(self, events: Sequence[Event]) -> bool:
        new = [event.text for event in events if isinstance(event, TextDelta)]
        text = self._tail + "".join(new)
        self._tail = text[max(0, len(text) - max(map(len, self._stops)) + 1) :]
        return any(stop in text for stop in self._stops)

    def _end(self, reason: FinishReason) -> list[Event]:
        self.finished = True
        events: list[Event] = []
        text = self._held + self._detokenizer.flush()
        if text or self._told:
            events += self._piece(text)
        if self._reader is not None:
            events += self._reader.finish()
            if reason == "stop" and self._reader.called:
                reason = "tool_calls"
        return [*events, Finish(reason, self._choice)]


def token_logprob(drawn: Drawn, text: str, alternatives: int, tokenizer: Tokenizer) -> TokenLogprob:
    """A token as it is told: `text` is what it adds, so that the texts of all join."""
    own = tokenizer.token_bytes(drawn.token)
    behind = text.startswith("\ufffd") and not own.startswith(text.encode()[:1])
    part = own if behind or not _is_text(own) else None
    shown = text if part is None else tokenizer.token_text(drawn.token)
    top = [
        (shown if token == drawn.token else tokenizer.token_text(token), logprob)
        for token, logprob in drawn.top[:alternatives]
    ]
    return TokenLogprob(text, drawn.logprob, top, part)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
