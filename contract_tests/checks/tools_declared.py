"""The tools that a request may declare, and those that it may not."""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, Level, check
from contract_tests.samples import CHAT, WEATHER
from contract_tests.server import JSON, Server
from contract_tests.sources import Source, doc, issue, peer, spec

NEEDS = ("chat.tools",)
FUNCTION: JSON = WEATHER["function"]
STRICT = issue(
    "earendil-works/pi#1172", "plmbr/notebook-intelligence#172", "OpenCoworkAI/open-cowork#232"
)


def _takes(name: str, rule: str, function: JSON, *sources: Source) -> Check:
    @check(
        f"tools.declared.{name}",
        MUST,
        rule,
        *sources,
        needs=NEEDS,
        clients="SDKs and agents that declare their tools so",
    )
    async def takes(server: Server) -> None:
        await server.chat(tools=[{"type": "function", "function": function}])

    return takes


def _without(key: str) -> JSON:
    return {known: value for known, value in FUNCTION.items() if known != key}


strict = _takes(
    "strict",
    "A tool may say `strict: true`.",
    {**FUNCTION, "strict": True},
    spec("FunctionObject/properties/strict"),
    *STRICT,
)
lenient = _takes(
    "lenient",
    "A tool may say `strict: false`.",
    {**FUNCTION, "strict": False},
    spec("FunctionObject/properties/strict"),
    *STRICT,
)
no_parameters = _takes(
    "no_parameters",
    "A tool may leave out `parameters`.",
    _without("parameters"),
    doc("FunctionParameters"),
)
no_description = _takes(
    "no_description",
    "A tool may leave out `description`.",
    _without("description"),
    spec("FunctionObject/required"),
)
long_name = _takes(
    "long_name",
    "The name of a tool may have 64 letters, digits, underscores and dashes.",
    {**FUNCTION, "name": "Get-the_weather-4".ljust(64, "x")},
    doc("FunctionObject/properties/name"),
)


def _refuses(name: str, level: Level, rule: str, tools: list[Any], *sources: Source) -> Check:
    @check(f"tools.invalid.{name}", level, rule, *sources, needs=NEEDS)
    async def refuses(server: Server) -> None:
        for tool in tools:
            body = server.chat_body(tools=[tool])
            await server.refuses(CHAT, body)

    return refuses


def _function(**edits: Any) -> JSON:
    return {"type": "function", "function": {**FUNCTION, **edits}}


bad_name = _refuses(
    "name",
    MUST,
    "The name of a tool has letters, digits, underscores and dashes alone.",
    [_function(name="get weather"), _function(name="get.weather"), _function(name="wetter_für")],
    doc("FunctionObject/properties/name"),
)
name_too_long = _refuses(
    "name_length",
    MUST,
    "The name of a tool has 64 characters at most.",
    [_function(name="x" * 65)],
    doc("FunctionObject/properties/name"),
)
no_name = _refuses(
    "no_name",
    MUST,
    "A tool without a name is refused.",
    [{"type": "function", "function": _without("name")}],
    spec("FunctionObject/required"),
)
no_function = _refuses(
    "no_function",
    MUST,
    "A tool of type function without `function` is refused.",
    [{"type": "function"}],
    spec("ChatCompletionTool/required"),
)
bad_type = _refuses(
    "type",
    SHOULD,
    "A tool of an unknown type is refused.",
    [{"type": "telepathy", "telepathy": {"name": "guess"}}],
    spec("CreateChatCompletionRequest/allOf/1/properties/tools/items"),
)
no_object = _refuses(
    "no_object",
    SHOULD,
    "A tool that is no object is refused.",
    ["get_weather"],
    spec("CreateChatCompletionRequest/allOf/1/properties/tools/items"),
)
bad_parameters = _refuses(
    "parameters",
    SHOULD,
    "`parameters` that are no JSON schema are refused.",
    [_function(parameters="city"), _function(parameters={"type": "hiccup"})],
    spec("FunctionParameters"),
    peer("llama.cpp", "test_completion_with_json_schema rejects invalid schemas"),
)
