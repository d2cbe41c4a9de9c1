"""How tokens are drawn and where they end: stop strings, seed, temperature, bias, penalties."""

import json

import httpx
import pytest

from backends.protocol.tokenizer import OTHER_IDS
from tests.adapter.chats import Body, ask, chat_body, choices_of, chunks_of, joined, refuse, said

PATH = "/v1/chat/completions"
CLOSED: Body = {"type": "object", "additionalProperties": False}
TEXT = "Hello there, world. 日本語🌍 The end."

STOPS: list[tuple[str, object, str]] = [
    (TEXT, "there", "Hello "),
    (TEXT, ["there"], "Hello "),
    (TEXT, "Hello", ""),
    (TEXT, TEXT, ""),
    (TEXT, ".", "Hello there, world"),
    (TEXT, " ", "Hello"),
    (TEXT, "ere, wor", "Hello th"),
    (TEXT, "本語🌍 T", "Hello there, world. 日"),
    (TEXT, "🌍", "Hello there, world. 日本語"),
    (TEXT, ["end", "world", "zzz"], "Hello there, "),
    (TEXT, ["lo there!!", "world?"], TEXT),
    (TEXT, "the end", TEXT),
    (TEXT, "end.!", TEXT),
    (TEXT, ["there, moon", "world"], "Hello there, "),
    (TEXT, ["", "world"], "Hello there, "),
    ("aaab", "aab", "a"),
    ("abababac", "ababac", "ab"),
    ("one\n\ntwo", "\n\n", "one"),
    ("ab", ["b", "ab"], ""),
    ("xEN xEND", "END", "xEN x"),
    ("<<<|end|>", "<|end|>", "<<"),
    ("é vs e\u0301.", "e\u0301", "é vs "),
]


@pytest.mark.parametrize(("text", "stop", "expected"), STOPS, ids=str)
def test_the_text_ends_before_the_first_stop(
    http: httpx.Client, text: str, stop: object, expected: str
) -> None:
    answer = ask(http, text, stop=stop)
    assert answer["choices"][0]["message"]["content"] == expected
    assert answer["choices"][0]["finish_reason"] == "stop"
    chunks = chunks_of(http, text, stop=stop, stream_options={"include_usage": True})
    assert joined(chunks)["message"]["content"] == expected
    assert chunks[-1]["usage"] == answer["usage"]


@pytest.mark.parametrize(("text", "stop", "expected"), STOPS, ids=str)
def test_no_prefix_of_a_stop_is_ever_let_out(
    http: httpx.Client, text: str, stop: object, expected: str
) -> None:
    sent = ""
    for piece in choices_of(chunks_of(http, text, stop=stop, logprobs=True)):
        sent += piece["delta"].get("content") or ""
        assert expected.startswith(sent)


def test_text_that_cannot_begin_a_stop_is_not_held_back(http: httpx.Client) -> None:
    plain, stopped = chunks_of(http, TEXT), chunks_of(http, TEXT, stop="zzz")
    assert len(plain) == len(stopped)


def test_a_stop_held_back_at_the_limit_is_let_out(http: httpx.Client) -> None:
    answer = ask(http, "one two there", stop="wo there", max_tokens=2)
    assert answer["choices"][0]["message"]["content"] == "one two"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 2


def test_each_choice_stops_by_itself(http: httpx.Client) -> None:
    answer = ask(http, TEXT, stop="world", n=3)
    assert {one["message"]["content"] for one in answer["choices"]} == {"Hello there, "}
    assert {one["finish_reason"] for one in answer["choices"]} == {"stop"}


def test_a_stop_does_not_cut_reasoning_calls_or_refusals(http: httpx.Client) -> None:
    (reasoned,) = ask(http, "hello", reasoning_effort="low", stop="user")["choices"]
    assert "user" in reasoned["message"]["reasoning_content"]
    assert reasoned["message"]["content"] == "hello"
    (refused,) = ask(http, model="mock-refusal", stop="sorry")["choices"]
    assert "sorry" in refused["message"]["refusal"]
    parameters = {"properties": {"a": {"const": 1}}, "required": ["a"]} | CLOSED
    tool = {"type": "function", "function": {"name": "stop_it", "parameters": parameters}}
    (called,) = ask(http, tools=[tool], tool_choice="required", stop="{")["choices"]
    assert json.loads(called["message"]["tool_calls"][0]["function"]["arguments"]) == {"a": 1}


def token_id(http: httpx.Client, text: str) -> str:
    (found,) = http.post("/v1/tokenize", json={"model": "mock-1", "prompt": text}).json()["tokens"]
    return str(found)


def test_a_bias_of_minus_100_bans_a_token(http: httpx.Client) -> None:
    text = "the cat and the dog"
    assert " cat" in said(http, text)[0]
    banned, _ = said(http, text, logit_bias={token_id(http, " cat"): -100})
    assert " cat" not in banned
    assert " dog" in banned


def test_a_bias_of_100_forces_a_token(http: httpx.Client) -> None:
    forced, _ = said(http, "one two", logit_bias={token_id(http, "日"): 100}, max_tokens=3)
    assert set(forced) == {"日"}


def test_a_bias_shows_in_the_logprobs(http: httpx.Client) -> None:
    more: Body = {"logprobs": True, "top_logprobs": 20, "logit_bias": {token_id(http, "日"): 15}}
    for entry in ask(http, "a b", **more)["choices"][0]["logprobs"]["content"]:
        assert "日" in [other["token"] for other in entry["top_logprobs"]]


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_a_penalty_shows_at_its_extremes(http: httpx.Client, name: str) -> None:
    text = "go go go go go go go go, stop here now and then at once"
    assert said(http, text, **{name: 0})[0] == text
    assert said(http, text, **{name: 2.0})[0].count("go") < text.count("go")
    more = {"logprobs": True, "top_logprobs": 20}
    assert ask(http, text, **{name: -2.0}, **more)["choices"] != ask(http, text, **more)["choices"]


@pytest.mark.parametrize("temperature", [0, 0.7, 1, 1.5, 2])
@pytest.mark.parametrize("top_p", [0, 0.01, 0.5, 1])
def test_a_seed_makes_the_same_answer(http: httpx.Client, temperature: float, top_p: float) -> None:
    more = {"temperature": temperature, "top_p": top_p, "seed": 5}
    first = said(http, TEXT * 3, **more)
    assert first == said(http, TEXT * 3, **more)
    if temperature <= 1 or top_p <= 0.01:
        assert first == (TEXT * 3, "stop")


def test_heat_and_seeds_show(http: httpx.Client) -> None:
    hot = {said(http, TEXT * 5, temperature=2, seed=seed)[0] for seed in range(5)}
    assert len(hot) > 1
    texts = [
        one["message"]["content"] for one in ask(http, TEXT * 5, temperature=2, n=5)["choices"]
    ]
    assert len(set(texts)) > 1


WRONG: list[tuple[Body, str]] = [
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_p": -0.1}, "top_p"),
    ({"frequency_penalty": 2.1}, "frequency_penalty"),
    ({"presence_penalty": -2.1}, "presence_penalty"),
    ({"n": 0}, "n"),
    ({"n": 129}, "n"),
    ({"n": 1.5}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_completion_tokens": "5"}, "max_completion_tokens"),
    ({"seed": 2**63}, "seed"),
    ({"seed": -(2**63) - 1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"stop": []}, "stop"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"stop": [1]}, "stop.0"),
    ({"logit_bias": {"x": 1}}, "logit_bias.x"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1"),
    ({"logit_bias": {"1": "a"}}, "logit_bias.1"),
    ({"logit_bias": {"9999999999": 1}}, "logit_bias"),
    ({"logit_bias": {str(OTHER_IDS + 0xD800): 1}}, "logit_bias"),
    ({"reasoning_effort": "enormous"}, "reasoning_effort"),
    ({"verbosity": "loud"}, "verbosity"),
    ({"service_tier": "gold"}, "service_tier"),
]


@pytest.mark.parametrize(("more", "param"), WRONG, ids=str)
def test_out_of_bounds_is_refused_by_name(http: httpx.Client, more: Body, param: str) -> None:
    error = refuse(http, PATH, chat_body(**more))
    assert error["param"] == param or error["param"].startswith(f"{param}.")
    assert param.partition(".")[0] in error["message"] or "vocabulary" in error["message"]


@pytest.mark.parametrize(
    "more",
    [{"seed": 2**63 - 1}, {"seed": -(2**63)}, {"temperature": 2}, {"logit_bias": {}}, {"n": 128}],
    ids=str,
)
def test_the_bounds_themselves_are_taken(http: httpx.Client, more: Body) -> None:
    assert ask(http, "hi", **more)
