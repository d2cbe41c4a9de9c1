"""The official OpenAPI document, supplied by whoever runs the suite, as strict schemas.

Source: the document itself; its known faults are excused below, for every right server breaks them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contract_tests.schema.strict import Schema

JSON = dict[str, Any]
NULL: JSON = {"type": "null"}
ROOT = "#/components/schemas/"


class Document:
    """An OpenAPI document, by the schemas of its components.

    Raises:
        ValueError: the file is no OpenAPI document.
    """

    def __init__(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text())
            self._schemas: JSON = document["components"]["schemas"]
            for schema in _objects(self._schemas):
                _excuse_nullable(schema)
            _excuse_faults(self._schemas)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no OpenAPI document in JSON") from error
        self._made: dict[str, Schema] = {}

    def has(self, component: str) -> bool:
        """Whether the document has that component."""
        return component.removeprefix("streamed ") in self._schemas

    def schema(self, component: str) -> Schema:
        """The schema of a component that the document has; after "streamed ", of its chunks."""
        name, streamed = component.removeprefix("streamed "), component.startswith("streamed ")
        if component not in self._made:
            schemas = self._schemas
            if streamed:
                schemas = json.loads(json.dumps(schemas))
                _excuse_chunk(schemas[name])
            whole = {"$ref": f"{ROOT}{name}", "components": {"schemas": schemas}}
            self._made[component] = Schema(whole)
        return self._made[component]


def _objects(value: Any) -> Iterator[JSON]:
    if isinstance(value, dict):
        yield value
        for inner in list(value.values()):
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _excuse_nullable(schema: JSON) -> None:
    """`nullable` is a keyword of OpenAPI 3.0, which a 3.1 document does not know."""
    if schema.get("nullable") is True:
        inner = {key: value for key, value in schema.items() if key != "nullable"}
        schema.clear()
        schema["anyOf"] = [inner, NULL]


def _excuse_nulls(schema: JSON) -> None:
    """Null for what may be absent: every SDK takes it, and OpenAI itself has sent it."""
    required = schema.get("required", ())
    for key, value in schema.get("properties", {}).items():
        if key not in required and isinstance(value, dict):
            schema["properties"][key] = {"anyOf": [value, NULL]}


def _excuse_faults(schemas: JSON) -> None:
    embedding = schemas.get("Embedding", {}).get("properties", {})
    if "embedding" in embedding:
        embedding["embedding"] = {"anyOf": [embedding["embedding"], {"type": "string"}]}
    for schema in _objects(schemas.get("CreateCompletionResponse", {})):
        for key in ("token_logprobs", "top_logprobs"):
            if isinstance(schema.get(key), dict) and "items" in schema[key]:
                schema[key]["items"] = {"anyOf": [schema[key]["items"], NULL]}


def _excuse_chunk(completion: JSON) -> None:
    """The document has no type for a chunk of a completion: reason and usage come at its end."""
    for properties in list(_objects(completion)):
        for key in ("finish_reason", "usage"):
            if isinstance(properties.get(key), dict):
                properties[key] = {"anyOf": [properties[key], NULL]}
