"""The OpenAPI document of what is served: FastAPI's own routes and the table of operations."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from adapter.routes.operation import Operation
from backends.protocol.wire import ErrorResponse, WireModel

REF = "#/components/schemas/{model}"
JSON = "application/json"


def add_operations(document: dict[str, Any], operations: Iterable[Operation]) -> dict[str, Any]:
    """Add the operations, their schemas and the error envelope to FastAPI's document."""
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
    for operation in operations:
        item = document["paths"].setdefault(operation.path, {})
        item[operation.method.lower()] = _described(operation, schema_of)
    return document


def _described(
    operation: Operation, schema_of: dict[type[WireModel], dict[str, Any]]
) -> dict[str, Any]:
    error = {"description": "Error", "content": {JSON: {"schema": schema_of[ErrorResponse]}}}
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "description": operation.handler.__doc__,
        "tags": [operation.name],
        "security": [{"bearer": []}, {}],
        "responses": {"4XX": error, "5XX": error},
    }
    if operation.takes:
        content = {JSON: {"schema": schema_of[operation.takes]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.gives:
        answers = {JSON: {"schema": schema_of[operation.gives]}}
        if operation.streams:
            answers["text/event-stream"] = {"schema": schema_of[operation.streams]}
        described["responses"]["200"] = {"description": "Success", "content": answers}
    if "{model" in operation.path:
        where = {"name": "model", "in": "path", "required": True}
        described["parameters"] = [{**where, "schema": {"type": "string"}}]
    return described
