"""Forms of a schema that a grammar is made of: what shows most of it first, the easiest last."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import orjson

from backends.mock.instance.schema import ASSERTIONS, DATA, MAPS, Schema, schemas, strings, target

HARD = (
    "pattern", "format", "patternProperties", "minLength", "maxLength", "multipleOf",
    "oneOf", "allOf",
)  # fmt: skip
"""What it may have to go without; the document is held to it all the same."""


def shapes(schema: Schema, missing: Collection[str]) -> Iterator[Schema]:
    """The forms that do without the missing keywords."""
    plain = _bare(schema, missing)
    yield _eager(plain, closed=True)
    yield _eager(plain, closed=False)
    yield plain
    for word in HARD:
        looser = _bare(plain, {word})
        if looser != plain:
            yield looser


def _bare(schema: Schema, missing: Collection[str]) -> Schema:
    """Less all annotations: one of them beside a circular reference is refused."""
    steps = {step for part in schemas(schema) for step in str(part.get("$ref")).split("/")}
    kept = (ASSERTIONS | MAPS | steps | {"$schema"}) - {*missing}
    copy: Schema = _rewritten(
        schema, lambda part: {word: part[word] for word in part if word in kept}
    )
    return copy


def _eager(schema: Schema, *, closed: bool) -> Schema:
    """What it declares required, so that a document shows it.

    What leads to a reference stays optional: it may lead back. A pattern is held to the whole of
    a string, where chance would hardly find it.
    """

    def change(part: Schema) -> Schema:
        _name_members(schema, part)
        if isinstance(part.get("pattern"), str):
            part["pattern"] = _anchored(part["pattern"])
        properties = part.get("properties")
        if isinstance(properties, dict):
            ends = [name for name, one in properties.items() if b'"$ref"' not in orjson.dumps(one)]
            part["required"] = list(dict.fromkeys([*strings(part.get("required")), *ends]))
        if closed and (properties or part.get("patternProperties")):
            part["additionalProperties"] = False
        return part

    copy: Schema = _rewritten(schema, change)
    return copy


def _name_members(root: Schema, part: Schema) -> None:
    """Say `propertyNames`, which a grammar does not know, in words that it does."""
    names = part.get("propertyNames")
    if isinstance(names, dict) and isinstance(names.get("$ref"), str):
        names = target(root, names["$ref"])
    if not isinstance(names, dict) or part.keys() & {"properties", "patternProperties"}:
        return
    members = part.get("additionalProperties", True)
    if first := strings(names.get("enum"))[:1]:
        part["properties"] = {first[0]: members}
    elif isinstance(names.get("pattern"), str):
        part["patternProperties"] = {_anchored(names["pattern"]): members}


def _anchored(pattern: str) -> str:
    return f"{'' if pattern[:1] == '^' else '^'}{pattern}{'' if pattern[-1:] == '$' else '$'}"


def _rewritten(part: Any, change: Callable[[Schema], Schema]) -> Any:  # noqa: ANN401 - any JSON
    """A copy with every schema changed, innermost first."""
    if isinstance(part, list):
        return [_rewritten(one, change) for one in part]
    if not isinstance(part, dict):
        return part
    copy = dict(part)
    for word in copy.keys() - DATA:
        inside = copy[word]
        if word in MAPS and isinstance(inside, dict):
            copy[word] = {name: _rewritten(one, change) for name, one in inside.items()}
        else:
            copy[word] = _rewritten(inside, change)
    return change(copy)
