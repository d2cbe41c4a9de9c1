"""Chat logprobs: one entry a token, in order, with its bytes and the alternatives."""

from math import exp

import httpx
import pytest

from tests.adapter.chats import TEXT, Body, ask, chat_body, choices_of, chunks_of, joined, refuse

CASES: list[Body] = [
    {"logprobs": True},
    {"logprobs": True, "top_logprobs": 0},
    {"logprobs": True, "top_logprobs": 5},
    {"logprobs": True, "top_logprobs": 20},
    {"logprobs": True, "temperature": 0, "top_logprobs": 2},
    {"logprobs": True, "temperature": 2, "top_logprobs": 20, "seed": 3},
    {"logprobs": True, "max_tokens": 3},
    {"logprobs": True, "stop": "there"},
    {"logprobs": True, "stop": "ere, w"},
    {"logprobs": True, "stop": ["rl", "zz"]},
    {"logprobs": True, "n": 2, "top_logprobs": 1},
    {"logprobs": True, "reasoning_effort": "low"},
]


@pytest.mark.parametrize("more", CASES, ids=str)
def test_the_entries_are_the_tokens_of_the_text(http: httpx.Client, more: Body) -> None:
    answer = ask(http, **more)
    count = 0
    for choice in answer["choices"]:
        entries = choice["logprobs"]["content"]
        count += len(entries)
        assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
        assert choice["logprobs"]["refusal"] is None
        for entry in entries:
            assert bytes(entry["bytes"]).decode() == entry["token"]
            assert -9999 <= entry["logprob"] <= 0
    details = answer["usage"]["completion_tokens_details"]
    assert answer["usage"]["completion_tokens"] == count + details["reasoning_tokens"]


@pytest.mark.parametrize("top", [0, 1, 5, 20])
def test_the_alternatives_are_as_many_as_asked_and_in_falling_order(
    http: httpx.Client, top: int
) -> None:
    more = {"logprobs": True, "top_logprobs": top, "temperature": 0}
    for entry in ask(http, **more)["choices"][0]["logprobs"]["content"]:
        others = entry["top_logprobs"]
        assert len(others) == top
        assert others == sorted(others, key=lambda other: -other["logprob"])
        assert len({other["token"] for other in others}) == top
        assert sum(exp(other["logprob"]) for other in others) <= 1.0001
        assert all(bytes(other["bytes"]).decode() == other["token"] for other in others)
        if top:
            chosen = {name: entry[name] for name in ("token", "logprob", "bytes")}
            assert others[0] == chosen


def test_a_drawn_token_agrees_with_its_alternatives(http: httpx.Client) -> None:
    more = {"logprobs": True, "top_logprobs": 20, "temperature": 2, "seed": 11}
    for entry in ask(http, TEXT * 3, **more)["choices"][0]["logprobs"]["content"]:
        same = [one for one in entry["top_logprobs"] if one["token"] == entry["token"]]
        assert all(one["logprob"] == entry["logprob"] for one in same)


def test_the_alternatives_differ_between_positions(http: httpx.Client) -> None:
    entries = ask(http, logprobs=True, top_logprobs=3)["choices"][0]["logprobs"]["content"]
    assert len({str(entry["top_logprobs"]) for entry in entries}) > 1


@pytest.mark.parametrize("more", CASES, ids=str)
def test_they_are_the_same_each_time_and_streamed(http: httpx.Client, more: Body) -> None:
    first, second = ask(http, **more)["choices"], ask(http, **more)["choices"]
    assert first == second
    chunks = chunks_of(http, **more)
    for choice in first:
        assert joined(chunks, choice["index"])["logprobs"] == choice["logprobs"]["content"]


def test_a_chunk_carries_the_logprobs_of_its_own_text(http: httpx.Client) -> None:
    for piece in choices_of(chunks_of(http, logprobs=True)):
        entries = (piece["logprobs"] or {"content": []})["content"]
        text = "".join(entry["token"] for entry in entries)
        assert text == (piece["delta"].get("content") or "")


@pytest.mark.parametrize("more", [{}, {"logprobs": False}, {"logprobs": None}], ids=str)
def test_none_unless_asked(http: httpx.Client, more: Body) -> None:
    assert ask(http, **more)["choices"][0]["logprobs"] is None
    assert all(piece["logprobs"] is None for piece in choices_of(chunks_of(http, **more)))


def test_an_empty_answer_has_an_empty_list(http: httpx.Client) -> None:
    (choice,) = ask(http, logprobs=True, stop="Hello")["choices"]
    assert choice["logprobs"]["content"] == []


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"top_logprobs": 0, "logprobs": False}, "top_logprobs"),
        ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
        ({"top_logprobs": -1, "logprobs": True}, "top_logprobs"),
        ({"logprobs": 3}, "logprobs"),
    ],
    ids=str,
)
def test_out_of_bounds_is_refused(http: httpx.Client, more: Body, param: str) -> None:
    assert refuse(http, "/v1/chat/completions", chat_body(**more))["param"] == param
