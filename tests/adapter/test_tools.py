"""Tools, legacy functions and custom tools: who is called, with what, in both modes."""

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.adapter.chats import Body, ask, chat_body, choices_of, chunks_of, joined, refuse
from tests.adapter.tools import BOTH, TOOLS, WEATHER, function

PATH = "/v1/chat/completions"


def named(name: str) -> Body:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> Body:
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


CALLED: list[tuple[str, Body, list[str]]] = [
    ("What is the weather?", {}, ["get_weather"]),
    ("Call get_weather", {"tool_choice": "auto"}, ["get_weather"]),
    ("hello", {}, []),
    ("get_weather", {"tool_choice": "none"}, []),
    ("hello", {"tool_choice": "required"}, ["get_weather"]),
    ("send_email", {"tool_choice": "required"}, ["send_email"]),
    ("hello", {"tool_choice": named("send_email")}, ["send_email"]),
    (BOTH, {}, ["get_weather", "send_email"]),
    (BOTH, {"parallel_tool_calls": True}, ["get_weather", "send_email"]),
    (BOTH, {"parallel_tool_calls": False}, ["get_weather"]),
    (BOTH, {"tool_choice": "required", "parallel_tool_calls": False}, ["get_weather"]),
    (BOTH, {"tool_choice": allowed("auto", "send_email")}, ["send_email"]),
    ("get_weather", {"tool_choice": allowed("auto", "send_email")}, []),
    ("hello", {"tool_choice": allowed("required", "send_email")}, ["send_email"]),
    (BOTH, {"tool_choice": allowed("required", "get_weather")}, ["get_weather"]),
]


@pytest.mark.parametrize(("text", "more", "names"), CALLED, ids=str)
def test_the_tools_that_must_be_called_are_called(
    http: httpx.Client, text: str, more: Body, names: list[str]
) -> None:
    (choice,) = ask(http, text, tools=TOOLS, **more)["choices"]
    calls = choice["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == names
    assert choice["finish_reason"] == ("tool_calls" if names else "stop")
    assert choice["message"]["content"] == (None if names else text)
    assert "tool_calls" not in choice["message"] or calls
    assert len({call["id"] for call in calls}) == len(names)
    one = joined(chunks_of(http, text, tools=TOOLS, **more))
    assert [call["name"] for _, call in sorted(one["calls"].items())] == names
    assert one["finish"] == choice["finish_reason"]


@pytest.mark.parametrize("strict", [None, True, False])
def test_arguments_are_valid_text_of_json(http: httpx.Client, strict: bool | None) -> None:
    tools = [function("get_weather", WEATHER, strict=strict)]
    (choice,) = ask(http, tools=tools, tool_choice="required")["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function"
    assert isinstance(call["function"]["arguments"], str)
    jsonschema_rs.validate(WEATHER, json.loads(call["function"]["arguments"]))


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}], ids=str)
def test_a_tool_without_parameters_is_called_with_an_empty_object(
    http: httpx.Client, parameters: Body | None
) -> None:
    (choice,) = ask(http, tools=[function("now", parameters)], tool_choice="required")["choices"]
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {}


def test_a_streamed_call_is_opened_once_and_its_pieces_numbered(http: httpx.Client) -> None:
    pieces: dict[int, list[Body]] = {}
    chunks = chunks_of(http, BOTH, tools=TOOLS)
    for choice in choices_of(chunks):
        for piece in choice["delta"].get("tool_calls", ()):
            pieces.setdefault(piece["index"], []).append(piece)
    assert sorted(pieces) == [0, 1]
    for first, *later in pieces.values():
        assert first["id"]
        assert first["type"] == "function"
        assert first["function"]["name"]
        assert isinstance(first["function"]["arguments"], str)
        assert all({"index", "function"} == piece.keys() for piece in later)
        assert all({"arguments"} == piece["function"].keys() for piece in later)
    calls = joined(chunks)["calls"]
    jsonschema_rs.validate(WEATHER, json.loads(calls[0]["arguments"]))


def test_every_choice_has_calls_of_its_own(http: httpx.Client) -> None:
    answer = ask(http, tools=TOOLS, tool_choice="required", n=3)
    ids = [choice["message"]["tool_calls"][0]["id"] for choice in answer["choices"]]
    assert len(set(ids)) == 3


def test_a_limit_within_a_call_is_length(http: httpx.Client) -> None:
    answer = ask(http, tools=TOOLS, tool_choice="required", max_tokens=5)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


def test_tools_are_counted_in_the_prompt(http: httpx.Client) -> None:
    counts = [ask(http, tools=TOOLS[:size])["usage"]["prompt_tokens"] for size in (0, 1, 2)]
    assert counts == sorted(set(counts))


CONTENTS = [None, "", "Let me see."]


@pytest.mark.parametrize("content", CONTENTS, ids=str)
@pytest.mark.parametrize("result", ["21 °C", [{"type": "text", "text": "21 °C"}]], ids=str)
@pytest.mark.parametrize("arguments", ["{}", "", '{"city": "Rome"}'])
def test_a_tools_result_is_answered_in_text(
    http: httpx.Client, content: str | None, result: Any, arguments: str
) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": arguments},
    }
    messages = [
        {"role": "user", "content": "the weather"},
        {"role": "assistant", "content": content, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
    (choice,) = ask(http, messages=messages, tools=TOOLS)["choices"]
    assert choice["finish_reason"] == "stop"
    assert "21 °C" in choice["message"]["content"]
    again = ask(http, messages=[*messages, {"role": "user", "content": "weather"}], tools=TOOLS)
    assert again["choices"][0]["finish_reason"] == "tool_calls"


ORPHAN = [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "y"}]
REFUSED: list[tuple[Body, str]] = [
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": named("x")}, "tool_choice"),
    ({"tools": TOOLS, "tool_choice": named("nothing")}, "tool_choice"),
    ({"tools": TOOLS, "tool_choice": allowed("auto", "nothing")}, "tool_choice"),
    (
        {"tools": TOOLS, "tool_choice": {"type": "custom", "custom": {"name": "get_weather"}}},
        "tool",
    ),
    ({"tools": TOOLS, "tool_choice": {}}, "tool_choice"),
    ({"tools": TOOLS, "tool_choice": "perhaps"}, "tool_choice"),
    ({"tools": [function("bad name")]}, "tools.0.function.name"),
    ({"tools": [function("x" * 65)]}, "tools.0.function.name"),
    ({"tools": [function("f", {"type": "hiccup"})]}, "tools.0.function.parameters"),
    ({"tools": [function("f", {"type": 123})]}, "tools.0.function.parameters"),
    ({"tools": [function("f", {"$ref": "#/no"})], "tool_choice": "required"}, "tools"),
    ({"tools": [{"type": "magic"}]}, "tools.0.type"),
    ({"tools": TOOLS * 65}, "tools"),
    ({"messages": ORPHAN}, "messages.1.tool_call_id"),
    ({"messages": [ORPHAN[0], {"role": "tool", "content": "y"}]}, "messages.1.tool_call_id"),
    ({"functions": []}, "functions"),
    ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
    ({"function_call": "auto"}, "function_call"),
]


@pytest.mark.parametrize(("more", "param"), REFUSED, ids=lambda value: str(value)[:60])
def test_contradictions_are_refused_by_name(http: httpx.Client, more: Body, param: str) -> None:
    assert (refuse(http, PATH, chat_body(**more))["param"] or "").startswith(param)


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_an_empty_selection_of_tools_is_not_all_of_them(http: httpx.Client, mode: str) -> None:
    body = chat_body(BOTH, tools=TOOLS, tool_choice=allowed(mode))
    answer = http.post(PATH, json=body)
    assert answer.status_code == 400 or "tool_calls" not in answer.text


def test_an_empty_list_of_tools_is_none(http: httpx.Client) -> None:
    assert ask(http, tools=[])["choices"] == ask(http)["choices"]
