"""Stop strings in a stream of pieces: found across their borders, no prefix ever let out."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from backends.protocol import TextDelta, TokenLogprob
from backends.protocol.tokenizer import count


class StopFilter:
    """Lets pieces through until a stop string appears in their joined text."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held: deque[TextDelta] = deque()
        self._text = ""
        self.stopped = False

    def push(self, piece: TextDelta) -> list[TextDelta]:
        """The pieces that are now certain to stand before any stop string."""
        self._held.append(piece)
        self._text += piece.text
        found = [(at + len(s), at) for s in self._stops if (at := self._text.find(s)) >= 0]
        if found:
            # The stop that is complete first, however large the pieces are.
            self.stopped = True
            return self._release(min(found)[1], cut=True)
        return self._release(self._safe(), cut=False)

    def flush(self) -> list[TextDelta]:
        """What is still held back, when no more will come."""
        return self._release(len(self._text), cut=False)

    def _safe(self) -> int:
        text, length = self._text, len(self._text)
        longest = 0
        for stop in self._stops:
            for size in range(min(len(stop) - 1, length), longest, -1):
                if text.endswith(stop[:size]):
                    longest = size
                    break
        return length - longest

    def _release(self, end: int, *, cut: bool) -> list[TextDelta]:
        released = []
        while self._held and len(self._held[0].text) <= end:
            piece = self._held.popleft()
            end -= len(piece.text)
            self._text = self._text[len(piece.text) :]
            released.append(piece)
        if cut and end and self._held:
            head = self._held[0].text[:end]
            released.append(cut_piece(self._held[0], end, count(head)))
        return released


def cut_piece(piece: TextDelta, characters: int, tokens: int) -> TextDelta:
    """The first characters of a piece, which are that many tokens; its logprobs are cut with it."""
    logprobs: list[TokenLogprob] = []
    left = characters
    for token in piece.logprobs:
        if left <= 0:
            break
        logprobs.append(replace(token, token=token.token[:left]))
        left -= len(token.token)
    return replace(piece, text=piece.text[:characters], tokens=tokens, logprobs=logprobs)
