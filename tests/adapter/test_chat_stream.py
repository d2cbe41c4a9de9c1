"""Streamed chat on the raw wire: framing, chunks, usage, and equality with the whole answer."""

import json

import httpx
import pytest

from tests.adapter.chats import (
    DONE,
    TEXT,
    Body,
    ask,
    chat_body,
    choices_of,
    chunks_of,
    events,
    joined,
)


def test_the_response_is_an_unbuffered_event_stream(http: httpx.Client) -> None:
    answer = http.post("/v1/chat/completions", json=chat_body(stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers
    assert events(answer.content).count(DONE) == 1


@pytest.mark.parametrize("n", [1, 3])
def test_the_role_comes_once_and_first(http: httpx.Client, n: int) -> None:
    chunks = chunks_of(http, n=n)
    for index in range(n):
        first, *later = (choice["delta"] for choice in choices_of(chunks, index))
        assert first["role"] == "assistant"
        assert not any("role" in delta for delta in later)


def test_the_last_chunk_of_a_choice_has_the_reason_and_no_content(http: httpx.Client) -> None:
    *_, last = choices_of(chunks_of(http))
    assert last["finish_reason"] == "stop"
    assert last["delta"] == {}


def test_a_reply_of_many_tokens_is_many_chunks(http: httpx.Client) -> None:
    pieces = [choice["delta"].get("content") for choice in choices_of(chunks_of(http))]
    assert sum(map(bool, pieces)) == ask(http)["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    "text", ["日本語 👨‍👩‍👧‍👦", "a\nb\r\nc\u2028d\x00", "data: [DONE]\n\n", "𝔘"]
)
def test_no_character_is_broken_between_chunks(http: httpx.Client, text: str) -> None:
    chunks = chunks_of(http, text)
    assert joined(chunks)["message"]["content"] == text
    assert "\ufffd" not in json.dumps(chunks, ensure_ascii=False)


def test_no_usage_without_asking(http: httpx.Client) -> None:
    assert all(chunk.get("usage") is None and chunk["choices"] for chunk in chunks_of(http))


def test_usage_comes_last_alone_and_is_null_before(http: httpx.Client) -> None:
    *chunks, last = chunks_of(http, stream_options={"include_usage": True})
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"] == ask(http)["usage"]


def test_include_usage_false_is_the_default(http: httpx.Client) -> None:
    chunks = chunks_of(http, stream_options={"include_usage": False, "include_obfuscation": False})
    assert all(chunk.get("usage") is None for chunk in chunks)
    assert all("obfuscation" not in chunk for chunk in chunks)


def test_stream_options_want_a_stream(http: httpx.Client) -> None:
    body = chat_body(stream_options={"include_usage": True})
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "stream_options"


TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
SAME: list[Body] = [
    {},
    {"max_tokens": 3},
    {"stop": "there"},
    {"stop": ["wör", "o t"], "logprobs": True},
    {"n": 3, "max_tokens": 4},
    {"logprobs": True, "top_logprobs": 3},
    {"logprobs": True, "max_tokens": 2, "n": 2},
    {"temperature": 2, "seed": 7, "n": 2},
    {"frequency_penalty": 2.0},
    {"reasoning_effort": "low"},
    {"reasoning_effort": "low", "max_completion_tokens": 20},
    {"verbosity": "high"},
    {"model": "mock-refusal"},
    {"model": "mock-refusal", "max_tokens": 2},
    {"response_format": {"type": "json_object"}, "content": "json please"},
    {"tools": [TOOL], "content": "the weather"},
    {"tools": [TOOL], "tool_choice": "required", "n": 2},
    {"tools": [TOOL], "tool_choice": "required", "max_tokens": 2},
]


@pytest.mark.parametrize("more", SAME, ids=str)
def test_the_whole_answer_is_the_fold_of_the_stream(http: httpx.Client, more: Body) -> None:
    more = dict(more)
    content = more.pop("content", TEXT)
    whole = ask(http, content, **more)
    *chunks, last = chunks_of(http, content, **more, stream_options={"include_usage": True})
    assert last["usage"] == whole["usage"]
    assert len(whole["choices"]) == more.get("n", 1)
    for choice in whole["choices"]:
        one = joined(chunks, choice["index"])
        message = choice["message"]
        assert one["finish"] == choice["finish_reason"]
        for name in ("content", "refusal", "reasoning_content"):
            assert (one["message"].get(name) or None) == (message.get(name) or None)
        assert one["logprobs"] == ((choice["logprobs"] or {}).get("content") or [])
        calls = [call["function"] for call in message.get("tool_calls", ())]
        streamed = [
            {"name": call["name"], "arguments": call["arguments"]} for call in one["calls"].values()
        ]
        assert streamed == calls


def test_padding_that_would_not_come_is_refused_by_name(http: httpx.Client) -> None:
    body = chat_body(stream=True, stream_options={"include_obfuscation": True})
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "stream_options.include_obfuscation"
    assert answer.json()["error"]["code"] == "unsupported_parameter"
