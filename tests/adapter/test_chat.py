"""Chat in one piece: the shape of the answer, the limits, the messages it takes."""

import time
from typing import Any

import httpx
import pytest

from backends.protocol.wire import ChatCompletion, ErrorResponse

Body = dict[str, Any]
TEXT = "Hello there, wörld 🌍!"


def chat_body(content: object = TEXT, **more: object) -> Body:
    """A chat request of one user message; `more` replaces and adds."""
    return {"model": "mock-1", "messages": [{"role": "user", "content": content}], **more}


def ask(http: httpx.Client, content: object = TEXT, **more: object) -> Body:
    """A chat in one piece that is what the schema says."""
    answer = http.post("/v1/chat/completions", json=chat_body(content, **more))
    assert answer.status_code == 200, answer.text
    ChatCompletion.model_validate_json(answer.content)
    body: Body = answer.json()
    return body


def said(http: httpx.Client, content: object = TEXT, **more: object) -> tuple[str, str]:
    """The text of the first choice, and why it ended."""
    choice = ask(http, content, **more)["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def refuse(http: httpx.Client, path: str, body: Body, status: int = 400) -> Body:
    """The error of a request that is refused alike with and without `stream`."""
    whole = http.post(path, json=body)
    streamed = http.post(path, json=body | {"stream": True})
    assert whole.status_code == streamed.status_code == status, whole.text[:500]
    assert whole.headers["content-type"] == streamed.headers["content-type"] == "application/json"
    assert whole.json() == streamed.json()
    ErrorResponse.model_validate_json(whole.content)
    error: Body = whole.json()["error"]
    return error


def tokens(http: httpx.Client, text: str) -> int:
    count: int = http.post("/v1/tokenize", json={"model": "mock-1", "prompt": text}).json()["count"]
    return count


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
