"""A chat's messages as a system prompt and turns, which the stub checks strictly."""

from typing import Any

import httpx
import openai
import pytest

from tests.backends.anthropic.asking import WEATHER, calls, chat, refused, result, user
from tests.backends.anthropic.stub import Stub

Json = dict[str, Any]


def said(role: str, content: object) -> Json:
    return {"role": role, "content": content}


def block(text: str) -> Json:
    return {"type": "text", "text": text}


def turns(stub: Stub) -> list[tuple[str, list[str]]]:
    """Each turn's role, and its texts or the ids of its calls and results."""
    return [
        (
            turn["role"],
            [
                one.get("text") or one.get("id") or "=" + one["tool_use_id"]
                for one in turn["content"]
            ],
        )
        for turn in stub.last["messages"]
    ]


def test_leading_instructions_are_the_system_prompt(claude: openai.OpenAI, stub: Stub) -> None:
    parts = [block("Be kind."), block("Be true.")]
    chat(claude, said("system", "Be brief."), said("developer", parts), user("Hi"))
    assert stub.last["system"] == [block("Be brief."), block("Be kind."), block("Be true.")]
    assert turns(stub) == [("user", ["Hi"])]


def test_later_instructions_stand_in_their_place(claude: openai.OpenAI, stub: Stub) -> None:
    chat(
        claude,
        user("Hi"),
        said("assistant", "Hello"),
        said("system", "Now in French."),
        user("Who are you?"),
    )
    assert "system" not in stub.last
    assert turns(stub)[2] == ("user", ["<system>", "Now in French.", "</system>", "Who are you?"])


def test_messages_of_one_role_are_one_turn(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, user("a"), user("b"), said("assistant", "c"), said("assistant", "d"), user("e"))
    assert turns(stub) == [("user", ["a", "b"]), ("assistant", ["c", "d"]), ("user", ["e"])]


def test_what_is_blank_is_left_out(claude: openai.OpenAI, stub: Stub) -> None:
    chat(
        claude,
        said("system", ""),
        user([block(" "), block("a")]),
        said("assistant", "\n\n"),
        said("assistant", None),
        user("b"),
    )
    assert "system" not in stub.last
    assert turns(stub) == [("user", ["a", "b"])]


def test_an_assistants_refusal_is_what_it_said(claude: openai.OpenAI, stub: Stub) -> None:
    part = {"type": "refusal", "refusal": "No."}
    told = {"role": "assistant", "content": None, "refusal": "Never."}
    chat(claude, user("a"), said("assistant", [block("Well."), part]), told, user("b"))
    assert turns(stub)[1] == ("assistant", ["Well.", "No.", "Never."])


def test_an_assistants_last_message_is_gone_on_with(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, user("a"), said("assistant", "It is"))
    assert turns(stub)[-1] == ("assistant", ["It is"])


def test_calls_and_their_results(claude: openai.OpenAI, stub: Stub) -> None:
    chat(
        claude,
        user("a"),
        calls(("call_1", '{"city": "Köln"}'), ("call_2", ""), content="I look."),
        result("call_2", [block("it"), block("rains")]),
        result("call_1", ""),
        user("Well?"),
        tools=[WEATHER],
    )
    assert stub.last["messages"][1]["content"] == [
        block("I look."),
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Köln"}},
        {"type": "tool_use", "id": "call_2", "name": "weather", "input": {}},
    ]
    assert stub.last["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_2", "content": [block("it"), block("rains")]},
        {"type": "tool_result", "tool_use_id": "call_1"},
        block("Well?"),
    ]


def test_results_stand_first_in_their_turn(claude: openai.OpenAI, stub: Stub) -> None:
    chat(
        claude,
        user("a"),
        calls(("one", "{}"), ("two", "{}")),
        said("system", "Hurry."),
        result("one"),
        user("Well?"),
        result("two"),
        tools=[WEATHER],
    )
    shown = ["=one", "=two", "<system>", "Hurry.", "</system>", "Well?"]
    assert turns(stub)[2] == ("user", shown)


def test_calls_in_several_rounds(claude: openai.OpenAI, stub: Stub) -> None:
    first, second = calls(("a", "{}")), calls(("b", "{}"))
    chat(claude, user("x"), first, result("a"), second, result("b"), tools=[WEATHER])
    assert [role for role, _ in turns(stub)] == ["user", "assistant"] * 2 + ["user"]


def test_calls_in_two_messages_of_one_turn(claude: openai.OpenAI, stub: Stub) -> None:
    first, second = calls(("a", "{}")), calls(("b", "{}"))
    chat(claude, user("x"), first, second, result("b"), result("a"), tools=[WEATHER])
    assert turns(stub)[1:] == [("assistant", ["a", "b"]), ("user", ["=b", "=a"])]


def test_an_id_that_anthropic_would_not_take_is_replaced(claude: openai.OpenAI, stub: Stub) -> None:
    odd = "functions.weather:0|" + "x" * 100
    chat(claude, user("x"), calls((odd, "{}"), ("b", "{}")), result(odd), result("b"))
    _, (_, [made, _]), (_, [answered, _]) = turns(stub)
    assert made != odd
    assert answered == "=" + made


def test_calls_of_legacy_functions(claude: openai.OpenAI, stub: Stub) -> None:
    called = {"name": "f", "arguments": '{"a": 1}'}
    chat(
        claude,
        user("x"),
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "two"},
    )
    contents = [turn["content"][0] for turn in stub.last["messages"]]
    assert [one["input"] for one in contents if one["type"] == "tool_use"] == [{"a": 1}] * 2
    results = [one for one in contents if one["type"] == "tool_result"]
    assert [one["content"][0]["text"] for one in results] == ["one", "two"]
    assert len({one["tool_use_id"] for one in results}) == 2


def named(role: str) -> list[Json]:
    return [user("x"), {"role": role, "content": "a", "name": "Bob"}]


CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "t", "input": "x"}}
REFUSED: list[tuple[list[Json], str]] = [
    ([said("system", "Be brief.")], "messages"),
    ([user(""), user(" ")], "messages"),
    ([said("assistant", "Hello"), user("Hi")], "messages.0.role"),
    ([said("system", "a"), said("assistant", "Hello"), user("Hi")], "messages.1.role"),
    (named("user"), "messages.1.name"),
    (named("assistant"), "messages.1.name"),
    (named("system"), "messages.1.name"),
    ([user(), calls(("a", "{}"))], "messages.1.tool_calls.0"),
    ([user(), calls(("a", "{}")), user("Well?")], "messages.1.tool_calls.0"),
    (
        [user(), calls(("a", "{}"), ("b", "{}")), result("a"), said("assistant", "c"), user("d")],
        "messages.1.tool_calls.1",
    ),
    ([user(), calls(("a", "{}")), result("a"), result("a")], "messages.3.tool_call_id"),
    (
        [user(), calls(("a", "[1]")), result("a")],
        "messages.1.tool_calls.0.function.arguments",
    ),
    (
        [user(), calls(("a", '{"b": ')), result("a")],
        "messages.1.tool_calls.0.function.arguments",
    ),
    ([user(), {"role": "function", "name": "f", "content": "x"}], "messages.1.name"),
    (
        [user(), {"role": "assistant", "function_call": {"name": "f", "arguments": "x"}}, user()],
        "messages.1.function_call.arguments",
    ),
    ([user(), {"role": "assistant", "audio": {"id": "a"}}, user()], "messages.1.audio"),
    (
        [user(), {"role": "assistant", "tool_calls": [CUSTOM]}, result("c")],
        "messages.1.tool_calls.0",
    ),
]


@pytest.mark.parametrize(("messages", "param"), REFUSED)
def test_what_cannot_be_arranged_is_refused_by_its_place(
    plain: httpx.Client, stub: Stub, messages: list[Json], param: str
) -> None:
    refused(plain, stub, param, messages=messages)
