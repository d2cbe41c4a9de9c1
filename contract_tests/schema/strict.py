"""The SDK's types as JSON Schemas, with the overlay laid over them."""

from functools import cache
from importlib import import_module
from typing import Any

import jsonschema_rs

from contract_tests.schema.overlay import EXCUSED, REQUIRED, STREAMED_COMPLETION

JSON = dict[str, Any]
SHOWN = 3  # faults of one body that a report names


class Schema:
    """One strict schema: `faults(value)` says where a value breaks it."""

    def __init__(self, schema: JSON) -> None:
        self._validator = jsonschema_rs.validator_for(schema)

    def faults(self, value: Any) -> list[str]:
        """The first faults, each as the place and what is wrong there; empty if there is none."""
        found = []
        for error in self._validator.iter_errors(value):
            place = ".".join(map(str, error.instance_path)) or "the whole"
            found.append(f"{place}: {error.message[:160]}")
            if len(found) == SHOWN:
                break
        return found


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
