"""Legacy completions: prompts in four forms, echo, suffix, best_of, logprobs, both modes."""

import httpx
import pytest

from adapter.render.fold import Folded, FoldedChoice
from adapter.routes.completions import keep_best
from backends.protocol import TextDelta, TokenLogprob
from tests.adapter.chats import Body, refuse, tokens
from tests.adapter.completions import PATH, PROMPT, body_of, complete, ids
from tests.server import Server


def texts(http: httpx.Client, prompt: object = PROMPT, **more: object) -> list[str]:
    return [choice["text"] for choice in complete(http, prompt, **more)["choices"]]


def test_an_answer_has_every_required_key(http: httpx.Client) -> None:
    answer = complete(http)
    assert answer["id"].startswith("cmpl-")
    expected = {"text": PROMPT, "index": 0, "logprobs": None, "finish_reason": "stop"}
    assert answer["choices"] == [expected]
    count = tokens(http, PROMPT)
    usage = {name: answer["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
    assert usage == {"prompt_tokens": count, "completion_tokens": count}


def test_the_default_limit_is_16(http: httpx.Client) -> None:
    answer = complete(http, "one two three four five six seven eight nine ten " * 3)
    assert answer["usage"]["completion_tokens"] == 16
    assert answer["choices"][0]["finish_reason"] == "length"


def test_the_four_forms_of_a_prompt(http: httpx.Client) -> None:
    a, b = PROMPT, "日本 ab"
    assert texts(http, a) == texts(http, [a]) == texts(http, ids(http, a)) == [a]
    assert texts(http, [a, b]) == texts(http, [ids(http, a), ids(http, b)]) == [a, b]
    one = complete(http, a)["usage"]
    assert complete(http, ids(http, a))["usage"] == one
    assert complete(http, None)["choices"]


def test_usage_sums_over_the_prompts_and_counts_each_once(http: httpx.Client) -> None:
    usage = complete(http, ["a b", "c d e"], n=3)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (5, 15)


def test_choices_are_numbered_prompt_by_prompt(http: httpx.Client) -> None:
    choices = complete(http, ["a", "b", "c"], n=2)["choices"]
    assert [(one["index"], one["text"]) for one in choices] == list(enumerate("aabbcc"))


def test_echo_puts_the_prompt_first_uncounted(http: httpx.Client) -> None:
    answer = complete(http, echo=True)
    assert answer["choices"][0]["text"] == PROMPT * 2
    assert answer["usage"] == complete(http)["usage"]
    assert texts(http, ids(http, PROMPT), echo=True) == [PROMPT * 2]


@pytest.mark.parametrize("more", [{}, {"logprobs": 2}, {"n": 2}], ids=str)
def test_echo_with_no_tokens_is_the_prompt(http: httpx.Client, more: Body) -> None:
    answer = complete(http, echo=True, max_tokens=0, **more)
    assert {one["text"] for one in answer["choices"]} == {PROMPT}
    assert {one["finish_reason"] for one in answer["choices"]} == {"length"}
    assert answer["usage"]["completion_tokens"] == 0
    assert answer["usage"]["prompt_tokens"] == tokens(http, PROMPT)


def test_a_stop_cuts_what_is_generated_not_the_echo(http: httpx.Client) -> None:
    for more in ({}, {"logprobs": 0}):
        assert texts(http, "one two three", echo=True, stop="two", **more) == ["one two threeone "]


def test_a_limit_of_no_tokens_is_an_empty_text(http: httpx.Client) -> None:
    answer = complete(http, max_tokens=0)
    assert (answer["choices"][0]["text"], answer["usage"]["completion_tokens"]) == ("", 0)


def test_a_suffix_changes_the_answer_and_is_counted(http: httpx.Client) -> None:
    plain, with_suffix = complete(http), complete(http, suffix=" The end.")
    assert plain["choices"][0]["text"] != with_suffix["choices"][0]["text"]
    longer = with_suffix["usage"]["prompt_tokens"] - plain["usage"]["prompt_tokens"]
    assert longer == tokens(http, " The end.")


def test_best_of_keeps_n_and_counts_every_candidate(http: httpx.Client) -> None:
    best = complete(http, ["a b", "c d"], n=2, best_of=5)
    assert [(one["index"], one["text"]) for one in best["choices"]] == [
        *[(0, "a b"), (1, "a b"), (2, "c d"), (3, "c d")]
    ]
    assert best["usage"]["completion_tokens"] == 2 * 5 * 2
    assert best["usage"]["prompt_tokens"] == 4
    assert {one["logprobs"] for one in best["choices"]} == {None}


WRONG: list[tuple[Body, str]] = [
    ({"prompt": []}, "prompt"),
    ({"prompt": [[]]}, "prompt.0"),
    ({"prompt": ["a", 1]}, "prompt.1"),
    ({"prompt": [1, "a"]}, "prompt.1"),
    ({"prompt": {"a": 1}}, "prompt"),
    ({"prompt": [2**40]}, "prompt"),
    ({"prompt": [-1]}, "prompt.0"),
    ({"prompt": ["x"] * 2049}, "prompt"),
    ({"logprobs": 6}, "logprobs"),
    ({"best_of": 21}, "best_of"),
    ({"best_of": 2, "n": 3}, "best_of"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"n": 0}, "n"),
    ({"stop": ["a"] * 5}, "stop"),
]


@pytest.mark.parametrize(("more", "param"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_refused_by_name(http: httpx.Client, more: Body, param: str) -> None:
    found = refuse(http, PATH, body_of() | more)["param"]
    assert found == param or (len(str(more)) > 1000 and found)


def test_the_prompt_must_be_there(http: httpx.Client) -> None:
    assert refuse(http, PATH, {"model": "mock-1"})["param"] == "prompt"


def test_best_of_cannot_be_streamed(http: httpx.Client) -> None:
    answer = http.post(PATH, json=body_of(best_of=2, stream=True))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "best_of")


@pytest.mark.parametrize("prompt", ["", "\x00", " " * 50])
def test_a_prompt_of_nothing_much_is_answered(mock: Server, prompt: str) -> None:
    with mock.http() as http:
        assert complete(http, prompt, max_tokens=5)["usage"]["prompt_tokens"] == tokens(
            http, prompt
        )


def test_the_best_is_the_likeliest_by_its_own_tokens_not_by_the_echoed_prompts() -> None:
    prompt = [TokenLogprob("p", -5.0), TokenLogprob("q", -5.0)]
    folded = Folded([FoldedChoice(), FoldedChoice()])
    for choice, own in enumerate(([-0.6] * 4, [-0.5])):
        folded.add([TextDelta("pq", choice, 0, prompt, prompt=True)])
        folded.add([TextDelta("a", choice, 1, [TokenLogprob("a", one)]) for one in own])
    keep_best(folded, 1, 1)
    assert [choice.text for choice in folded.choices] == ["pqa"]
