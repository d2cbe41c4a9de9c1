"""What a JSON schema says before a document is written: what to try first, what to aim at."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard

import orjson

MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
"""Keywords that hold schemas by name."""
DATA = frozenset({"enum", "const", "default", "examples"})
"""Keywords that hold values rather than schemas."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
MAX_HINTS = 500
MAX_WORD = 10_000

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


def rewritten(part: Any, change: Callable[[Schema], Schema]) -> Any:  # noqa: ANN401 - any JSON
    """A copy with every schema changed, innermost first."""
    if isinstance(part, list):
        return [rewritten(one, change) for one in part]
    if not isinstance(part, dict):
        return part
    copy = dict(part)
    for word in copy.keys() - DATA:
        inside = copy[word]
        if word in MAPS and isinstance(inside, dict):
            copy[word] = {name: rewritten(one, change) for name, one in inside.items()}
        else:
            copy[word] = rewritten(inside, change)
    return change(copy)


def without(schema: Schema, words: frozenset[str]) -> Schema:
    """The schema less these keywords."""
    copy: Schema = rewritten(
        schema, lambda part: {word: part[word] for word in part if word not in words}
    )
    return copy


def eager(schema: Schema, *, closed: bool) -> Schema:
    """The schema with what it declares required, so that a document shows it.

    What leads to a reference stays optional: it may lead back. A pattern is held to the whole of
    a string, where chance would hardly find it.
    """

    def change(part: Schema) -> Schema:
        pattern = part.get("pattern")
        if isinstance(pattern, str):
            part["pattern"] = f"{_missing('^', pattern[:1])}{pattern}{_missing('$', pattern[-1:])}"
        properties = part.get("properties")
        if not isinstance(properties, dict) or not properties:
            return part
        ends = [name for name, one in properties.items() if b'"$ref"' not in orjson.dumps(one)]
        part["required"] = list(dict.fromkeys([*_strings(part.get("required")), *ends]))
        return {**part, "additionalProperties": False} if closed else part

    copy: Schema = rewritten(schema, change)
    return copy


def hints(schema: Schema) -> Hints:
    """What to try first."""
    names: list[str] = []
    words: list[str] = []
    values: list[Any] = []
    bounds: list[Any] = []
    for part in schemas(schema):
        names += [*_strings(part.get("properties")), *_strings(part.get("required"))]
        values += [part.get("const"), *_listed(part.get("enum"))]
        values += [part.get("default"), *_listed(part.get("examples"))]
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


def _missing(sign: str, found: str) -> str:
    return "" if found == sign else sign


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    """The strings of a list, the keys of an object."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | dict) else []


def _texts(values: Iterable[Any]) -> tuple[bytes, ...]:
    """The plain values as JSON, each once."""
    scalars = (value for value in values if isinstance(value, str | int | float))
    return tuple(dict.fromkeys(orjson.dumps(value) for value in scalars))
