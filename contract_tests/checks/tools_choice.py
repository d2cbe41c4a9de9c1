"""`tool_choice` and `parallel_tool_calls`: which tools are called, and how many."""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.checks.tools import called
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import calls_of, choice_of, message_of
from contract_tests.samples import ASK_BOTH, ASK_WEATHER, CHAT, TIME, WEATHER, chosen
from contract_tests.server import JSON, Server
from contract_tests.sources import Source, doc, issue, peer, spec

BOTH = [WEATHER, TIME]
CHOICE = "ChatCompletionToolChoiceOption"


def _allowed(mode: str, name: str) -> JSON:
    tools = [{"type": "function", "function": {"name": name}}]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


async def _choice(server: Server, asked: str, **params: Any) -> JSON:
    choice = choice_of(await server.chat(asked, **params))
    # A model that thinks may use up its tokens before it calls.
    cooperate(choice.get("finish_reason") != "length" or calls_of(choice), "the reply was cut off")
    return choice


def _names(choice: JSON) -> list[str]:
    return [at(call, "function", "name", of=str) for call in calls_of(choice)]


@check(
    "tools.choice.none",
    MUST,
    'With tool_choice "none" no tool is called.',
    doc(CHOICE),
    peer("llama.cpp", "test_completion_without_tool_call"),
    issue("ayunis-core/ayunis-core#705"),
    needs=("chat.tools",),
    clients="tools run although the user has switched them off",
)
async def none(server: Server) -> None:
    choice = await _choice(server, ASK_WEATHER, tools=[WEATHER], tool_choice="none")
    expect(not calls_of(choice), "no tool call", choice)
    expect(choice.get("finish_reason") != "tool_calls", "another finish_reason", choice)


@check(
    "tools.choice.none_absent",
    SHOULD,
    "A reply in text to a request with tools has no empty list of calls.",
    spec("ChatCompletionResponseMessage/properties/tool_calls"),
    issue("vllm-project/vllm#44105", "openai/openai-node#1341", "openai/openai-agents-js#308"),
    needs=("chat.tools",),
    clients="code that asks `is not None` takes the first call; the replayed message is refused",
)
async def none_absent(server: Server) -> None:
    choice = await _choice(server, ASK_WEATHER, tools=[WEATHER], tool_choice="none")
    message = message_of(choice)
    expect(message.get("tool_calls") != [], "no `tool_calls`", message)


@check(
    "tools.choice.none_stream",
    MUST,
    'With tool_choice "none" a stream calls no tool, and has no empty list of calls.',
    doc(CHOICE),
    issue("ayunis-core/ayunis-core#705", "vllm-project/vllm#44105"),
    needs=("chat.stream", "chat.tools"),
    clients="tools run although the user has switched them off",
)
async def none_stream(server: Server) -> None:
    stream = await server.chat_stream(ASK_WEATHER, tools=[WEATHER], tool_choice="none")
    lists = [one["tool_calls"] for one in stream.deltas() if one.get("tool_calls") is not None]
    expect(not lists, "no `tool_calls`", lists)


@check(
    "tools.choice.auto",
    MUST,
    'tool_choice "auto" is accepted with tools.',
    spec(f"{CHOICE}/oneOf/0/enum"),
    needs=("chat.tools",),
)
async def auto(server: Server) -> None:
    await server.chat(ASK_WEATHER, tools=[WEATHER], tool_choice="auto")


@check(
    "tools.choice.required",
    MUST,
    'With tool_choice "required" a tool is called, whatever the question.',
    doc(CHOICE),
    peer("vllm", "test_function_tool_use"),
    needs=("chat.tools.required",),
    clients="agents that expect a call get text",
    cooperative=True,
)
async def required(server: Server) -> None:
    body = await server.chat(tools=[WEATHER], tool_choice="required")
    choice = choice_of(body)
    cooperate(choice.get("finish_reason") != "length", "the reply was cut off")
    expect(calls_of(choice), "a tool call", choice)


@check(
    "tools.choice.named",
    MUST,
    "The tool that tool_choice names is called, whatever the question, and no other.",
    doc("ChatCompletionNamedToolChoice"),
    peer("vllm", "test_named_tool_use"),
    needs=("chat.tools.named",),
    clients="libraries that extract data by one forced call",
    cooperative=True,
)
async def named(server: Server) -> None:
    choice = await _choice(server, ASK_WEATHER, tools=BOTH, tool_choice=chosen("get_time"))
    expect(set(_names(choice)) == {"get_time"}, "get_time alone to be called", choice)


@check(
    "tools.choice.named_finish",
    MUST,
    'A reply with a named call finishes for "stop" or "tool_calls".',
    spec("CreateChatCompletionResponse/properties/choices/items/properties/finish_reason"),
    needs=("chat.tools.named",),
    cooperative=True,
)
async def named_finish(server: Server) -> None:
    choice = await _choice(server, ASK_WEATHER, tools=BOTH, tool_choice=chosen("get_time"))
    cooperate(choice.get("finish_reason") != "length", "the call was cut off")
    expect(choice.get("finish_reason") in ("stop", "tool_calls"), '"stop" or "tool_calls"', choice)


def _refuses(name: str, rule: str, bodies: list[JSON], *sources: Source, needs: str) -> Check:
    @check(f"tools.choice.{name}", SHOULD, rule, *sources, needs=needs)
    async def refuses(server: Server) -> None:
        for params in bodies:
            body = server.chat_body(ASK_WEATHER, **params)
            await server.refuses(CHAT, body)

    return refuses


unknown = _refuses(
    "unknown",
    "A tool_choice that names none of the tools is refused.",
    [{"tools": [WEATHER], "tool_choice": chosen("get_time")}],
    peer("vllm", "test_inconsistent_tool_choice_and_tools"),
    needs="chat.tools.named",
)
alone = _refuses(
    "without_tools",
    "A tool_choice that demands a call is refused where there are no tools.",
    [{"tool_choice": "required"}, {"tool_choice": chosen("get_weather")}],
    peer("vllm", "test_inconsistent_tool_choice_and_tools"),
    needs="chat.tools.required",
)
NO_CHOICES: tuple[Any, ...] = ({}, "sometimes", 1)
invalid = _refuses(
    "invalid",
    "A tool_choice that is neither a known word nor a named tool is refused.",
    [{"tools": [WEATHER], "tool_choice": wrong} for wrong in NO_CHOICES],
    spec(CHOICE),
    peer("ogx", "test_invalid_tool_choice"),
    needs="chat.tools.required",
)


@check(
    "tools.parallel.off",
    MUST,
    "With parallel_tool_calls false there is one call at most.",
    doc("ParallelToolCalls"),
    peer("ogx", "test_openai_response_with_parallel_tool_calls_disabled"),
    issue("sgl-project/sglang#9696", "stdapi-ai/stdapi.ai#90", "ashalliants/ninfer-3090#14"),
    needs=("chat.tools.parallel",),
    clients="agents that run one tool at a time lose the other calls",
    cooperative=True,
)
async def parallel_off(server: Server) -> None:
    choice = await called(server, ASK_BOTH, tools=BOTH, parallel_tool_calls=False)
    expect(len(calls_of(choice)) == 1, "one call", choice)


@check(
    "tools.parallel.ids",
    SHOULD,
    "Calls of one reply have ids of their own.",
    spec("ChatCompletionMessageToolCall/properties/id"),
    peer("ogx", "test_openai_response_with_parallel_tool_calls_enabled"),
    needs=("chat.tools",),
    clients="the result of one call is taken for that of the other",
    cooperative=True,
)
async def parallel_ids(server: Server) -> None:
    calls = calls_of(await called(server, ASK_BOTH, tools=BOTH))
    cooperate(len(calls) > 1, "the model made one call")
    ids = [at(call, "id", of=str) for call in calls]
    expect(len(set(ids)) == len(ids), "each id once", ids)


@check(
    "tools.allowed.required",
    MUST,
    "With allowed_tools and the mode required, an allowed tool is called and no other.",
    doc("ChatCompletionAllowedToolsChoice"),
    needs=("chat.tools.allowed",),
    clients="agents that keep their list of tools for the cache, and allow a few",
    cooperative=True,
)
async def allowed_required(server: Server) -> None:
    choice = await _choice(
        server, ASK_WEATHER, tools=BOTH, tool_choice=_allowed("required", "get_time")
    )
    expect(set(_names(choice)) == {"get_time"}, "get_time alone to be called", choice)


@check(
    "tools.allowed.auto",
    MUST,
    "With allowed_tools no other tool is called.",
    doc("ChatCompletionAllowedToolsChoice"),
    peer("openresponses", "allowed_tools"),
    needs=("chat.tools.allowed",),
    clients="agents that keep their list of tools for the cache, and allow a few",
)
async def allowed_auto(server: Server) -> None:
    choice = await _choice(server, ASK_BOTH, tools=BOTH, tool_choice=_allowed("auto", "get_time"))
    expect("get_weather" not in _names(choice), "get_weather not to be called", choice)


allowed_unknown = _refuses(
    "allowed_unknown",
    "allowed_tools that name none of the tools are refused.",
    [{"tools": [WEATHER], "tool_choice": _allowed("auto", "get_time")}],
    spec("ChatCompletionAllowedTools/properties/tools"),
    needs="chat.tools.allowed",
)
