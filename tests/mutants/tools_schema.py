"""Defects of tool arguments: features of JSON schema that are mistaken."""

from typing import Any

from contract_tests.samples import SHAPES
from tests.mutants.families import edits_calls
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant


def mistaken(schema: Any) -> Any:
    """The schema with another type for its value."""
    wrong = "boolean" if schema["properties"]["value"].get("type") == "string" else "string"
    if "enum" in schema["properties"]["value"] or "const" in schema["properties"]["value"]:
        wrong = "string"
    return {**schema, "properties": {"value": {"type": wrong}}}


def _mistakes(shape: str) -> Layer:
    def edit(body: Any) -> None:
        for tool in body.get("tools") or ():
            function = tool.get("function") or {}
            if function.get("parameters") == SHAPES[shape]:
                function["parameters"] = mistaken(SHAPES[shape])

    return edits_calls(edit)


def _ignored(body: Any) -> None:
    for tool in body.get("tools") or ():
        if (tool.get("function") or {}).get("strict"):
            tool["function"]["parameters"] = {"type": "object"}


MUTANTS = (
    *(
        Mutant(
            f"tools-schema-{shape.replace('_', '-')}",
            f"arguments do not keep to a schema with {shape}",
            _mistakes(shape),
            (f"tools.schema.{shape}",),
        )
        for shape in SHAPES
    ),
    Mutant(
        "tools-schema-strict-ignored",
        "the parameters of a strict tool are ignored",
        edits_calls(_ignored),
        ("tools.schema.strict",),
    ),
)
