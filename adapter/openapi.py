"""The OpenAPI document of what is served: FastAPI's own routes and the table of operations."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from adapter.routes.operation import Operation
from backends.protocol.wire import ErrorResponse, WireModel

REF = "#/components/schemas/{model}"
JSON = "application/json"
MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
Schemas = dict[str, dict[str, Any]]


def add_operations(document: dict[str, Any], operations: Iterable[Operation]) -> dict[str, Any]:
    """Add the operations, their schemas and the error envelope to FastAPI's document.

    They come first, in their own order: people look for the chat, not for the health.
    """
    operations = tuple(operations)
    models: set[type[WireModel]] = {ErrorResponse}
    for operation in operations:
        models |= {m for m in (operation.takes, operation.gives, operation.streams) if m}
    ordered = sorted(models, key=lambda model: model.__name__)
    refs, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=REF
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas["$defs"])
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    schema_of = {model: refs[model, "validation"] for model in ordered}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _described(operation, schema_of)
    for path, item in document["paths"].items():
        paths.setdefault(path, {}).update(item)
    document["paths"] = paths
    _drop_null_defaults(document, components["schemas"])
    return document


def _described(
    operation: Operation, schema_of: dict[type[WireModel], dict[str, Any]]
) -> dict[str, Any]:
    error = {"description": "Error", "content": {JSON: {"schema": schema_of[ErrorResponse]}}}
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "description": (operation.handler.__doc__ or "").partition("\n")[0],
        "tags": [operation.name.replace("_", " ").capitalize()],
        "security": [{"bearer": []}, {}],
        "responses": {"4XX": error, "5XX": error},
    }
    if operation.takes:
        content: dict[str, Any] = {"schema": schema_of[operation.takes]}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    if operation.gives:
        answers = {JSON: {"schema": schema_of[operation.gives]}}
        if operation.streams:
            answers["text/event-stream"] = {"schema": schema_of[operation.streams]}
        described["responses"]["200"] = {"description": "Success", "content": answers}
    if "{model" in operation.path:
        described["parameters"] = [{**MODEL, "example": operation.example}]
    return described


def _drop_null_defaults(node: object, schemas: Schemas) -> None:
    """Take `default: null` from what refuses null: None only marks that it was left out."""
    if isinstance(node, dict):
        if node.get("default", 0) is None and not _takes_null(node, schemas):
            del node["default"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _drop_null_defaults(child, schemas)


def _takes_null(schema: dict[str, Any], schemas: Schemas) -> bool:
    if "$ref" in schema:
        return _takes_null(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return any(_takes_null(choice, schemas) for choice in choices)
    if "const" in schema or "enum" in schema:
        return None in schema.get("enum", [schema.get("const", 0)])
    kinds: str | list[str] = schema.get("type", "null")
    return "null" in ([kinds] if isinstance(kinds, str) else kinds)
