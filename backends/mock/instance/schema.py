"""What a JSON schema holds, and the values that it suggests itself."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import unquote

import orjson

MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
"""Keywords that hold schemas by name."""
DATA = frozenset({"enum", "const", "default", "examples"})
"""Keywords that hold values rather than schemas."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
ASSERTIONS = frozenset(BOUNDS) | {
    "$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf",
    "properties", "patternProperties", "additionalProperties", "propertyNames", "required",
    "minProperties", "maxProperties", "items", "prefixItems", "additionalItems",
    "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "multipleOf",
}  # fmt: skip
"""Keywords that a grammar is made of."""
PATTERNS = frozenset({"pattern", "patternProperties"})
MAX_HINTS = 500
MAX_WORD = 10_000
MAX_NUMBER = 2**53

Schema = dict[str, Any]


class Hints(NamedTuple):
    """JSON texts that the schema itself suggests, in its own order."""

    names: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()
    values: tuple[bytes, ...] = ()
    bounds: tuple[bytes, ...] = ()


def schemas(schema: Schema) -> Iterator[Schema]:
    """The schema and those within it, outermost first."""
    pending: list[Any] = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            pending += reversed([one for word in part for one in within(part, word)])


def within(part: Schema, word: str) -> list[Any]:
    """What stands under a keyword where schemas stand."""
    inside = part.get(word)
    if word in DATA:
        return []
    if word in MAPS and isinstance(inside, dict):
        return list(inside.values())
    return inside if isinstance(inside, list) else [inside]


def target(root: Schema, reference: str) -> Any:  # noqa: ANN401 - any JSON
    """What a reference within the schema points at; None: nothing."""
    found: Any = root
    for step in unquote(reference).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name) if isinstance(found, list) else name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return found


def listed(value: object) -> list[Any]:
    """The items of a list."""
    return value if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """The strings of a list, the keys of an object."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | dict) else []


def hints(schema: Schema) -> Hints:
    """The values that a document may well have."""
    names: list[str] = []
    words: list[str] = []
    values: list[Any] = []
    bounds: list[Any] = []
    for part in schemas(schema):
        names += [*strings(part.get("properties")), *strings(part.get("required"))]
        values += [part.get("const"), *listed(part.get("enum"))]
        values += [part.get("default"), *listed(part.get("examples"))]
        length = part.get("minLength")
        if isinstance(length, int) and 0 < length <= MAX_WORD:
            words.append(("text" * length)[:length])
        bounds += _numbers(part)
    return Hints(_texts(names), *(_texts(texts)[:MAX_HINTS] for texts in (words, values, bounds)))


def _numbers(part: Schema) -> Iterator[float]:
    """Numbers at the bounds, and the first multiples from there on."""
    bounds = [part[word] for word in BOUNDS if _is_number(part.get(word))]
    if len(bounds) > 1:
        yield sum(bounds) / len(bounds)
    for bound in bounds:
        yield from (bound, bound + 1, bound - 1)
    step = part.get("multipleOf")
    if _is_number(step) and step > 0:
        first = max(bounds[:1], default=0) // step * step
        yield from (first, first + step, first + 2 * step)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is one, and small enough to count on from it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= MAX_NUMBER


def _texts(values: Iterable[Any]) -> tuple[bytes, ...]:
    """The plain values as JSON, each once."""
    scalars = (value for value in values if isinstance(value, str | int | float))
    return tuple(dict.fromkeys(orjson.dumps(value) for value in scalars))
