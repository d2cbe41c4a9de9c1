"""The parameters beside the messages: tools, limits, sampling, thinking, formats."""

from typing import Any

import httpx
import openai
import pytest

from tests.backends.anthropic.asking import TIME, WEATHER, calls, chat, refused, result, user
from tests.backends.anthropic.streams import answer, call, text
from tests.backends.anthropic.stub import KEY, Stub

Json = dict[str, Any]
NAMED = {"type": "function", "function": {"name": "time"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
BASE = {"model", "stream", "messages", "max_tokens"}
CUSTOM = {"type": "custom", "custom": {"name": "t"}}


def allowed(mode: str, *names: str) -> Json:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def schema_format(schema: Json | None, **more: object) -> Json:
    told = {"name": "thing", **more} | ({"schema": schema} if schema is not None else {})
    return {"type": "json_schema", "json_schema": told}


def test_a_plain_chat_sends_no_more_than_it_must(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, temperature=1, top_p=1, presence_penalty=0, tools=[], store=True)
    assert stub.last.keys() == BASE
    assert stub.last["max_tokens"] == 1000


def test_the_headers(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude)
    headers = stub.headers[-1]
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["anthropic-beta"] == "one-2026-01-01,two-2026-02-02"
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers


SENT: list[tuple[Json, Json]] = [
    ({"max_tokens": 7}, {"max_tokens": 7}),
    ({"max_completion_tokens": 8}, {"max_tokens": 8}),
    ({"temperature": 0}, {"temperature": 0}),
    ({"temperature": 0.7, "top_p": 0.5}, {"temperature": 0.7, "top_p": 0.5}),
    ({"stop": "END"}, {"stop_sequences": ["END"]}),
    ({"stop": ["a", "\n\n", "b"]}, {"stop_sequences": ["a", "b"]}),
    ({"stop": "\n"}, {}),
    ({"reasoning_effort": "none"}, {}),
    ({"response_format": {"type": "text"}}, {}),
    (
        {"response_format": schema_format(SCHEMA, strict=True)},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ),
]


@pytest.mark.parametrize(("more", "sent"), SENT)
def test_parameters(claude: openai.OpenAI, stub: Stub, more: Json, sent: Json) -> None:
    chat(claude, **more)
    for name, value in sent.items():
        assert stub.last[name] == value
    assert stub.last.keys() == BASE | sent.keys()


def test_a_stop_sequence_found_by_anthropic(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer(*text("Hello "), reason="stop_sequence")
    answered = chat(claude, stop=["END"])
    assert answered["choices"][0]["message"]["content"] == "Hello "
    assert answered["choices"][0]["finish_reason"] == "stop"
    assert answered["usage"]["completion_tokens"] == 15


def test_a_blank_stop_sequence_is_found_by_the_adapter(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer(*text("one\n", "\ntwo"))
    assert chat(claude, stop=["\n\n"])["choices"][0]["message"]["content"] == "one"


def test_tools(claude: openai.OpenAI, stub: Stub) -> None:
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    bare = {"type": "function", "function": {"name": "bare", "parameters": {"properties": {}}}}
    chat(claude, tools=[WEATHER, TIME, strict, bare])
    weather = {
        "name": "weather",
        "description": "Tells the weather.",
        "input_schema": WEATHER["function"]["parameters"],
    }
    assert stub.last["tools"] == [
        weather,
        {"name": "time", "input_schema": {"type": "object"}},
        {**weather, "strict": True},
        {"name": "bare", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert "tool_choice" not in stub.last


BOTH, ALONE = ["weather", "time"], {"disable_parallel_tool_use": True}
CHOICES: list[tuple[Json, Json | None, list[str]]] = [
    ({"tool_choice": "none"}, {"type": "none"}, BOTH),
    ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}, BOTH),
    ({"tool_choice": "auto"}, None, BOTH),
    ({"tool_choice": "required"}, {"type": "any"}, BOTH),
    ({"tool_choice": NAMED}, {"type": "tool", "name": "time"}, BOTH),
    ({"tool_choice": allowed("auto", "time")}, None, ["time"]),
    ({"tool_choice": allowed("required", "time", "weather")}, {"type": "any"}, BOTH),
    ({"parallel_tool_calls": True}, None, BOTH),
    ({"parallel_tool_calls": False}, {"type": "auto", **ALONE}, BOTH),
    (
        {"tool_choice": "required", "parallel_tool_calls": False},
        {"type": "any", **ALONE},
        BOTH,
    ),
    (
        {"tool_choice": NAMED, "parallel_tool_calls": False},
        {"type": "tool", "name": "time", **ALONE},
        BOTH,
    ),
]


@pytest.mark.parametrize(("more", "choice", "offered"), CHOICES)
def test_tool_choices(
    claude: openai.OpenAI, stub: Stub, more: Json, choice: Json | None, offered: list[str]
) -> None:
    chat(claude, tools=[WEATHER, TIME], **more)
    assert stub.last.get("tool_choice") == choice
    assert [tool["name"] for tool in stub.last["tools"]] == offered


def test_legacy_functions_are_called_one_at_a_time(plain: httpx.Client, stub: Stub) -> None:
    stub.events = answer(*call('{"city":"Rome"}', name="weather"), reason="tool_use")
    body = {
        "model": "claude-test",
        "messages": [user()],
        "functions": [WEATHER["function"]],
        "function_call": {"name": "weather"},
    }
    choice = plain.post("/v1/chat/completions", json=body).json()["choices"][0]
    assert choice["message"]["function_call"] == {"name": "weather", "arguments": '{"city":"Rome"}'}
    assert choice["finish_reason"] == "function_call"
    assert stub.last["tool_choice"] == {"type": "tool", "name": "weather", **ALONE}


BUDGETS: list[tuple[Json, str, tuple[int, int]]] = [
    ({}, "minimal", (2024, 1024)),
    ({}, "low", (3048, 2048)),
    ({}, "high", (17384, 16384)),
    ({"max_tokens": 100_000}, "max", (100_000, 32768)),
    ({"max_tokens": 6000}, "high", (6000, 3000)),
    ({"max_tokens": 1025}, "medium", (1025, 1024)),
]


@pytest.mark.parametrize(("more", "effort", "sent"), BUDGETS)
def test_an_effort_is_a_budget_to_older_models(
    claude: openai.OpenAI, stub: Stub, more: Json, effort: str, sent: tuple[int, int]
) -> None:
    chat(claude, reasoning_effort=effort, **more)
    limit, budget = sent
    assert stub.last["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert stub.last["max_tokens"] == limit


@pytest.mark.parametrize("model", ["claude-new", "claude-alias"])
@pytest.mark.parametrize(("effort", "sent"), [("minimal", "low"), ("medium", "medium")])
def test_an_effort_is_an_effort_to_newer_models(
    claude: openai.OpenAI, stub: Stub, model: str, effort: str, sent: str
) -> None:
    messages = [user(), calls(("a", "{}")), result("a")]
    form = schema_format(SCHEMA)
    more = {"tools": [WEATHER], "tool_choice": "required", "response_format": form}
    chat(claude, *messages, model=model, reasoning_effort=effort, **more)
    assert stub.last["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert stub.last["output_config"].keys() == {"effort", "format"}
    assert stub.last["output_config"]["effort"] == sent
    assert stub.last["max_tokens"] == 1000


def test_a_model_that_is_not_listed_is_looked_up_once(claude: openai.OpenAI, stub: Stub) -> None:
    for _ in range(2):
        chat(claude, model="claude-other-7", reasoning_effort="low")
    assert stub.last["thinking"]["type"] == "enabled"
    assert stub.looked_up == ["claude-other-7"]


def test_a_newer_model_is_told_not_to_think(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, model="claude-new", reasoning_effort="none")
    assert stub.last["thinking"] == {"type": "disabled"}


REFUSED: list[tuple[Json, str]] = [
    ({"temperature": 1.1}, "temperature"),
    ({"seed": 1}, "seed"),
    ({"logprobs": True}, "logprobs"),
    ({"logprobs": True, "top_logprobs": 2}, "logprobs"),
    ({"logit_bias": {"5": 1}}, "logit_bias"),
    ({"frequency_penalty": 0.5}, "frequency_penalty"),
    ({"presence_penalty": 0.5}, "presence_penalty"),
    ({"verbosity": "low"}, "verbosity"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"response_format": {"type": "json_object"}}, "response_format.type"),
    ({"response_format": schema_format(None)}, "response_format.json_schema.schema"),
    ({"tools": [WEATHER, CUSTOM]}, "tools.1"),
    ({"reasoning_effort": "low", "max_tokens": 1024}, "reasoning_effort"),
    ({"reasoning_effort": "low", "temperature": 0}, "temperature"),
    ({"reasoning_effort": "low", "top_p": 0.5}, "top_p"),
    ({"reasoning_effort": "low", "tools": [TIME], "tool_choice": "required"}, "tool_choice"),
    (
        {"reasoning_effort": "low", "messages": [user(), calls(("a", "{}")), result("a")]},
        "reasoning_effort",
    ),
    ({"reasoning_effort": "low", "model": "claude-plain"}, "reasoning_effort"),
    ({"reasoning_effort": "none", "model": "claude-always"}, "reasoning_effort"),
]


@pytest.mark.parametrize(("more", "param"), REFUSED)
def test_what_cannot_be_said_is_refused_by_name(
    plain: httpx.Client, stub: Stub, more: Json, param: str
) -> None:
    refused(plain, stub, param, **more)


def test_prompts_are_not_completed(plain: httpx.Client, stub: Stub) -> None:
    body = {"model": "claude-test", "prompt": "Once upon"}
    refusal = plain.post("/v1/completions", json=body)
    assert refusal.status_code == 400
    assert refusal.json()["error"]["param"] == "model"
    assert not stub.asked
