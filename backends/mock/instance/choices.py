"""What to write first where a grammar leaves a choice."""

from random import Random

from backends.mock.instance.schema import Hints

TURNS = 8
VARIANTS = 2 * TURNS
"""After the first half, which each begin with another of the schema's own values, all is drawn by
lot; every second of the drawn ones has nothing optional."""
SHALLOW_DEPTH, SHALLOW_BYTES = 3, 500
"""Up to here a document has what is optional."""

STRING, OBJECT, ARRAY, NUMBER, NULL = b'"', b"{", b"[", b"-0123456789", b"null"
"""What a value begins with, where it is not written whole."""
WORDS = (b'"text"', b'"word"', b'"note"', b'"line"')
SAMPLES = (
    b"1 0.5 0 1.5 true false"
    b' "a" "user@example.com" "2025-01-31" "2025-01-31T12:00:00Z" "12:00:00Z" "P1D"'
    b' "https://example.com" "example.com" "192.0.2.1" "2001:db8::1" "/text"'
    b' "123e4567-e89b-42d3-a456-426614174000"'
).split()


class Choices:
    """The preferences of one variant; `lot` is set where they are drawn."""

    def __init__(self, hints: Hints, lot: Random, *, seed: int, variant: int) -> None:
        word = WORDS[seed % len(WORDS)]
        own = _turned(hints.values, variant)
        if variant <= 1:
            self._values = (word, *hints.words, *own, *SAMPLES, *hints.bounds)
        else:
            self._values = (*own, *hints.bounds, *hints.words, word, *SAMPLES)
        self._keys = own if variant else ()
        self._names = _turned(hints.names, variant)
        self._lot = lot if variant >= TURNS else None
        self._is_terse = variant >= TURNS and variant % 2 == 1
        self.is_varied = variant > 0

    def is_shallow(self, depth: int, written: int) -> bool:
        """Whether what is optional is written here."""
        return not self._is_terse and depth <= SHALLOW_DEPTH and written <= SHALLOW_BYTES

    def values(self, *, shallow: bool) -> list[bytes]:
        """Whole values, and what others begin with."""
        values, brackets = [*self._values, STRING, NUMBER], [OBJECT, ARRAY]
        if self._lot:
            values.append(NULL)
            self._lot.shuffle(values)
            self._lot.shuffle(brackets)
        if not shallow:
            return [*values, NULL, *brackets]
        if self._lot and self._lot.randrange(2):
            return [*brackets, *values, NULL]
        return [*values, *brackets, NULL]

    def names(self, last: bytes, invented: bytes | None) -> list[bytes]:
        """Names for a member after the last one; `invented` where the object takes any name."""
        names = self._names
        if last in names:  # what stands after it in the schema comes after it here
            after = names.index(last) + 1
            names = names[after:] + names[:after]
        found = [*self._keys, invented, *names] if invented else [*names]
        if self._lot:
            self._lot.shuffle(found)
        return found


def _turned(values: tuple[bytes, ...], variant: int) -> tuple[bytes, ...]:
    """The values, beginning further on in each variant."""
    first = len(values) * (variant % TURNS) // TURNS
    return (*values[first:], *values[:first])
