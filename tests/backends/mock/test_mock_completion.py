"""Completions of the mock: logprobs along the text, the likeliest kept, both modes alike."""

from typing import Any

import httpx
import pytest

from tests.adapter.chats import Body
from tests.adapter.completions import PROMPT, complete, folded


def test_best_of_keeps_the_likeliest(http: httpx.Client) -> None:
    def likelihood(choice: Body) -> float:
        logprobs: list[float] = choice["logprobs"]["token_logprobs"]
        return sum(logprobs) / len(logprobs)

    more: Body = {"temperature": 2, "logprobs": 0, "max_tokens": 30, "seed": 1}
    every = [likelihood(one) for one in complete(http, PROMPT * 3, n=8, **more)["choices"]]
    best = [
        likelihood(one) for one in complete(http, PROMPT * 3, n=2, best_of=8, **more)["choices"]
    ]
    assert best == sorted(every, reverse=True)[:2]
    assert max(every) > min(every)


LOGPROBS: list[Body] = [
    {"logprobs": 0},
    {"logprobs": 1},
    {"logprobs": 5},
    {"logprobs": 2, "echo": True},
    {"logprobs": 2, "echo": True, "max_tokens": 0},
    {"logprobs": 2, "stop": "ere, w"},
    {"logprobs": 2, "stop": "ere, w", "echo": True},
    {"logprobs": 3, "n": 2, "temperature": 2},
    {"logprobs": 3, "max_tokens": 3},
]


@pytest.mark.parametrize("more", LOGPROBS, ids=str)
def test_logprobs_are_four_lists_along_the_text(http: httpx.Client, more: Body) -> None:
    for choice in complete(http, **more)["choices"]:
        found = choice["logprobs"]
        count = len(found["tokens"])
        assert {len(entries) for entries in found.values()} == {count}
        assert "".join(found["tokens"]) == choice["text"]
        for place, (token, offset) in enumerate(
            zip(found["tokens"], found["text_offset"], strict=True)
        ):
            assert choice["text"][offset:].startswith(token)
            logprob, top = found["token_logprobs"][place], found["top_logprobs"][place]
            if place == 0 and more.get("echo"):
                assert logprob is top is None
                continue
            assert logprob <= 0
            assert top[token] == logprob
            assert more["logprobs"] <= len(top) <= more["logprobs"] + 1


SAME: list[tuple[Any, Body]] = [
    *[(PROMPT, more) for more in LOGPROBS],
    (["a b", "c d e"], {"n": 2}),
    (["a b", "c d e"], {"n": 2, "echo": True, "logprobs": 1}),
    (PROMPT, {"max_tokens": 2}),
    (PROMPT, {"max_tokens": 0}),
    (PROMPT, {"stop": ["rld", "there!"]}),
    (PROMPT, {"suffix": "!"}),
    (PROMPT, {"temperature": 2, "seed": 4}),
    (PROMPT, {"best_of": 1}),
]


@pytest.mark.parametrize(("prompt", "more"), SAME, ids=str)
def test_the_whole_answer_is_the_fold_of_the_stream(
    http: httpx.Client, prompt: object, more: Body
) -> None:
    whole = complete(http, prompt, **more)
    choices, usage = folded(http, prompt, **more)
    assert usage == whole["usage"]
    assert choices == whole["choices"]
