"""Chat in one piece: the shape of the answer, the limits, the messages it takes."""

import time

import httpx
import pytest

from tests.adapter.chats import TEXT, Body, ask, chat_body, refuse, said, tokens


def test_an_answer_has_every_required_key(http: httpx.Client) -> None:
    answer = ask(http)
    assert answer["id"].startswith("chatcmpl-")
    assert abs(answer["created"] - time.time()) < 60
    assert answer["model"] == "mock-1"
    (choice,) = answer["choices"]
    assert choice["index"] == 0
    assert choice["logprobs"] is None
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == TEXT
    assert choice["message"]["refusal"] is None
    assert "tool_calls" not in choice["message"]
    assert answer.get("system_fingerprint", "") is not None


def test_ids_are_unique(http: httpx.Client) -> None:
    assert len({ask(http)["id"] for _ in range(20)}) == 20


def test_usage_is_the_tokenizers_count(http: httpx.Client) -> None:
    usage = ask(http)["usage"]
    assert usage["completion_tokens"] == tokens(http, TEXT)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    longer = ask(http, TEXT * 3)["usage"]
    assert longer["prompt_tokens"] - usage["prompt_tokens"] == tokens(http, TEXT * 3) - tokens(
        http, TEXT
    )


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_cuts_at_that_many_tokens(http: httpx.Client, name: str, limit: int) -> None:
    answer = ask(http, **{name: limit})
    (choice,) = answer["choices"]
    text = choice["message"]["content"]
    assert text
    assert TEXT.startswith(text)
    assert choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == tokens(http, text) == limit


def test_a_limit_that_is_not_reached_changes_nothing(http: httpx.Client) -> None:
    assert said(http, max_tokens=1000) == (TEXT, "stop")


def test_the_two_names_of_the_limit_contradict_each_other(http: httpx.Client) -> None:
    body = chat_body(max_tokens=5, max_completion_tokens=6)
    assert refuse(http, "/v1/chat/completions", body)["param"] in {
        "max_tokens",
        "max_completion_tokens",
    }


@pytest.mark.parametrize("n", [1, 2, 7, 128])
def test_n_gives_numbered_choices_and_counts_the_prompt_once(http: httpx.Client, n: int) -> None:
    answer, single = ask(http, n=n), ask(http)["usage"]
    assert [choice["index"] for choice in answer["choices"]] == list(range(n))
    assert {choice["message"]["content"] for choice in answer["choices"]} == {TEXT}
    assert answer["usage"]["prompt_tokens"] == single["prompt_tokens"]
    assert answer["usage"]["completion_tokens"] == n * single["completion_tokens"]


def test_a_limit_holds_for_each_of_n(http: httpx.Client) -> None:
    answer = ask(http, n=3, max_tokens=2)
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["length"] * 3
    assert answer["usage"]["completion_tokens"] == 6


def test_text_parts_are_their_joined_text(http: httpx.Client) -> None:
    parts = [{"type": "text", "text": piece} for piece in (TEXT[:7], TEXT[7:])]
    assert said(http, parts) == (TEXT, "stop")
    one = ask(http, [{"type": "text", "text": TEXT}])["usage"]["prompt_tokens"]
    assert one == ask(http)["usage"]["prompt_tokens"]


NULLABLE = [
    *["frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens"],
    *["metadata", "modalities", "n", "presence_penalty", "reasoning_effort", "response_format"],
    *["seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature"],
    *["tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity"],
]


@pytest.mark.parametrize("name", NULLABLE)
def test_null_is_the_same_as_left_out(http: httpx.Client, name: str) -> None:
    answer = ask(http, **{name: None})
    assert answer["choices"] == ask(http)["choices"]
    assert answer["usage"] == ask(http)["usage"]


HARMLESS: list[Body] = [
    {"user": "u"},
    {"metadata": {"a": "b"}},
    {"safety_identifier": "s"},
    {"prompt_cache_key": "k"},
    {"store": True},
    {"prediction": {"type": "content", "content": "x"}},
    {"modalities": ["text"]},
    {"stream": False},
    {"an_extra_field": {"of": ["a", "client"]}},
]


@pytest.mark.parametrize("more", HARMLESS, ids=lambda more: next(iter(more)))
def test_labels_do_not_change_the_answer(http: httpx.Client, more: Body) -> None:
    assert ask(http, **more)["choices"] == ask(http)["choices"]


def test_an_unknown_model_is_not_found(http: httpx.Client) -> None:
    error = refuse(http, "/v1/chat/completions", chat_body(model="no-such"), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "no-such" in error["message"]
