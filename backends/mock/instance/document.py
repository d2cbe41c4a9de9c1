"""Writes a JSON document that a grammar accepts: short, plain, and the same each time."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from backends.mock.instance.pen import END, Pen, StuckError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llguidance import LLMatcher

    from backends.mock.instance.schema import Hints

TURNS = 8
VARIANTS = 2 * TURNS
"""Half of them each begin with another of the schema's own values, the others draw lots."""
MAX_DEPTH = 64
SHALLOW_DEPTH, SHALLOW_BYTES = 3, 500
"""Up to here a document has what is optional too."""

WORDS = (b'"text"', b'"word"', b'"note"', b'"line"')
SAMPLES = (
    b"1 0.5 0 1.5 true false"
    b' "a" "user@example.com" "2025-01-31" "2025-01-31T12:00:00Z" "12:00:00Z" "P1D"'
    b' "https://example.com" "example.com" "192.0.2.1" "2001:db8::1" "/text"'
    b' "123e4567-e89b-42d3-a456-426614174000"'
).split()
STRING, OBJECT, ARRAY, NUMBER, NULL = b'"', b"{", b"[", b"-0123456789", b"null"


class Document:
    """One attempt: where a value of the schema's own or a sample fits, it is written whole."""

    def __init__(
        self, matcher: LLMatcher, hints: Hints, *, seed: int, variant: int, deadline: float
    ) -> None:
        lot = Random(f"{seed} {variant}")  # noqa: S311 - the same each time, and no secret
        self._pen = Pen(matcher, lot=lot, deadline=deadline)
        self._lot = lot if variant >= TURNS else None
        word = WORDS[seed % len(WORDS)]
        own = (*hints.words, *_turned(hints.values, variant))
        if variant:
            self._values = (*own, *hints.bounds, word, *SAMPLES)
            self._keys = own
        else:
            self._values = (word, *own, *SAMPLES, *hints.bounds)
            self._keys = ()
        self._names = _turned(hints.names, variant)
        self._writers: dict[bytes, Callable[[int], None]] = {
            STRING: self._string,
            NUMBER: self._number,
            OBJECT: self._object,
            ARRAY: self._array,
        }

    def write(self) -> str:
        """The whole document.

        Raises:
            StuckError: the attempt leads nowhere.
        """
        self._value(0)
        return self._pen.decoded()

    def _value(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise StuckError("it nests without end")
        allowed = self._pen.allowed()
        for choice in self._choices(depth):
            writer = self._writers.get(choice)
            if writer is None and self._fits(choice):
                return self._pen.put(choice)
            if writer is not None and not set(choice).isdisjoint(allowed):
                return writer(depth)
        raise StuckError("nothing fits")

    def _choices(self, depth: int) -> list[bytes]:
        values, brackets = [*self._values, STRING, NUMBER], [OBJECT, ARRAY]
        if self._lot:
            self._lot.shuffle(values)
            self._lot.shuffle(brackets)
        if not self._is_shallow(depth):
            return [*values, NULL, *brackets]
        if self._lot and self._lot.randrange(2):
            return [*brackets, *values, NULL]
        return [*values, *brackets, NULL]

    def _object(self, depth: int) -> None:
        self._pen.put(OBJECT)
        keys: list[bytes] = []
        while self._key(keys, shallow=self._is_shallow(depth)):
            self._value(depth + 1)
        self._pen.put(b"}")

    def _key(self, keys: list[bytes], *, shallow: bool) -> bool:
        """Write the name of one more member, unless the object is better closed."""
        allowed = self._pen.allowed()
        closable = b"}" in allowed
        if closable and (allowed == b"}" or not shallow):
            return False
        comma = b"," if keys else b""
        invented = b'"key%d"' % (len(keys) + 1) if keys else b'"key"'
        is_map = self._pen.accepts(comma + invented + b":")
        if closable and is_map and keys:
            return False  # one member shows what others would be like
        for name in self._candidates(keys, invented, is_map=is_map):
            if name not in keys and self._pen.accepts(comma + name + b":"):
                keys.append(name)
                self._pen.put(comma + name + b":")
                return True
        if closable and keys:
            return False
        self._pen.put(comma)
        start = len(self._pen.text)
        self._string()
        keys.append(bytes(self._pen.text[start:]))
        self._pen.put(b":")
        return True

    def _candidates(self, keys: list[bytes], invented: bytes, *, is_map: bool) -> list[bytes]:
        names = self._names
        if keys and keys[-1] in names:  # what stood after it in the schema comes after it here
            after = names.index(keys[-1]) + 1
            names = names[after:] + names[:after]
        found = [*self._keys, invented, *names] if is_map else [*names]
        if self._lot:
            self._lot.shuffle(found)
        return found

    def _array(self, depth: int) -> None:
        self._pen.put(ARRAY)
        allowed = self._pen.allowed()
        if b"]" not in allowed or (allowed != b"]" and self._is_shallow(depth)):
            self._value(depth + 1)
            while b"]" not in self._pen.allowed():
                self._pen.put(b",")
                self._value(depth + 1)
        self._pen.put(b"]")

    def _string(self, _depth: int = 0) -> None:
        self._pen.put(STRING)
        is_empty = True
        while STRING not in (allowed := self._pen.allowed()) or (is_empty and allowed != STRING):
            self._pen.draw(allowed.replace(STRING, b""))
            is_empty = False
            if self._pen.text.endswith(b"\\"):
                self._pen.draw(self._pen.allowed())  # a quote after a backslash closes nothing
        self._pen.put(STRING)

    def _number(self, _depth: int = 0) -> None:
        while not self._fits(b""):
            allowed = self._pen.allowed()
            self._pen.draw(bytes(byte for byte in allowed if byte in b"0123456789") or allowed)

    def _fits(self, value: bytes) -> bool:
        """Whether the value can stand here, and be complete."""
        accepts = self._pen.accepts
        return accepts(value) and any(accepts((*value, end)) for end in (*b",}]", END))

    def _is_shallow(self, depth: int) -> bool:
        return depth <= SHALLOW_DEPTH and len(self._pen.text) <= SHALLOW_BYTES


def _turned(values: tuple[bytes, ...], variant: int) -> tuple[bytes, ...]:
    """The values, beginning further on in each variant."""
    first = len(values) * (variant % TURNS) // TURNS
    return (*values[first:], *values[:first])
