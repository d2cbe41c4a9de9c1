"""Functions, the older form of tools; and custom tools, which take free text."""

import re
from typing import Any

import jsonschema_rs

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.checks.tools import read
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import calls_of, choice_of, message_of
from contract_tests.samples import ASK_WEATHER, CHAT, NOTE, SHAPES, TIME, WEATHER
from contract_tests.server import JSON, Server
from contract_tests.sources import Source, doc, spec
from contract_tests.verdict import Unsupported

FUNCTIONS = [WEATHER["function"], TIME["function"]]
NAMED: JSON = {"functions": FUNCTIONS, "function_call": {"name": "get_weather"}}
FUNCTION = ("chat.functions",)
CUSTOM = ("chat.tools.custom",)
DEMANDED = ("chat.tools.custom", "chat.tools.required")
CALL = "ChatCompletionResponseMessage/properties/function_call"
CUSTOM_CALL = "ChatCompletionMessageCustomToolCall"
REQUEST = "CreateChatCompletionRequest/allOf/1/properties"
FORCED = {"tools": [NOTE], "tool_choice": "required"}


async def _choice(server: Server, **params: Any) -> JSON:
    choice = choice_of(await server.chat(ASK_WEATHER, **params))
    cooperate(choice.get("finish_reason") != "length", "the reply was cut off")
    return choice


@check(
    "tools.functions.named",
    SHOULD,
    "The function that function_call names is called in `message.function_call`.",
    doc("ChatCompletionFunctionCallOption"),
    spec(f"{CALL}/required"),
    needs=FUNCTION,
    clients="programs from before there were tools",
    cooperative=True,
)
async def functions_named(server: Server) -> None:
    call = at(await _choice(server, **NAMED), "message", "function_call", of=dict)
    expect(at(call, "name") == "get_weather", '`name` "get_weather"', call)
    read(at(call, "arguments", of=str))


@check(
    "tools.functions.schema",
    SHOULD,
    "The arguments of a demanded function call keep to their schema.",
    doc("FunctionParameters"),
    needs=FUNCTION,
    cooperative=True,
)
async def functions_schema(server: Server) -> None:
    schema = SHAPES["enum"]
    saving = {"name": "save_value", "parameters": schema}
    choice = await _choice(server, functions=[saving], function_call={"name": "save_value"})
    arguments = read(at(choice, "message", "function_call", "arguments", of=str))
    expect(jsonschema_rs.is_valid(schema, arguments), f"arguments that fit {schema}", arguments)


@check(
    "tools.functions.finish",
    SHOULD,
    'A reply that calls a function of its own will finishes for "function_call".',
    doc("CreateChatCompletionResponse/properties/choices/items/properties/finish_reason"),
    needs=FUNCTION,
    cooperative=True,
)
async def functions_finish(server: Server) -> None:
    choice = await _choice(server, functions=FUNCTIONS)
    cooperate(message_of(choice).get("function_call"), "the model called no function")
    expect(choice.get("finish_reason") == "function_call", '"function_call"', choice)


@check(
    "tools.functions.none",
    SHOULD,
    'With function_call "none" no function is called.',
    doc(f"{REQUEST}/function_call"),
    needs=FUNCTION,
)
async def functions_none(server: Server) -> None:
    choice = await _choice(server, functions=FUNCTIONS, function_call="none")
    message = message_of(choice)
    expect(not message.get("function_call") and not calls_of(choice), "no call", message)


@check(
    "tools.functions.stream",
    SHOULD,
    "A streamed function call joins to the name of the function and the text of a JSON object.",
    spec("ChatCompletionStreamResponseDelta/properties/function_call"),
    needs=("chat.stream", "chat.functions"),
    cooperative=True,
)
async def functions_stream(server: Server) -> None:
    stream = await server.chat_stream(ASK_WEATHER, **NAMED)
    cooperate("length" not in stream.finishes(), "the call was cut off")
    joined = {"name": "", "arguments": ""}
    for delta in stream.deltas():
        if delta.get("function_call"):
            for key, value in at(delta, "function_call", of=dict).items():
                if key in joined and value is not None:
                    joined[key] += at(delta, "function_call", key, of=str)
    expect(joined["name"] == "get_weather", 'the name "get_weather"', joined)
    read(joined["arguments"])


@check(
    "tools.functions.replay",
    SHOULD,
    "A function's call and its result, a message of the role function, go back.",
    spec("ChatCompletionRequestFunctionMessage/required"),
    needs=FUNCTION,
)
async def functions_replay(server: Server) -> None:
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    messages: list[JSON] = [
        {"role": "user", "content": ASK_WEATHER},
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "get_weather", "content": "18 degrees"},
    ]
    await server.chat(messages, functions=FUNCTIONS)


def _refuses(name: str, rule: str, params: JSON, *sources: Source, needs: Any) -> Check:
    @check(f"tools.{name}", SHOULD, rule, *sources, needs=needs)
    async def refuses(server: Server) -> None:
        body = server.chat_body(ASK_WEATHER, **params)
        await server.refuses(CHAT, body)

    return refuses


functions_name = _refuses(
    "functions.name",
    "A function whose name has other characters than letters, digits, _ and - is refused.",
    {"functions": [{"name": "get weather"}]},
    doc("ChatCompletionFunctions/properties/name"),
    needs=FUNCTION,
)
functions_empty = _refuses(
    "functions.empty",
    "An empty list of functions is refused.",
    {"functions": []},
    spec(f"{REQUEST}/functions/minItems"),
    needs=FUNCTION,
)
functions_unknown = _refuses(
    "functions.unknown",
    "A function_call that names none of the functions is refused.",
    {"functions": FUNCTIONS, "function_call": {"name": "get_tides"}},
    doc("ChatCompletionFunctionCallOption"),
    needs=FUNCTION,
)
custom_no_name = _refuses(
    "custom.no_name",
    "A custom tool without a name is refused.",
    {"tools": [{"type": "custom", "custom": {"description": "Notes."}}]},
    spec("CustomToolChatCompletions/properties/custom/required"),
    needs=CUSTOM,
)


@check(
    "tools.custom.call",
    MUST,
    "The call of a custom tool has an id, the type custom, the name and the text of its input.",
    spec(f"{CUSTOM_CALL}/required"),
    spec(f"{CUSTOM_CALL}/properties/custom/required"),
    needs=DEMANDED,
    clients="the SDK's custom tool calls",
    cooperative=True,
)
async def custom_call(server: Server) -> None:
    choice = await _choice(server, **FORCED)
    expect(calls_of(choice), "a tool call", choice)
    for call in calls_of(choice):
        expect(at(call, "id", of=str), "an `id`", call)
        expect(at(call, "type") == "custom", '`type` "custom"', call)
        expect(at(call, "custom", "name") == "note", '`name` "note"', call)
        at(call, "custom", "input", of=str)


@check(
    "tools.custom.named",
    MUST,
    "The custom tool that tool_choice names is called.",
    doc("ChatCompletionNamedToolChoiceCustom"),
    needs=("chat.tools.custom.named",),
    cooperative=True,
)
async def custom_named(server: Server) -> None:
    calls = calls_of(await _choice(server, tools=[WEATHER, NOTE], tool_choice=NOTE))
    names = [call.get("custom") and at(call, "custom", of=dict).get("name") for call in calls]
    expect(
        names and all(name == "note" for name in names), "the tool note alone to be called", calls
    )


@check(
    "tools.custom.grammar",
    SHOULD,
    "The input of a custom tool with a grammar keeps to the grammar.",
    doc("CustomToolChatCompletions/properties/custom/properties/format/oneOf/1/properties/grammar"),
    needs=DEMANDED,
    cooperative=True,
)
async def custom_grammar(server: Server) -> None:
    pattern = "[0-9]{4}-[0-9]{2}"
    grammar = {"syntax": "regex", "definition": pattern}
    custom = {"name": "note", "format": {"type": "grammar", "grammar": grammar}}
    tools = [{"type": "custom", "custom": custom}]
    body = server.chat_body(ASK_WEATHER, tools=tools, tool_choice="required")
    if refused(await server.post(CHAT, body, fresh=False)):
        raise Unsupported("the server takes no grammar")
    choice = await _choice(server, tools=tools, tool_choice="required")
    expect(calls_of(choice), "a tool call", choice)
    for call in calls_of(choice):
        text = at(call, "custom", "input", of=str)
        expect(re.fullmatch(pattern, text), f"an input like {pattern}", text)


@check(
    "tools.custom.replay",
    MUST,
    "The call of a custom tool and its result go back.",
    spec("ChatCompletionMessageToolCalls/items/oneOf/1"),
    needs=DEMANDED,
    clients="every agent with custom tools",
    cooperative=True,
)
async def custom_replay(server: Server) -> None:
    message = message_of(await _choice(server, **FORCED))
    calls = calls_of({"message": message})
    cooperate(calls, "the model called no tool")
    results = [
        {"role": "tool", "tool_call_id": at(call, "id", of=str), "content": "Noted."}
        for call in calls
    ]
    messages = [{"role": "user", "content": ASK_WEATHER}, message, *results]
    await server.chat(messages, tools=FORCED["tools"], fresh=True)
