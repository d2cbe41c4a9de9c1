"""One choice of an answer: the engine's tokens as the seam's events."""

from collections.abc import Sequence

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
    calls, where tools may be called.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        detokenizer: Detokenizer,
        *,
        choice: int,
        logprobs: int | None,
        reader: CallReader | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._detokenizer = detokenizer
        self._choice = choice
        self._logprobs = logprobs
        self._reader = reader
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
            if text:
                events += self._piece(text)
        if progress.finish is not None:
            events += self._end(progress.finish)
        return events

    def _piece(self, text: str) -> Sequence[Event]:
        tokens, told = self._tokens, tuple(self._told)
        self._tokens = 0
        self._told.clear()
        if self._reader is not None:
            return self._reader.push(text, tokens, told)
        return [TextDelta(text, self._choice, tokens, told)]

    def _end(self, reason: FinishReason) -> list[Event]:
        self.finished = True
        events: list[Event] = []
        if text := self._detokenizer.flush():
            events += self._piece(text)
        if self._reader is not None:
            events += self._reader.finish()
            if reason == "stop" and self._reader.called:
                reason = "tool_calls"
        return [*events, Finish(reason, self._choice)]


def token_logprob(drawn: Drawn, text: str, alternatives: int, tokenizer: Tokenizer) -> TokenLogprob:
    """A token as it is told: `text` is what it adds, so that the texts of all join."""
    top = [
        (text if token == drawn.token else tokenizer.token_text(token), logprob)
        for token, logprob in drawn.top[:alternatives]
    ]
    return TokenLogprob(text, drawn.logprob, top)
