"""The arguments of a call as they come: where they end, and the plain input inside them."""

from __future__ import annotations

import json
import re

# The inside of a JSON string as far as it is certain: no half of an escape or of a surrogate pair.
CERTAIN = re.compile(
    r'(?:[^"\\]++|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[0-9a-fA-F]{4}|(?=[^\\]|\\[^u])))*+"
)
SURROGATE = re.compile("[\ud800-\udfff]")
INPUT_HEAD = re.compile(r'\s*\{\s*"input"\s*:\s*"')


class JSONObject:
    """Finds the end of a JSON object that comes in pieces."""

    def __init__(self) -> None:
        self.complete = False
        self._depth = 0
        self._quoted = self._escaped = False

    def take(self, text: str) -> int:
        """How many characters of the text belong to the object."""
        for index, character in enumerate(text):
            if self._quoted:
                self._in_string(character)
            elif character == '"':
                self._quoted = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self.complete = True
                    return index + 1
        return len(text)

    def _in_string(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._quoted = False


class PlainInput:
    """Reads the text out of `{"input": "…"}` as it comes in pieces."""

    def __init__(self) -> None:
        self._waiting = ""
        self._inside = self._over = False

    def take(self, text: str) -> str:
        """What of the input has become certain."""
        if self._over:
            return ""
        self._waiting += text
        if not self._inside:
            head = INPUT_HEAD.match(self._waiting)
            if head is None:
                return ""
            self._inside, self._waiting = True, self._waiting[head.end() :]
        end = _closing_quote(self._waiting)
        if end is not None:
            self._over = True
            return _decoded(self._waiting[:end])
        found = CERTAIN.match(self._waiting)
        certain = found.end() if found else 0
        ready, self._waiting = self._waiting[:certain], self._waiting[certain:]
        return _decoded(ready)


def _closing_quote(text: str) -> int | None:
    found = re.match(r'(?:[^"\\]|\\.)*"', text, re.DOTALL)
    return None if found is None else found.end() - 1


def _decoded(text: str) -> str:
    """The text inside the quotes of a JSON string; half a surrogate pair becomes a mark."""
    decoded: str = json.loads(f'"{text}"', strict=False)
    return SURROGATE.sub("\ufffd", decoded)
