"""A tool call in a reply: its parts, and where it ends."""

import json
from collections.abc import Mapping
from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import calls_of, choice_of, message_of
from contract_tests.samples import ASK_WEATHER, CHAT, TIME, WEATHER
from contract_tests.server import JSON, Server, refusal
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.verdict import Broken

NEEDS = ("chat.tools",)
CALL = "ChatCompletionMessageToolCall"
CHOICE = "CreateChatCompletionResponse/properties/choices/items"
NAMES = ("get_weather", "get_time")


async def pressed(server: Server, params: Mapping[str, Any]) -> JSON:
    """Parameters with tools, and the demand to call one where the server takes it."""
    wanted = {"tools": [WEATHER], **params}
    if "tool_choice" not in wanted and await server.target.has("chat.tools.required"):
        wanted["tool_choice"] = "required"
    return wanted


async def called(server: Server, asked: str = ASK_WEATHER, **params: Any) -> JSON:
    """The choice of a reply that calls a tool and was not cut off."""
    body = await server.chat(asked, **await pressed(server, params))
    choice = choice_of(body)
    cooperate(message_of(choice).get("tool_calls"), "the model called no tool")
    cooperate(choice.get("finish_reason") != "length", "the call was cut off")
    return choice


def read(arguments: str) -> JSON:
    """The arguments of a call.

    Raises:
        Broken: they are not a JSON object.
    """
    try:
        value = json.loads(arguments)
    except ValueError as error:
        raise Broken("arguments that are JSON", f"{error}: {arguments}") from error
    expect(isinstance(value, dict), "arguments that are a JSON object", arguments)
    return value  # type: ignore[no-any-return]


@check(
    "tools.call.id",
    MUST,
    "Every tool call has an `id`, a text that is not empty.",
    spec(f"{CALL}/required"),
    issue("BerriAI/litellm#33223", "binaricat/Netcatty#1007"),
    needs=NEEDS,
    clients="the result of the tool cannot be sent back",
    cooperative=True,
)
async def call_id(server: Server) -> None:
    for call in calls_of(await called(server)):
        expect(at(call, "id", of=str), "an `id`", call)


@check(
    "tools.call.id_unique",
    SHOULD,
    "Two calls never have the same `id`, not even in two replies.",
    spec("ChatCompletionRequestToolMessage/properties/tool_call_id"),
    needs=NEEDS,
    clients="agents that keep their tool results by id overwrite an older one",
    cooperative=True,
)
async def call_id_unique(server: Server) -> None:
    choices = [await called(server), await called(server, fresh=True)]
    ids = [at(call, "id", of=str) for choice in choices for call in calls_of(choice)]
    expect(len(set(ids)) == len(ids), "each id once", ids)


@check(
    "tools.call.type",
    MUST,
    'The call of a function has the `type` "function".',
    spec(f"{CALL}/properties/type"),
    needs=NEEDS,
    clients="typed SDKs choose the class of the call by it",
    cooperative=True,
)
async def call_type(server: Server) -> None:
    for call in calls_of(await called(server)):
        expect(at(call, "type") == "function", '`type` to be "function"', call)


@check(
    "tools.call.name",
    MUST,
    "A call names one of the tools of the request.",
    spec(f"{CALL}/properties/function/required"),
    peer("vllm", "test_function_tool_use"),
    needs=NEEDS,
    cooperative=True,
)
async def call_name(server: Server) -> None:
    for call in calls_of(await called(server, tools=[WEATHER, TIME])):
        expect(at(call, "function", "name") in NAMES, "the name of a tool", call)


@check(
    "tools.call.arguments",
    MUST,
    "`arguments` is a text, not an object.",
    spec(f"{CALL}/properties/function/properties/arguments"),
    issue("ggml-org/llama.cpp#20198", "sipeed/picoclaw#1292", "mrdushidush/claudette#238"),
    needs=NEEDS,
    clients="everything that parses the arguments, so all agents",
    cooperative=True,
)
async def call_arguments(server: Server) -> None:
    for call in calls_of(await called(server)):
        at(call, "function", "arguments", of=str)


@check(
    "tools.call.arguments_json",
    MUST,
    "`arguments` of a finished call is the text of a JSON object.",
    doc(f"{CALL}/properties/function/properties/arguments"),
    issue("vllm-project/vllm#32152", "vllm-project/vllm#15274"),
    needs=NEEDS,
    clients="the tool cannot run, and the replayed call is refused from then on",
    cooperative=True,
)
async def call_arguments_json(server: Server) -> None:
    for call in calls_of(await called(server)):
        read(at(call, "function", "arguments", of=str))


@check(
    "tools.call.finish",
    MUST,
    'A reply that calls tools of its own will finishes for "tool_calls".',
    doc(f"{CHOICE}/properties/finish_reason"),
    issue("ml-explore/mlx-lm#782"),
    needs=NEEDS,
    clients="agents stop instead of running the tool; pydantic-ai refuses a misspelt reason",
    cooperative=True,
)
async def call_finish(server: Server) -> None:
    # Of its own will: OpenAI's own examples allow for "stop" where a call was demanded.
    choice = await called(server, tool_choice="auto")
    expect(choice.get("finish_reason") == "tool_calls", 'finish_reason "tool_calls"', choice)


@check(
    "tools.call.content",
    SHOULD,
    "`content` is null or empty where a call was demanded.",
    spec("ChatCompletionResponseMessage/properties/content"),
    peer("vllm", "test_named_tool_use"),
    needs=("chat.tools.required",),
    clients="chats show the raw call as text",
    cooperative=True,
)
async def call_content(server: Server) -> None:
    message = message_of(await called(server))
    expect(at(message, "content") in (None, ""), "null or empty `content`", message)


@check(
    "tools.call.cut",
    SHOULD,
    'A call cut off by the limit of tokens is never said to be finished by "tool_calls".',
    doc(f"{CHOICE}/properties/finish_reason"),
    peer("vllm", "test_max_tokens_with_tool_choice_required"),
    issue("vllm-project/vllm#32152", "vllm-project/vllm#15274"),
    needs=("chat.tools.required",),
    clients="agents run the tool with half of its arguments",
)
async def call_cut(server: Server) -> None:
    body = server.chat_body(ASK_WEATHER, tools=[WEATHER], tool_choice="required", max_tokens=6)
    answer = await server.post(CHAT, body, fresh=False)
    # OpenAI refuses a limit too small for the reply's form.
    if not answer.ok:
        refusal(answer)
    else:
        choice = choice_of(answer.json)
        if choice.get("finish_reason") != "length":
            for call in calls_of(choice):
                read(at(call, "function", "arguments", of=str))
