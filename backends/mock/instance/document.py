"""Writes a JSON document that a grammar accepts: short, plain, and the same each time."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from backends.mock.instance.choices import ARRAY, NUMBER, OBJECT, STRING, Choices
from backends.mock.instance.pen import END, Pen, StuckError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from llguidance import LLMatcher

    from backends.mock.instance.schema import Hints

MAX_DEPTH = 64


class Document:
    """One attempt: what is preferred and fits is written whole, the rest byte by byte."""

    def __init__(
        self, matcher: LLMatcher, hints: Hints, *, seed: int, variant: int, deadline: float
    ) -> None:
        lot = Random(f"{seed} {variant}")  # noqa: S311 - the same each time, and no secret
        self._pen = Pen(matcher, lot=lot, deadline=deadline)
        self._choices = Choices(hints, lot, seed=seed, variant=variant)
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

    def _value(self, depth: int, taken: Collection[bytes] = ()) -> None:
        if depth > MAX_DEPTH:
            raise StuckError("it nests without end")
        allowed = self._pen.allowed()
        for choice in self._choices.values(shallow=self._is_shallow(depth)):
            writer = self._writers.get(choice)
            if writer is None and choice not in taken and self._fits(choice):
                return self._pen.put(choice)
            if writer is not None and not set(choice).isdisjoint(allowed):
                return writer(depth)
        raise StuckError("nothing fits")

    def _object(self, depth: int) -> None:
        self._pen.put(OBJECT)
        keys: dict[bytes, None] = {}
        while self._key(keys, shallow=self._is_shallow(depth)):
            self._value(depth + 1)
        self._pen.put(b"}")

    def _key(self, keys: dict[bytes, None], *, shallow: bool) -> bool:
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
        names = self._choices.names(next(reversed(keys), b""), invented if is_map else None)
        fresh = (one for one in names if one not in keys)
        name = next((one for one in fresh if self._pen.accepts(comma + one + b":")), None)
        if name is None and closable and keys:
            return False
        self._pen.put(comma)
        start = len(self._pen.text)
        if name is None:
            self._string()
        else:
            self._pen.put(name)
        keys[bytes(self._pen.text[start:])] = None
        self._pen.put(b":")
        return True

    def _array(self, depth: int) -> None:
        self._pen.put(ARRAY)
        allowed = self._pen.allowed()
        if b"]" not in allowed or (allowed != b"]" and self._is_shallow(depth)):
            items: set[bytes] = set()
            self._item(items, depth)
            while b"]" not in self._pen.allowed():
                self._pen.put(b",")
                self._item(items, depth)
        self._pen.put(b"]")

    def _item(self, items: set[bytes], depth: int) -> None:
        """Write one more item; after the first variant none twice, if it can be helped."""
        start = len(self._pen.text)
        self._value(depth + 1, taken=items if self._choices.is_varied else ())
        items.add(bytes(self._pen.text[start:]))

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
        return self._choices.is_shallow(depth, len(self._pen.text))
