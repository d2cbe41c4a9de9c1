"""Text from one token at a time."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.torch.text.tokenizer import Tokenizer

_Decoder = getincrementaldecoder("utf-8")


class Detokenizer:
    """The text of one sequence, as it comes; what it gives joins to `tokenizer.decode` of all.

    A character whose last byte has not come is held back. `special` shows the special tokens.
    Where a text goes on that a prompt began, `begins` is False, and the space before the first
    word stays.
    """

    def __init__(self, tokenizer: Tokenizer, *, special: bool = False, begins: bool = True) -> None:
        self._tokenizer = tokenizer
        self._hidden = frozenset[int]() if special else tokenizer.special
        self._begins = begins and tokenizer.pieces.leading_space
        self._decoder = _Decoder(errors="replace")

    def push(self, token: int) -> str:
        """What can be shown now that this token has come, maybe nothing."""
        if token in self._hidden:
            return ""
        content = self._tokenizer.token_bytes(token)
        if self._begins and content:
            self._begins = False
            content = content.removeprefix(b" ")
        return self._decoder.decode(content)

    def flush(self) -> str:
        """What was held back, U+FFFD for a character that never was completed."""
        return self._decoder.decode(b"", final=True)
