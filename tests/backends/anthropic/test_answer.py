"""Anthropic's streams, with the traps that other translators fell into."""

import json
import time
from typing import Any

import httpx
import openai
import pytest

from tests.backends.anthropic.asking import TIME, WEATHER, chat, user
from tests.backends.anthropic.streams import answer, block, call, delta, end, start, stop, text
from tests.backends.anthropic.streams import thinking as thought
from tests.backends.anthropic.stub import Stub

PING = {"type": "ping"}


def message_of(claude: openai.OpenAI, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = chat(claude, **more)["choices"][0]["message"]
    return message


def arguments_of(claude: openai.OpenAI) -> list[str]:
    made = message_of(claude, tools=[WEATHER, TIME])["tool_calls"]
    return [one["function"]["arguments"] for one in made]


def test_a_text(claude: openai.OpenAI) -> None:
    answered = chat(claude)
    assert answered["choices"][0]["message"]["content"] == "Hello there"
    assert answered["choices"][0]["finish_reason"] == "stop"
    assert answered["model"] == "claude-test"


def test_a_text_that_begins_with_its_block(claude: openai.OpenAI, stub: Stub) -> None:
    opening = block(0, type="text", text="He")
    stub.events = answer(opening, delta(0, type="text_delta", text="llo"), stop(0))
    assert message_of(claude)["content"] == "Hello"


def test_several_text_blocks_are_one_text(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer(*text("a"), *text("b", index=1))
    assert message_of(claude)["content"] == "ab"


def test_an_empty_answer(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer()
    assert message_of(claude)["content"] == ""


@pytest.mark.parametrize("pieces", [(), ("",), ("", "")])
def test_an_empty_tool_input_is_an_empty_object(
    claude: openai.OpenAI, stub: Stub, pieces: tuple[str, ...]
) -> None:
    stub.events = answer(*call(*pieces), reason="tool_use")
    assert arguments_of(claude) == ["{}"]


def test_an_empty_tool_input_before_another_call(claude: openai.OpenAI, stub: Stub) -> None:
    second = call('{"a":', "1}", index=1, name="g", call_id="toolu_02")
    stub.events = answer(*call(), *second, reason="tool_use")
    made = message_of(claude, tools=[WEATHER])["tool_calls"]
    assert [one["id"] for one in made] == ["toolu_01", "toolu_02"]
    assert [one["function"] for one in made] == [
        {"name": "f", "arguments": "{}"},
        {"name": "g", "arguments": '{"a":1}'},
    ]


def test_arguments_that_come_at_the_end_in_one_piece(claude: openai.OpenAI, stub: Stub) -> None:
    pieces = ("", '{"city":"Köln","deep":{"a":[1,2]}}')
    stub.events = answer(*call(*pieces), reason="tool_use")
    assert arguments_of(claude) == [pieces[1]]


def test_arguments_that_come_with_their_block(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer(*call(given={"city": "Rome"}), reason="tool_use")
    assert [json.loads(one) for one in arguments_of(claude)] == [{"city": "Rome"}]


def test_a_call_that_is_cut_off_before_its_arguments_has_none(
    claude: openai.OpenAI, stub: Stub
) -> None:
    stub.events = answer(*call(), reason="max_tokens")
    choice = chat(claude, tools=[WEATHER])["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == ""
    assert choice["finish_reason"] == "length"


def test_parallel_calls_with_interleaved_arguments(claude: openai.OpenAI, stub: Stub) -> None:
    one, other = call(index=1), call(index=2, name="g", call_id="toolu_02")
    stub.events = answer(
        *text("I look."),
        one[0],
        other[0],
        delta(2, type="input_json_delta", partial_json='{"b"'),
        delta(1, type="input_json_delta", partial_json='{"a":1}'),
        delta(2, type="input_json_delta", partial_json=":2}"),
        stop(1),
        stop(2),
        reason="tool_use",
    )
    answered = chat(claude, tools=[WEATHER])["choices"][0]
    assert answered["finish_reason"] == "tool_calls"
    assert answered["message"]["content"] == "I look."
    assert [one["function"]["arguments"] for one in answered["message"]["tool_calls"]] == [
        '{"a":1}',
        '{"b":2}',
    ]


def test_blocks_of_one_number_are_several_calls(claude: openai.OpenAI, stub: Stub) -> None:
    second = call("{}", name="g", call_id="toolu_02")
    stub.events = answer(*call('{"a":1}'), *second, reason="tool_use")
    assert arguments_of(claude) == ['{"a":1}', "{}"]


def test_a_second_message_start_begins_nothing_anew(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = [start(), *text("one"), start(), *text(" two", index=1), *end()]
    answered = chat(claude)
    assert answered["choices"][0]["message"]["content"] == "one two"
    assert answered["usage"]["prompt_tokens"] == 25


def test_thinking_is_reasoning_and_never_text(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = answer(
        *thought("Let me", " see."),
        *text("Yes", index=1),
        *thought(" More.", index=2),
        *text(", it is.", index=3),
    )
    message = message_of(claude)
    assert message["reasoning_content"] == "Let me see. More."
    assert message["content"] == "Yes, it is."


def test_signatures_and_redacted_thinking_are_not_shown(
    claude: openai.OpenAI, plain: httpx.Client, stub: Stub
) -> None:
    redacted = [block(1, type="redacted_thinking", data="c2VjcmV0"), stop(1)]
    stub.events = answer(*thought("Hm.", signature="bXlzaWc="), *redacted, *text("Yes", index=2))
    message = message_of(claude)
    assert (message["content"], message["reasoning_content"]) == ("Yes", "Hm.")
    asked = {"model": "claude-test", "messages": [user()]}
    shown = plain.post("/v1/chat/completions", json=asked).text
    assert "bXlzaWc" not in shown
    assert "c2VjcmV0" not in shown


def test_what_is_unknown_is_passed_over(claude: openai.OpenAI, stub: Stub) -> None:
    server_tool = block(1, type="server_tool_use", id="srvtoolu_1", name="web_search", input={})
    stub.events = [
        PING,
        start(),
        PING,
        {"type": "brand_new", "data": {"type": "text_delta", "text": "no"}},
        {"type": "content_block_delta"},
        *text("Hello")[:2],
        delta(0, type="citations_delta", citation={"cited_text": "no"}),
        delta(0, type="brand_new_delta", text="no"),
        stop(0),
        server_tool,
        delta(1, type="input_json_delta", partial_json='{"query":"no"}'),
        stop(1),
        block(2, type="brand_new_block", text="no"),
        stop(2),
        *end(),
    ]
    answered = chat(claude)["choices"][0]
    assert answered["message"]["content"] == "Hello"
    assert answered["message"]["tool_calls"] is None


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("brand_new_reason", "stop"),
    ],
)
def test_why_it_ended(claude: openai.OpenAI, stub: Stub, reason: str, finish: str) -> None:
    stub.events = answer(*text("Hello"), reason=reason)
    assert chat(claude)["choices"][0]["finish_reason"] == finish


def test_a_refusal_with_its_explanation(claude: openai.OpenAI, stub: Stub) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "That could do harm."}
    stub.events = [start(), *end("refusal", stop_details=details)]
    choice = chat(claude)["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["refusal"] == "That could do harm."
    assert choice["message"]["content"] is None


def test_usage_is_joined_from_both_events(claude: openai.OpenAI, stub: Stub) -> None:
    begun = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 40,
        "cache_read_input_tokens": 500,
        "output_tokens": 1,
    }
    told = {"output_tokens": 77, "output_tokens_details": {"thinking_tokens": 60}}
    stub.events = [start(begun), *text("Hello"), *end(usage=told)]
    usage = chat(claude)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (543, 77)
    assert usage["total_tokens"] == 620
    assert usage["prompt_tokens_details"]["cached_tokens"] == 500
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 60


def test_usage_that_the_end_corrects(claude: openai.OpenAI, stub: Stub) -> None:
    told = {"input_tokens": 30, "cache_read_input_tokens": None, "output_tokens": 9}
    stub.events = [start({"input_tokens": 0, "output_tokens": 0}), *text("Hello"), *end(usage=told)]
    usage = chat(claude)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (30, 9)


BEGUN = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 40,
    "cache_read_input_tokens": 500,
    "output_tokens": 1,
}
ZEROS = dict.fromkeys(BEGUN, 0)


@pytest.mark.parametrize(
    "told",
    [
        {"output_tokens": 15},
        {**ZEROS, "output_tokens": 15},
        {**BEGUN, "output_tokens": 15},
        {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 15},
    ],
)
def test_usage_told_again_or_as_zero_at_the_end_counts_once(
    claude: openai.OpenAI, stub: Stub, told: dict[str, int]
) -> None:
    again = {"type": "message_delta", "delta": {}, "usage": {**told, "output_tokens": 7}}
    stub.events = [start(BEGUN), start(BEGUN), *text("Hello"), again, *end(usage=told)]
    usage = chat(claude)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (565, 15)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 500


def test_several_choices_are_several_answers(claude: openai.OpenAI, stub: Stub) -> None:
    answered = claude.chat.completions.create(
        model="claude-test", messages=[{"role": "user", "content": "Hi"}], n=3
    )
    assert [choice.message.content for choice in answered.choices] == ["Hello there"] * 3
    assert answered.usage
    assert (answered.usage.prompt_tokens, answered.usage.completion_tokens) == (25, 45)
    assert len(stub.asked) == 3


def test_events_however_they_are_framed(claude: openai.OpenAI, stub: Stub) -> None:
    lines = [json.dumps(event) for event in answer(*text("Hello", " wörld"))]
    stub.raw = "".join(f": hello\r\ndata:{line}\r\n\r\n" for line in lines).encode()
    assert message_of(claude)["content"] == "Hello wörld"


def test_a_connection_is_used_again(claude: openai.OpenAI, stub: Stub) -> None:
    stub.pause_s = 0.02  # the end comes after the last event
    for _ in range(5):
        chat(claude)
    assert len(stub.asked) == 10
    # Those of an earlier test's parallel answers take their turns.
    assert len(stub.connections) <= 3


def test_pieces_go_out_as_they_come(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events, stub.pause_s = answer(*text("a", "b", "c")), 0.1
    stream = claude.chat.completions.create(
        model="claude-test", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    came = [time.monotonic() for chunk in stream if chunk.choices[0].delta.content]
    assert len(came) == 3
    assert came[-1] - came[0] > 0.15


def test_a_client_that_goes_away_ends_the_answer(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events, stub.pause_s = answer(*text(*"abcdefgh" * 100)), 0.05
    stream = claude.chat.completions.create(
        model="claude-test", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    next(iter(stream))
    stream.close()
    assert stub.gone.wait(5)
