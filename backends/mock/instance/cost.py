"""What a JSON schema costs the libraries that read it, which set few bounds of their own.

A chain of references overflows their stack; a joint of patterns, or one large `multipleOf`, takes
them minutes; references that fan out make a validator visit a value 2**n times.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

import orjson

from backends.mock.instance.pen import StuckError
from backends.mock.instance.schema import Schema, schemas, within
from backends.protocol.errors import UnsupportedParameter

MAX_BYTES = 128 * 1024
MAX_LEVELS = 2_000
"""Nesting times references: the longest chain that there can be."""
MAX_PROPERTIES = 2_000
MAX_PATTERNS = 30
MAX_JOINED_PATTERNS = 8
MAX_PATTERN = 1_000
MAX_MATCHED = 2_000
"""Characters of a pattern, and of a string that is held to one."""
MAX_VISITS = 20_000

PATTERNS = frozenset({"pattern", "patternProperties"})
DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})
MEMBERS = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "items",
        "patternProperties",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords whose schemas are for the members of a value, not for the value itself."""


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
    properties = sum(_size(part.get("properties")) for part in parts)
    if properties > MAX_PROPERTIES:
        raise refusal(f"it has {properties} 'properties', more than {MAX_PROPERTIES}")
    patterns = [name for part in parts for name in _patterns(part)]
    if len(patterns) > MAX_PATTERNS:
        raise refusal(f"it has {len(patterns)} 'pattern', more than {MAX_PATTERNS}")
    joins = any("allOf" in part or ("$ref" in part and len(part) > 1) for part in parts)
    too_many = joins and len(patterns) > MAX_JOINED_PATTERNS
    too_long = any(len(pattern) > MAX_PATTERN for pattern in patterns)
    return (PATTERNS if too_many or too_long else frozenset()) | {"multipleOf"}


def checkable(schema: Schema, document: str) -> Any:  # noqa: ANN401 - any JSON
    """The value of a document, if a validator gets through it soon enough.

    Raises:
        StuckError: it would visit too much, or match too long a string.
    """
    value = orjson.loads(document)
    longest = max(map(len, document.split('"')))
    if longest > MAX_MATCHED and any(PATTERNS & part.keys() for part in schemas(schema)):
        raise StuckError(f"a string of {longest} characters is too long for a 'pattern'")
    pending: list[tuple[Any, Any]] = [(schema, value)]
    for _ in range(MAX_VISITS):
        if not pending:
            return value
        part, place = pending.pop()
        if isinstance(part, dict):
            pending += islice(_visits(schema, part, place), MAX_VISITS)
    raise StuckError("its '$ref' fan out too far")


def refusal(reason: str) -> UnsupportedParameter:
    """The error for a schema that the mock cannot work with."""
    return UnsupportedParameter(f"The mock has no document for this schema: {reason}.")


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
    for place, part in enumerate(parts):
        reference, base = part.get("$ref"), part.get("$id")
        if isinstance(reference, str) and reference != "#" and not reference.startswith("#/"):
            raise refusal("a '$ref' is followed only within the schema, as '#/...'")
        if place and isinstance(base, str) and not base.startswith("#"):
            raise refusal("'$id' is not supported inside a schema")
        for word in DYNAMIC & part.keys():
            raise refusal(f"'{word}' is not supported")


def _visits(root: Schema, part: Schema, value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """The schemas that a validator goes on to, each with the value that it is for."""
    members = value.values() if isinstance(value, dict) else value
    members = list(members) if isinstance(value, dict | list) else []
    for word, inside in part.items():
        if word in {"$defs", "definitions"}:
            continue
        if word == "$ref":
            yield _target(root, str(inside)), value
        elif word == "properties":
            if isinstance(inside, dict) and isinstance(value, dict):
                yield from ((inside[name], value[name]) for name in inside.keys() & value.keys())
        elif word in MEMBERS and isinstance(inside, list):
            yield from zip(inside, members, strict=False)
        elif word == "propertyNames":
            yield from ((inside, "") for _ in members)
        else:
            values = members if word in MEMBERS else [value]
            yield from ((one, each) for one in within(part, word) for each in values)


def _target(root: Schema, reference: str) -> Any:  # noqa: ANN401 - any JSON
    """What a reference within the schema points at."""
    target: Any = root
    for step in unquote(reference).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            target = target[int(name) if isinstance(target, list) else name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return target


def _patterns(part: Schema) -> list[str]:
    named = part.get("patternProperties")
    own = part.get("pattern")
    return [*(named if isinstance(named, dict) else ()), *([own] if isinstance(own, str) else ())]


def _size(value: object) -> int:
    return len(value) if isinstance(value, dict) else 0
