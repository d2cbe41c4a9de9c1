"""Calls of the other kinds: legacy functions, and custom tools with their formats."""

import json
import re

import httpx
import jsonschema_rs
import pytest

from tests.adapter.chats import Body, ask, chat_body, choices_of, chunks_of, joined, refuse, stream
from tests.adapter.tools import BOTH, TOOLS, WEATHER

PATH = "/v1/chat/completions"


def legacy(http: httpx.Client, text: str, **more: object) -> tuple[Body, str]:
    functions = [tool["function"] for tool in TOOLS]
    (choice,) = ask(http, text, functions=functions, **more)["choices"]
    assert "tool_calls" not in choice["message"]
    streamed = ""
    name, finish = None, None
    for piece in choices_of(chunks_of(http, text, functions=functions, **more)):
        called = piece["delta"].get("function_call", {})
        name, streamed = called.get("name", name), streamed + called.get("arguments", "")
        finish = piece["finish_reason"]
    call: Body = choice["message"].get("function_call", {"name": None, "arguments": ""})
    assert (name, streamed, finish) == (call["name"], call["arguments"], choice["finish_reason"])
    return call, choice["finish_reason"]


@pytest.mark.parametrize(
    ("text", "more", "name"),
    [
        (BOTH, {}, "get_weather"),
        ("weather", {"function_call": "auto"}, "get_weather"),
        ("weather", {"function_call": "none"}, None),
        ("hello", {}, None),
        ("hello", {"function_call": {"name": "send_email"}}, "send_email"),
    ],
)
def test_legacy_functions(http: httpx.Client, text: str, more: Body, name: str | None) -> None:
    call, finish = legacy(http, text, **more)
    assert call["name"] == name
    assert finish == ("function_call" if name else "stop")
    if name == "get_weather":
        jsonschema_rs.validate(WEATHER, json.loads(call["arguments"]))


def test_a_legacy_functions_result_is_answered_in_text(http: httpx.Client) -> None:
    messages = [
        {"role": "user", "content": "weather"},
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "get_weather", "arguments": "{}"},
        },
        {"role": "function", "name": "get_weather", "content": "21 °C"},
    ]
    functions = [{"name": "get_weather"}]
    (choice,) = ask(http, messages=messages, functions=functions)["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("21 °C", "stop")


LARK = 'start: "SELECT " NAME\nNAME: /[a-z]{3,5}/'
INPUTS: list[tuple[Body | None, str]] = [
    (None, ".+"),
    ({"type": "text"}, ".+"),
    (
        {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-f]{3}-[0-9]+"}},
        "[a-f]{3}-[0-9]+",
    ),
    ({"type": "grammar", "grammar": {"syntax": "lark", "definition": LARK}}, "SELECT [a-z]{3,5}"),
]


@pytest.mark.parametrize(("format_", "pattern"), INPUTS, ids=str)
def test_a_custom_tool_gets_an_input_of_its_format(
    http: httpx.Client, format_: Body | None, pattern: str
) -> None:
    custom: Body = {"name": "run_query"} | ({"format": format_} if format_ else {})
    more: Body = {"tools": [{"type": "custom", "custom": custom}], "tool_choice": "required"}
    (choice,) = ask(http, **more)["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "custom"
    assert call["custom"]["name"] == "run_query"
    assert re.fullmatch(pattern, call["custom"]["input"])
    one = joined(stream(http, PATH, chat_body(**more)))
    assert one["calls"][0]["type"] == "custom"
    assert one["calls"][0]["arguments"] == call["custom"]["input"]


@pytest.mark.parametrize(("syntax", "definition"), [("regex", "["), ("lark", "start: nothing")])
def test_a_grammar_that_is_none_is_refused(
    http: httpx.Client, syntax: str, definition: str
) -> None:
    grammar = {"syntax": syntax, "definition": definition}
    tool = {"name": "t", "format": {"type": "grammar", "grammar": grammar}}
    body = chat_body(tools=[{"type": "custom", "custom": tool}], tool_choice="required")
    assert (refuse(http, PATH, body)["param"] or "").startswith("tools")
