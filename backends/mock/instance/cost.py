"""Which schemas the libraries underneath would take too long over, or break down under.

They set few bounds of their own: a chain of references overflows the stack; patterns that are
joined by `allOf`, or one large `multipleOf`, take minutes.
"""

from collections.abc import Iterator
from typing import Any

from backends.mock.instance.schema import ASSERTIONS, PATTERNS, Schema, listed
from backends.protocol.errors import UnsupportedParameter

MAX_BYTES = 128 * 1024
MAX_LEVELS = 2_000
"""Nesting times references: the longest chain that there can be."""
MAX_PROPERTIES = 2_000
MAX_PATTERNS = 30
MAX_JOINED_PATTERNS = 8
MAX_JOINED_BRANCHES = 100
MAX_PATTERN = 1_000
MAX_STEP = 4
"""Characters of a `pattern` and of a `multipleOf`."""
JOINTS = frozenset({"$ref", "allOf"})
BRANCHES = frozenset({"anyOf", "oneOf"})
DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})


def refusal(reason: str) -> UnsupportedParameter:
    """The error for a schema that the mock has no document for."""
    return UnsupportedParameter(f"The mock has no document for this schema: {reason}.")


def require_short(text: bytes) -> None:
    """Refuse a schema that takes long to read.

    Raises:
        UnsupportedParameter: the message says how long it may be.
    """
    if len(text) > MAX_BYTES:
        raise refusal(f"it has {len(text)} bytes, more than {MAX_BYTES}")


def require_affordable(schema: Schema) -> frozenset[str]:
    """The keywords that a grammar of this schema has to go without, for what they would take.

    Raises:
        UnsupportedParameter: the schema as a whole is too much; the message names the keyword.
    """
    rows = list(_rows(schema))
    parts = [part for row in rows for part in row if isinstance(part, dict)]
    _require_own_references(parts)
    references = {part["$ref"] for part in parts if isinstance(part.get("$ref"), str)}
    if len(rows) * (len(references) + 1) > MAX_LEVELS:
        raise refusal(f"{len(references)} '$ref' and {len(rows)} levels of nesting are too many")
    properties = sum(len(_named(part, "properties")) for part in parts)
    if properties > MAX_PROPERTIES:
        raise refusal(f"it has {properties} 'properties', more than {MAX_PROPERTIES}")
    patterns = [
        one
        for part in parts
        for one in (part.get("pattern"), *_named(part, "patternProperties"))
        if isinstance(one, str)
    ]
    if len(patterns) > MAX_PATTERNS:
        raise refusal(f"it has {len(patterns)} 'pattern', more than {MAX_PATTERNS}")
    return frozenset(_unaffordable(parts, patterns))


def _unaffordable(parts: list[Schema], patterns: list[str]) -> Iterator[str]:
    steps = [repr(part["multipleOf"]) for part in parts if "multipleOf" in part]
    branches = sum(len(listed(part.get(word))) for part in parts for word in BRANCHES)
    joins = any(map(_joins, parts))
    if (joins and len(patterns) > MAX_JOINED_PATTERNS) or _longest(patterns) > MAX_PATTERN:
        yield from PATTERNS
    if (joins and len(steps) > 1) or _longest(steps) > MAX_STEP:
        yield "multipleOf"
    if joins and branches > MAX_JOINED_BRANCHES:
        yield from BRANCHES


def _joins(part: Schema) -> bool:
    """Whether schemas meet here, rather than that one stands for another."""
    words = part.keys() & ASSERTIONS
    return len(listed(part.get("allOf"))) > 1 or (len(words) > 1 and not words.isdisjoint(JOINTS))


def _rows(schema: Schema) -> Iterator[list[Any]]:
    """Everything in the schema, one level of nesting after the other."""
    row: list[Any] = [schema]
    while row:
        yield row
        nested = (part for part in row if isinstance(part, dict | list))
        row = [
            one for part in nested for one in (part.values() if isinstance(part, dict) else part)
        ]


def _require_own_references(parts: list[Schema]) -> None:
    bases = {"$id", "id"} if "draft-04" in str(parts[0].get("$schema")) else {"$id"}
    for place, part in enumerate(parts):
        reference = part.get("$ref", "#")
        if isinstance(reference, str) and reference != "#" and not reference.startswith("#/"):
            raise refusal("a '$ref' is followed only within the schema, as '#/...'")
        for base in bases & part.keys() if place else ():
            if isinstance(part[base], str) and not part[base].startswith("#"):
                raise refusal(f"'{base}' is not supported inside a schema")
        for word in DYNAMIC & part.keys():
            raise refusal(f"'{word}' is not supported")


def _named(part: Schema, word: str) -> dict[str, Any]:
    inside = part.get(word)
    return inside if isinstance(inside, dict) else {}


def _longest(texts: list[str]) -> int:
    return max(map(len, texts), default=0)
