"""Writes a text that a grammar accepts, byte by byte."""

from __future__ import annotations

import time
from itertools import compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from llguidance import LLMatcher

MAX_BYTES = 50_000
END = 261
"""The byte tokenizer's end of text."""
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SIGNS = bytes(byte for byte in range(0x20, 0x7F) if byte not in _LETTERS + b'"\\')


class StuckError(Exception):
    """This attempt leads nowhere; the message says why."""


class Pen:
    """What has been written so far, and what may follow; `lot` draws where nothing is preferred."""

    def __init__(self, matcher: LLMatcher, *, lot: Random, deadline: float) -> None:
        self.text = bytearray()
        self.lot = lot
        self._matcher = matcher.deep_copy()
        self._deadline = deadline

    def line(self) -> str:
        """A whole text, and not the empty one where there is another.

        Raises:
            StuckError: the attempt leads nowhere.
        """
        while not (self._matcher.is_accepting() and (self.text or not self._following())):
            self.draw(self.allowed())
        return self.decoded()

    def allowed(self) -> bytes:
        """The bytes that may follow: one at least."""
        found = self._following()
        if not found:
            raise StuckError("nothing fits")
        return found

    def _following(self) -> bytes:
        return bytes(compress(range(256), self._matcher.compute_logit_bias()))

    def accepts(self, tokens: Sequence[int]) -> bool:
        """Whether all these bytes may follow."""
        return self._matcher.validate_tokens(list(tokens)) == len(tokens)

    def draw(self, choice: bytes) -> None:
        """Write one of these bytes, any: so a loop of the grammar is left sooner or later."""
        letters = [byte for byte in choice if byte in _LETTERS]
        signs = [byte for byte in choice if byte in _SIGNS]
        pool = signs if signs and (not letters or self.lot.random() < 1 / 4) else letters
        self.put(bytes([self.lot.choice(pool or choice)]))

    def put(self, data: bytes) -> None:
        """Write these bytes, which the grammar allows."""
        if len(self.text) + len(data) > MAX_BYTES:
            raise StuckError(f"it is longer than {MAX_BYTES} bytes")
        if time.monotonic() > self._deadline:
            raise StuckError("it takes too long")
        if not self._matcher.consume_tokens(list(data)):
            raise StuckError("it is too complex")
        self.text += data

    def decoded(self) -> str:
        """What has been written."""
        try:
            return self.text.decode()
        except UnicodeDecodeError:
            raise StuckError("it is not Unicode") from None
