"""The arguments of a tool call against the JSON schema of the tool."""

from typing import Any

import jsonschema_rs

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.checks.tools import called, read
from contract_tests.expect import at, expect
from contract_tests.reading import calls_of
from contract_tests.samples import SHAPES, tool
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, peer


def _schema(shape: str) -> Check:
    @check(
        f"tools.schema.{shape}",
        SHOULD,
        f"The arguments of a demanded call keep to their schema: {shape.replace('_', ' ')}.",
        doc("FunctionParameters"),
        peer("gpt-oss", "calledToolWithRightSchema"),
        needs=("chat.tools.required",),
        cooperative=True,
    )
    async def schema(server: Server) -> None:
        await _fits(server, SHAPES[shape])

    return schema


globals().update({f"schema_{shape}": _schema(shape) for shape in SHAPES})


@check(
    "tools.schema.strict",
    MUST,
    "The arguments of a strict tool keep to its schema.",
    doc("FunctionObject/properties/strict/anyOf/0"),
    needs=("chat.tools.required",),
    clients="code that reads the arguments without checking them, as strict mode allows",
    cooperative=True,
)
async def schema_strict(server: Server) -> None:
    for shape in ("enum", "ref", "any_of"):
        await _fits(server, SHAPES[shape], strict=True)


async def _fits(server: Server, schema: JSON, **function: Any) -> None:
    saving = tool("save_value", parameters=schema, **function)
    asked = "Save any value that you like, with the tool."
    for call in calls_of(await called(server, asked, tools=[saving])):
        arguments = read(at(call, "function", "arguments", of=str))
        expect(jsonschema_rs.is_valid(schema, arguments), f"arguments that fit {schema}", call)
