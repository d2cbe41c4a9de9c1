"""Defects of the forms of a prompt, of batches, and of how bad prompts are refused."""

import json
from collections.abc import Callable
from typing import Any

from contract_tests.checks.completions_prompts import EMPTY
from tests.mutants.families import When, edits, edits_calls, puts, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

PATH = "/completions"
VOCABULARY = 1000


def _of(kind: type, inner: type | None = None) -> When:
    """Whether the prompt is a list of that kind."""

    def when(call: Call) -> bool:
        prompt = call.param("prompt")
        if not isinstance(prompt, list) or not prompt:
            return False
        if not all(isinstance(one, kind) for one in prompt):
            return False
        return inner is None or any(isinstance(one, inner) for one in prompt[0])

    return when


TEXTS, TOKENS, TOKEN_ARRAYS = _of(str), _of(int), _of(list, int)


def _is(prompt: Any) -> When:
    return lambda call: "prompt" in (call.json or {}) and call.param("prompt") == prompt


def _mixed(call: Call) -> bool:
    prompt = call.param("prompt")
    return isinstance(prompt, list) and len({type(one) for one in prompt}) > 1


def _reads(change: Callable[[Any], Any], when: When) -> Layer:
    """Reads another prompt than the one sent."""
    return edits_calls(lambda body: body.update(prompt=change(body["prompt"])), PATH, when)


def _numbers(change: Callable[[int], int], when: When) -> Layer:
    return puts("choices.*.index", change, PATH, when)


def _says_twice(body: Any) -> None:
    body["choices"] += [{**body["choices"][0], "index": 1}]


def _swaps_texts(body: Any) -> None:
    first, last = body["choices"][0], body["choices"][-1]
    first["text"], last["text"] = last["text"], first["text"]


def _repeats_text(body: Any) -> None:
    for choice in body["choices"]:
        choice["text"] = body["choices"][0]["text"]


def _flat(prompt: list[list[int]]) -> list[int]:
    return [token for one in prompt for token in one]


def _form(name: str, when: When, kills: str, join: Callable[[Any], Any]) -> tuple[Mutant, ...]:
    """One form of prompts is refused, its first prompt alone is read, or it is read as one."""
    defects = {
        "refused": refuses(when, path=PATH),
        "first": _reads(lambda prompt: prompt[0], when),
        "joined": _reads(join, when),
    }
    return tuple(
        Mutant(f"completions-prompts-{name}-{how}", f"{name}: {how}", layer, (kills,))
        for how, layer in defects.items()
    )


MUTANTS = (
    Mutant(
        "completions-prompts-text-twice",
        "a string gets two choices",
        edits(_says_twice, PATH, lambda call: isinstance(call.param("prompt"), str)),
        ("completions.prompt.text",),
    ),
    *_form("texts", TEXTS, "completions.prompt.texts", " ".join),
    *_form("arrays", TOKEN_ARRAYS, "completions.prompt.token_arrays", _flat),
    Mutant(
        "completions-prompts-tokens-refused",
        "token ids are refused",
        refuses(TOKENS, path=PATH),
        ("completions.prompt.tokens",),
    ),
    Mutant(
        "completions-prompts-tokens-each",
        "each token id is taken for a prompt",
        _reads(lambda prompt: [[one] for one in prompt], TOKENS),
        ("completions.prompt.tokens",),
    ),
    Mutant(
        "completions-prompts-tokens-reversed",
        "token ids are read backwards",
        _reads(lambda prompt: prompt[::-1], TOKENS),
        ("completions.prompt.same",),
    ),
    Mutant(
        "completions-prompts-n-restarts",
        "the index starts again with each prompt",
        _numbers(lambda index: index % 2, TEXTS),
        ("completions.prompt.texts_n",),
    ),
    Mutant(
        "completions-prompts-n-first",
        "n counts for the first prompt alone",
        edits(lambda body: body["choices"].pop() and None, PATH, TEXTS),
        ("completions.prompt.texts_n",),
    ),
    Mutant(
        "completions-prompts-interleaved",
        "the index counts prompts before choices",
        _numbers(lambda index: [0, 2, 1, 3][index], TEXTS),
        ("completions.prompt.order",),
    ),
    Mutant(
        "completions-prompts-echo-first",
        "echo gives the first prompt to all",
        edits(_repeats_text, PATH, TEXTS),
        ("completions.prompt.order", "completions.prompt.own"),
    ),
    Mutant(
        "completions-prompts-swapped",
        "the first and the last answer of a batch are swapped",
        edits(_swaps_texts, PATH, TEXTS),
        ("completions.prompt.order", "completions.prompt.own"),
    ),
    *(
        Mutant(
            f"completions-prompts-empty-500-{place}",
            f"the prompt {json.dumps(prompt)} is a 500",
            refuses(_is(prompt), 500, path=PATH),
            ("completions.prompt.empty",),
        )
        for place, prompt in enumerate(EMPTY)
    ),
    Mutant(
        "completions-prompts-empty-detail",
        "the refusal of an empty prompt is no error body",
        refuses(_is([]), 422, {"detail": [{"msg": "too short"}]}, path=PATH),
        ("completions.prompt.empty",),
    ),
    Mutant(
        "completions-prompts-vocabulary-wraps",
        "unknown token ids are taken for others",
        _reads(lambda prompt: [one % VOCABULARY for one in prompt], TOKENS),
        ("completions.prompt.vocabulary",),
    ),
    Mutant(
        "completions-prompts-vocabulary-500",
        "unknown token ids are a 500",
        refuses(_is([2**31 - 1]), 500, path=PATH),
        ("completions.prompt.vocabulary",),
    ),
    Mutant(
        "completions-prompts-mixed-text",
        "token ids among texts are read as text",
        _reads(lambda prompt: [str(one) for one in prompt], _mixed),
        ("completions.prompt.mixed",),
    ),
    Mutant(
        "completions-prompts-mixed-500",
        "token ids among texts are a 500",
        refuses(_mixed, 500, path=PATH),
        ("completions.prompt.mixed",),
    ),
    Mutant(
        "completions-prompts-usage-one",
        "prompt_tokens counts one prompt of the batch",
        puts("usage.prompt_tokens", lambda old: old // 2, PATH, TEXTS),
        ("completions.usage.batch",),
    ),
)
