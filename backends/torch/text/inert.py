"""What clients wrote, kept from being read as the marks of a template.

A template writes `<|im_end|>` where a turn ends, and the tokenizer makes one token of it. It would
do so in a message too, whose author could then speak in anybody's name. So where a mark begins in
a client's text a seam is put behind its first character, and what lies between seams is encoded
by itself.
"""

from __future__ import annotations

import re
from secrets import choice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

NONCHARACTERS = [chr(code) for code in range(0xFDD0, 0xFDF0)]
LENGTH = 16
"""Of these at random, a seam is nothing that a client can know and write."""


class Inert:
    """Puts seams into the texts of clients, and takes a prompt apart at them."""

    def __init__(self, marks: Collection[str]) -> None:
        self._seam = "".join(choice(NONCHARACTERS) for _ in range(LENGTH))
        # a mark of one character cannot be taken apart
        marked = "|".join(re.escape(mark) for mark in sorted(marks) if len(mark) > 1)
        self._starts = re.compile(f"(?=(?:{marked}))(.)", re.DOTALL) if marked else None

    def sewn(self, value: Any) -> Any:  # noqa: ANN401 - a part of a message is any JSON
        """The value, with a seam in each mark of its texts."""
        if isinstance(value, str):
            return value if self._starts is None else self._starts.sub(rf"\1{self._seam}", value)
        if isinstance(value, dict):
            return {self.sewn(key): self.sewn(one) for key, one in value.items()}
        return [self.sewn(one) for one in value] if isinstance(value, list) else value

    def apart(self, prompt: str) -> list[str]:
        """The pieces of a prompt, each of which is encoded by itself."""
        return prompt.split(self._seam)
