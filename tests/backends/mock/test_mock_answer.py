"""What the mock answers: the echo, reasoning, refusals, and where it declines."""

import httpx
import pytest

from tests.adapter.chats import TEXT, ask, chat_body, refuse, said, tokens
from tests.server import Serve


@pytest.mark.parametrize("role", ["developer", "system"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_instructions_are_counted_wherever_they_stand(
    http: httpx.Client, role: str, place: int
) -> None:
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": TEXT}]
    without = ask(http, messages=messages)
    messages.insert(place, {"role": role, "content": "Be very brief."})
    with_it = ask(http, messages=messages)
    assert with_it["choices"][0]["message"]["content"] == TEXT
    assert with_it["usage"]["prompt_tokens"] > without["usage"]["prompt_tokens"]


def test_a_history_is_answered_by_its_last_user_message(http: httpx.Client) -> None:
    history = [
        {"role": "system", "content": "sys", "name": "a"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": [{"type": "text", "text": "reply"}]},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "user", "content": "second", "name": "bob"},
    ]
    assert said(http, messages=history) == ("second", "stop")
    longer = ask(http, messages=history)["usage"]["prompt_tokens"]
    assert longer > ask(http, messages=history[1:])["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    "text",
    [
        "日本語テスト",
        "👨‍👩‍👧‍👦 family",
        "é vs é",
        "a\x00b",
        "\u2028line\u2029",
        "𝔘𝔫𝔦",
        " \n\t ",
        "\u200b",
    ],
)
def test_any_unicode_comes_back_unharmed(http: httpx.Client, text: str) -> None:
    assert said(http, text) == (text, "stop")


@pytest.mark.parametrize("tier", ["auto", "default", "flex", "scale", "priority", "fast"])
def test_a_service_tier_is_answered_with_one_of_them(http: httpx.Client, tier: str) -> None:
    assert ask(http, service_tier=tier)["service_tier"] in {"default", tier}


def test_verbosity_shows(http: httpx.Client) -> None:
    text = "One sentence. Another sentence."
    low, medium, high = (said(http, text, verbosity=v)[0] for v in ("low", "medium", "high"))
    assert len(low) < len(medium) < len(high)
    assert medium == text


def test_reasoning_is_counted_and_shown_apart(http: httpx.Client) -> None:
    counts = []
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max"):
        answer = ask(http, reasoning_effort=effort)
        message, usage = answer["choices"][0]["message"], answer["usage"]
        reasoned = usage["completion_tokens_details"]["reasoning_tokens"]
        assert message["content"] == TEXT
        assert bool(message.get("reasoning_content")) is (reasoned > 0)
        assert usage["completion_tokens"] == reasoned + tokens(http, TEXT)
        counts.append(reasoned)
    assert counts[0] == 0
    assert counts == sorted(set(counts))


def test_a_limit_bounds_the_reasoning_too(http: httpx.Client) -> None:
    answer = ask(http, reasoning_effort="high", max_completion_tokens=10)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["usage"]["completion_tokens"] == 10
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 10


def test_a_refusal_stands_in_place_of_the_content(http: httpx.Client) -> None:
    answer = ask(http, model="mock-refusal")
    (choice,) = answer["choices"]
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"]
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == tokens(http, choice["message"]["refusal"])


@pytest.mark.parametrize("model", ["text-embedding-3-small", "omni-moderation-latest"])
def test_a_model_that_does_not_chat_refuses(http: httpx.Client, model: str) -> None:
    assert refuse(http, "/v1/chat/completions", chat_body(model=model))["param"] == "model"


def test_a_prompt_beyond_the_window_is_refused_not_cut(serve: Serve) -> None:
    with serve(MOCK_CONTEXT_TOKENS="20").http() as http:
        assert said(http, "hi") == ("hi", "stop")
        long = "so many words " * 10
        error = refuse(http, "/v1/chat/completions", chat_body(long))
        assert error["code"] == "context_length_exceeded"
        assert error["message"] == (
            "This model's maximum context length is 20 tokens."
            " However, your messages resulted in more."
            " Please reduce the length of the messages."
        )
        error = refuse(http, "/v1/chat/completions", chat_body("so many words " * 8))
        assert "However, your messages resulted in 31 tokens." in error["message"]
        error = refuse(http, "/v1/completions", {"model": "mock-1", "prompt": long})
        assert error["code"] == "context_length_exceeded"
        assert error["message"].startswith("This model's maximum context length is 20 tokens.")
        assert "your prompt resulted in" in error["message"]


def test_an_input_too_long_to_embed_is_named_by_its_place(http: httpx.Client) -> None:
    body = {"model": "text-embedding-3-small", "input": ["short", "a1 " * 9000]}
    error = refuse(http, "/v1/embeddings", body)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert error["message"].startswith("This model's maximum context length is 8192 tokens.")
    assert "your input[1] resulted in" in error["message"]
