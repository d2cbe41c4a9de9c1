"""Compares two JSON schemas property by property: the official one and one of ours.

A difference is a line such as `messages.#<user>.name: maxLength 64 became None`, where `#` is
an item of an array, `*` a value of a map and `<user>` a variant of a union.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "pattern",
)
UNIONS = ("anyOf", "oneOf")


def differences(
    official: Schema, document: Schema, ours: Schema, root: Schema, path: str = ""
) -> Iterator[str]:
    """What a client can tell apart, where references point into `document` and `root`."""
    theirs, own = list(variants(official, document)), list(variants(ours, root))
    several = sum(kind(variant) != "null" for variant in theirs) > 1
    for variant in theirs:
        place = f"{path}<{label(variant)}>" if several else path
        alike = [rival for rival in own if label(rival) == label(variant)]
        rivals = alike or [rival for rival in own if kind(rival) == kind(variant)]
        if not rivals:
            yield f"{path}: lacks {label(variant)}"
            continue
        found = [list(_within(variant, document, rival, root, place)) for rival in rivals]
        best = min(range(len(found)), key=lambda index: len(found[index]))
        own.remove(rivals[best])
        yield from found[best]
    for rival in own:
        yield f"{path}: accepts {label(rival)}"


def variants(schema: Schema, document: Schema) -> Iterator[Schema]:
    """The members of a union, however deep; a lone schema is its own only member."""
    schema = _resolved(schema, document)
    members = [
        variant
        for key in UNIONS
        for member in schema.get(key, ())
        for variant in variants(member, document)
    ] or [schema]
    if any(kind(member) == "string" and "enum" not in member for member in members):
        # An enumeration beside a free string is a suggestion.
        members = [m for m in members if kind(m) != "string" or "enum" not in m]
    yield from (member for member in members if kind(member) != "null")
    if schema.get("nullable") or any(kind(member) == "null" for member in members):
        yield {"type": "null"}


def kind(schema: Schema) -> str:
    """The JSON type."""
    return str(schema.get("type", "object" if "properties" in schema else "anything"))


def label(schema: Schema) -> str:
    """The value of the property that tells the objects of a union apart, or the JSON type."""
    for name in ("role", "type"):
        values = _enum(schema.get("properties", {}).get(name, {}))
        if len(values) == 1:
            return str(*values)
    items = schema.get("items", {})
    return f"{kind(schema)} of {kind(items)}" if "type" in items else kind(schema)


def _resolved(schema: Schema, document: Schema) -> Schema:
    """The schema without `$ref`, `allOf` and `const`."""
    if "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_resolved(target, document), **siblings}
    if "allOf" in schema:
        parts = [_resolved(part, document) for part in schema["allOf"]]
        return {
            "type": "object",
            "properties": {k: v for part in parts for k, v in part.get("properties", {}).items()},
            "required": [name for part in parts for name in part.get("required", ())],
        }
    return schema


def _enum(schema: Schema) -> set[Any]:
    return {schema["const"]} if "const" in schema else set(schema.get("enum", ()))


def _within(
    official: Schema, document: Schema, ours: Schema, root: Schema, path: str
) -> Iterator[str]:
    """The differences between two schemas of one JSON type."""
    for bound in BOUNDS:
        if official.get(bound) != ours.get(bound):
            yield f"{path}: {bound} {official.get(bound)} became {ours.get(bound)}"
    yield from (f"{path}: enum lacks {value}" for value in sorted(_enum(official) - _enum(ours)))
    yield from (f"{path}: enum adds {value}" for value in sorted(_enum(ours) - _enum(official)))
    if kind(official) == "array":
        items = official.get("items", {}), document, ours.get("items", {}), root
        yield from differences(*items, f"{path}.#")
    if kind(official) == "object":
        yield from _properties(official, document, ours, root, path)
        yield from _others(official, document, ours, root, path)


def _properties(
    official: Schema, document: Schema, ours: Schema, root: Schema, path: str
) -> Iterator[str]:
    theirs, own = official.get("properties", {}), ours.get("properties", {})
    needed, required = set(official.get("required", ())), set(ours.get("required", ()))
    for name in theirs | own:
        place = f"{path}.{name}"
        if name not in own:
            yield f"{place}: missing"
        elif name not in theirs:
            yield f"{place}: unknown to the official schema"
        else:
            if (name in needed) != (name in required):
                words = ("optional", "required")
                yield f"{place}: {words[name in needed]} became {words[name in required]}"
            yield from differences(theirs[name], document, own[name], root, place)


def _others(
    official: Schema, document: Schema, ours: Schema, root: Schema, path: str
) -> Iterator[str]:
    """What differs in the properties that have no name of their own."""
    (theirs, their_keys), (own, own_keys) = _map(official), _map(ours)
    for bound in BOUNDS:
        if their_keys.get(bound) != own_keys.get(bound):
            yield f"{path}.*: key {bound} {their_keys.get(bound)} became {own_keys.get(bound)}"
    if isinstance(theirs, dict) and isinstance(own, dict):
        yield from differences(theirs, document, own, root, f"{path}.*")
    elif theirs != own:
        yield f"{path}.*: {theirs} became {own}"


def _map(schema: Schema) -> tuple[Schema | bool, Schema]:
    """What the values of a map may be, and what its keys may be."""
    if "patternProperties" in schema:
        ((pattern, values),) = schema["patternProperties"].items()
        return values, {"pattern": pattern}
    return schema.get("additionalProperties", True), schema.get("propertyNames", {})
