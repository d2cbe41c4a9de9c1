"""The echo backend: what it gets for nothing, and what it refuses where the mock obliges."""

import httpx
import pytest

from tests.adapter.chats import TEXT, Body, ask, chat_body, chunks_of, joined, refuse, said, tokens
from tests.adapter.completions import body_of, complete, folded
from tests.server import Server

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
TOOL = {"type": "function", "function": {"name": "get_weather"}}


SAME: list[Body] = [
    {},
    {"n": 3},
    {"max_tokens": 3},
    {"max_completion_tokens": 3, "n": 2},
    {"stop": "there"},
    {"stop": ["wör", "lo t"]},
    {"temperature": 0, "seed": 3, "top_p": 0.5},
    {"user": "u", "metadata": {"a": "b"}, "store": True, "service_tier": "auto"},
    {
        "tools": [],
        "tool_choice": "none",
        "logprobs": False,
        "logit_bias": {},
        "presence_penalty": 0,
    },
    {"frequency_penalty": 0.0, "modalities": ["text"], "response_format": {"type": "text"}},
    {"reasoning_effort": "none"},
    {"verbosity": "medium"},
]


@pytest.mark.parametrize("more", SAME, ids=str)
def test_a_chat_is_as_the_mocks(echo: Server, http: httpx.Client, more: Body) -> None:
    with echo.http() as small:
        one, other = ask(small, model="echo", **more), ask(http, **more)
        assert one["choices"] == other["choices"]
        assert one["usage"] == other["usage"]
        chunks = chunks_of(small, model="echo", **more, stream_options={"include_usage": True})
        assert chunks[-1]["usage"] == one["usage"]
        for choice in one["choices"]:
            streamed = joined(chunks, choice["index"])
            assert streamed["message"].get("content", "") == choice["message"]["content"]
            assert streamed["finish"] == choice["finish_reason"]


COMPLETE: list[tuple[object, Body]] = [
    (TEXT, {}),
    (["a b", "c d e"], {"n": 2}),
    ([5, 6, 7], {}),
    ([[5, 6], [7]], {"echo": True}),
    (TEXT, {"echo": True}),
    (TEXT, {"echo": True, "n": 2, "max_tokens": 2}),
    (TEXT, {"echo": True, "max_tokens": 0}),
    (TEXT, {"echo": True, "stop": "there"}),
    (TEXT, {"suffix": "", "best_of": 1, "logit_bias": {}}),
]


@pytest.mark.parametrize(("prompt", "more"), COMPLETE, ids=str)
def test_a_completion_is_as_the_mocks(
    echo: Server, http: httpx.Client, prompt: object, more: Body
) -> None:
    with echo.http() as small:
        one, other = complete(small, prompt, model="echo", **more), complete(http, prompt, **more)
        assert one["choices"] == other["choices"]
        assert one["usage"] == other["usage"]
        assert folded(small, prompt, model="echo", **more) == (one["choices"], one["usage"])


def test_the_mock_and_echo_count_alike(echo: Server, http: httpx.Client) -> None:
    with echo.http() as small:
        usage = ask(small, model="echo")["usage"]
    assert usage["completion_tokens"] == tokens(http, TEXT)


SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
REFUSED: list[tuple[Body, str]] = [
    ({"tools": [TOOL]}, "tools"),
    ({"tools": [TOOL], "tool_choice": "none"}, "tools"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"logprobs": True}, "logprobs"),
    ({"logit_bias": {"5": 1}}, "logit_bias"),
    ({"frequency_penalty": 0.1}, "frequency_penalty"),
    ({"presence_penalty": -0.1}, "presence_penalty"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"response_format": SCHEMA}, "response_format"),
    ({"reasoning_effort": "high"}, "reasoning_effort"),
    ({"verbosity": "low"}, "verbosity"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
    ({"moderation": {"model": "omni-moderation-latest"}}, "moderation"),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages.0.content.0"),
]


@pytest.mark.parametrize(("more", "param"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_it_cannot_honour_it_refuses_by_name(echo: Server, more: Body, param: str) -> None:
    with echo.http() as small:
        error = refuse(small, CHAT, chat_body(model="echo") | more)
        assert (error["code"], error["param"]) == ("unsupported_parameter", param)
        assert said(small, model="echo") == (TEXT, "stop")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"suffix": "x"}, "suffix"),
        ({"logprobs": 0}, "logprobs"),
        ({"logprobs": 2}, "logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
    ],
    ids=str,
)
def test_a_completion_it_cannot_honour_it_refuses(echo: Server, more: Body, param: str) -> None:
    with echo.http() as small:
        error = refuse(small, COMPLETIONS, body_of(model="echo", **more))
    assert (error["code"], error["param"]) == ("unsupported_parameter", param)


@pytest.mark.parametrize(
    ("path", "param"), [("/v1/embeddings", "model"), ("/v1/moderations", "model")]
)
def test_what_it_has_no_endpoint_for_it_says(echo: Server, path: str, param: str) -> None:
    with echo.http() as small:
        assert refuse(small, path, {"model": "echo", "input": "a"})["param"] == param
