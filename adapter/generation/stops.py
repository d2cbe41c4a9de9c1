"""Stop strings in a stream of pieces: found across their borders, no prefix ever let out."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from backends.protocol import TextDelta, TokenLogprob
from backends.protocol.tokenizer import count


class StopFilter:
    """Lets pieces through until a stop string is complete in their joined text.

    Where several are complete, the first to be so counts, however large the pieces are.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._searches = [_Search(stop) for stop in stops]
        self._held: deque[TextDelta] = deque()
        self._held_characters = 0
        self.stopped = False

    def push(self, piece: TextDelta) -> list[TextDelta]:
        """The pieces that are now certain to stand before any stop string."""
        found = [
            (end, end - len(search.stop))
            for search in self._searches
            if (end := search.feed(piece.text)) is not None
        ]
        before = self._held_characters
        self._held.append(piece)
        self._held_characters += len(piece.text)
        if found:
            self.stopped = True
            return self._release(before + min(found)[1], cut=True)
        longest = max(search.matched for search in self._searches)
        return self._release(self._held_characters - longest, cut=False)

    def flush(self) -> list[TextDelta]:
        """What is still held back, when no more will come."""
        return self._release(self._held_characters, cut=False)

    def _release(self, end: int, *, cut: bool) -> list[TextDelta]:
        released = []
        while self._held and len(self._held[0].text) <= end:
            piece = self._held.popleft()
            end -= len(piece.text)
            self._held_characters -= len(piece.text)
            released.append(piece)
        if cut and end and self._held:
            head = self._held[0].text[:end]
            released.append(cut_piece(self._held[0], end, count(head)))
        return released


class _Search:
    """One stop string, matched a character at a time in linear time.

    Source: Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977.
    """

    def __init__(self, stop: str) -> None:
        self.stop = stop
        self.matched = 0
        self._shorter = [0] * len(stop)
        matched = 0
        for at in range(1, len(stop)):
            matched = self._next(matched, stop[at])
            self._shorter[at] = matched

    def feed(self, text: str) -> int | None:
        """Where in `text` the stop string is complete; None while it is not."""
        for at, character in enumerate(text, 1):
            self.matched = self._next(self.matched, character)
            if self.matched == len(self.stop):
                return at
        return None

    def _next(self, matched: int, character: str) -> int:
        while matched and self.stop[matched] != character:
            matched = self._shorter[matched - 1]
        return matched + (self.stop[matched] == character)


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
