"""The SDK's types as JSON Schemas, with the overlay laid over them."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

import jsonschema_rs

from contract_tests.schema.overlay import EXCUSED, REQUIRED, STREAMED_COMPLETION

JSON = dict[str, Any]
SHOWN = 4  # faults that a report names
WHOLE = {"type", "enum", "const"}  # keywords about a value as a whole


class Schema:
    """One strict schema: `faults(value)` says where a value breaks it."""

    def __init__(self, schema: JSON) -> None:
        self._validator = jsonschema_rs.validator_for(schema)

    def faults(self, value: Any) -> list[str]:
        """Each kind of fault once: the place, `*` for any element, and what is wrong there."""
        found: dict[str, None] = {}
        try:
            for outer in self._validator.iter_errors(value):
                for error in _innermost(outer):
                    steps = ["*" if isinstance(step, int) else step for step in error.instance_path]
                    place = ".".join(map(str, steps)) or "the whole"
                    found[f"{place}: {error.message[:160]}"] = None
        except ValueError as error:  # half a character in a name, or a nesting without bottom
            found[f"the whole: {error}"] = None
        return list(found)


def tally(faults: Iterable[str]) -> str:
    """The most frequent faults, each with how often it was seen."""
    counts = Counter(faults)
    shown = [f"{fault} ({count} times)" for fault, count in counts.most_common(SHOWN)]
    rest = len(counts) - len(shown)
    return "; ".join(shown) + (f"; and {rest} other faults" if rest else "")


def _innermost(error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """What is wrong in the one alternative that was meant, by the type of the value itself."""
    alternatives = getattr(error.kind, "context", None) or ()
    meant = [
        branch
        for branch in alternatives
        if not any(
            one.instance_path == error.instance_path and one.schema_path[-1] in WHOLE
            for one in branch
        )
    ]
    if len(meant) != 1:
        return [error]
    return [inner for one in meant[0] for inner in _innermost(one)]


@cache
def strict(name: str) -> Schema:
    """The schema of that answer: a type below `openai.types`, or "streamed Completion"."""
    kind, streamed = name.removeprefix("streamed "), name.startswith("streamed ")
    module, _, cls = f"openai.types.{kind}".rpartition(".")
    schema: JSON = getattr(import_module(module), cls).model_json_schema()
    for part, definition in [(kind, schema), *_named(kind, schema)]:
        _lay_over(part, definition, STREAMED_COMPLETION if streamed else {})
    return Schema(schema)


def _named(kind: str, schema: JSON) -> list[tuple[str, JSON]]:
    return [(f"{kind}.{name}", part) for name, part in schema.get("$defs", {}).items()]


def _lay_over(part: str, definition: JSON, streamed: dict[str, dict[str, JSON]]) -> None:
    properties = definition.get("properties", {})
    required = [*definition.get("required", ()), *REQUIRED.get(part, ())]
    definition["required"] = required
    properties.update(EXCUSED.get(part, {}))
    properties.update(streamed.get(part, {}))
