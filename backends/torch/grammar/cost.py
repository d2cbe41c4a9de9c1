"""Which schemas llguidance would take too long over, or break down under.

It sets no bound of its own on some: a chain of references overflows the stack of the process;
patterns that `allOf` joins, or a `multipleOf` with many digits, take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_BYTES = 128 * 1024
MAX_LEVELS = 2_000
"""Nesting times references: the longest chain that there can be."""
MAX_PROPERTIES = 2_000
MAX_PATTERNS = 30
MAX_PATTERN = 1_000
MAX_STEP = 4
"""Characters of a `pattern` and of a `multipleOf`."""
MAX_LITERAL = 2_000
"""Characters of a `const` or of a member of an `enum`: each of its tokens costs all of it again."""
MAX_JOINED_PATTERNS = 8
MAX_JOINED_BRANCHES = 100
BESIDE = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
"""Keywords whose schemas are joined with what stands beside them."""
ASIDE = frozenset(
    {"$comment", "$defs", "$schema", "default", "definitions", "description", "examples", "title"}
)
"""Keywords that ask nothing of a document."""

Part = dict[str, Any]


def excess(schema: Mapping[str, Any]) -> str | None:
    """What of the schema is too much, in words; None: nothing."""
    rows = list(_rows(schema))
    parts = _parts(rows)
    references = {part["$ref"] for part in parts if isinstance(part.get("$ref"), str)}
    if len(rows) * (len(references) + 1) > MAX_LEVELS:
        return f"{len(references)} '$ref' and {len(rows)} levels of nesting"
    properties = _properties(parts)
    if properties > MAX_PROPERTIES:
        return f"{properties} 'properties'"
    return _literals(parts) or _patterns(parts) or _steps(parts) or _branches(parts)


def count_properties(schema: Mapping[str, Any]) -> int:
    """How many properties the schema names, at all levels."""
    return _properties(_parts(_rows(schema)))


def _parts(rows: Iterable[list[Any]]) -> list[Part]:
    return [part for row in rows for part in row if isinstance(part, dict)]


def _properties(parts: list[Part]) -> int:
    return sum(len(_named(part, "properties")) for part in parts)


def _literals(parts: list[Part]) -> str | None:
    literals = [one for part in parts for one in (part.get("const"), *_listed(part, "enum"))]
    longest = max((len(one) for one in literals if isinstance(one, str)), default=0)
    return f"a 'const' or 'enum' of {longest} characters" if longest > MAX_LITERAL else None


def _patterns(parts: list[Part]) -> str | None:
    named = [
        one
        for part in parts
        for one in (part.get("pattern"), *_named(part, "patternProperties"))
        if isinstance(one, str)
    ]
    longest = max(map(len, named), default=0)
    if longest > MAX_PATTERN:
        return f"a 'pattern' of {longest} characters"
    most = MAX_JOINED_PATTERNS if any(map(_joins, parts)) else MAX_PATTERNS
    return f"{len(named)} 'pattern'" if len(named) > most else None


def _steps(parts: list[Part]) -> str | None:
    steps = [repr(part["multipleOf"]) for part in parts if "multipleOf" in part]
    if max(map(len, steps), default=0) > MAX_STEP:
        return f"a 'multipleOf' of more than {MAX_STEP} characters"
    joined = len(steps) > 1 and any(map(_joins, parts))
    return f"{len(steps)} 'multipleOf' with schemas joined" if joined else None


def _branches(parts: list[Part]) -> str | None:
    if not any(map(_joins, parts)):
        return None
    count = sum(len(_listed(part, word)) for part in parts for word in ("anyOf", "oneOf"))
    return f"{count} branches with schemas joined" if count > MAX_JOINED_BRANCHES else None


def _joins(part: Part) -> bool:
    """Whether schemas meet here, rather than that one stands for another."""
    words = part.keys() - ASIDE
    return len(_listed(part, "allOf")) > 1 or (len(words) > 1 and not words.isdisjoint(BESIDE))


def _rows(schema: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Everything in the schema, one level of nesting after the other."""
    row: list[Any] = [dict(schema)]
    while row:
        yield row
        nested = (part for part in row if isinstance(part, dict | list))
        row = [
            one for part in nested for one in (part.values() if isinstance(part, dict) else part)
        ]


def _named(part: Part, word: str) -> Part:
    inside = part.get(word)
    return inside if isinstance(inside, dict) else {}


def _listed(part: Part, word: str) -> list[Any]:
    inside = part.get(word)
    return inside if isinstance(inside, list) else []
