"""Defects of the log probabilities of a legacy completion."""

from collections.abc import Callable
from math import exp
from typing import Any

from contract_tests.server import SENTENCE
from tests.mutants.families import (
    When,
    drops,
    edits,
    edits_calls,
    has,
    ignores,
    puts,
    puts_in_chunks,
)
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

PATH = "/completions"
LOGPROBS = "choices.*.logprobs"
LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
ASKED = has("logprobs")


def _asks(change: Callable[[int | None], int | None]) -> Layer:
    """Reads another number of logprobs than the one sent."""

    def edit(body: Any) -> None:
        body["logprobs"] = change(body.get("logprobs"))

    return edits_calls(edit, PATH)


def _puts(name: str, change: Callable[[Any], Any], when: When = ASKED) -> Layer:
    return puts(f"{LOGPROBS}.{name}", change, PATH, when)


def _like_chat(told: Any) -> Any:
    pairs = zip(told["tokens"], told["token_logprobs"], strict=True)
    return {"content": [{"token": token, "logprob": value} for token, value in pairs]}


def _hides_chosen(body: Any) -> None:
    for choice in body["choices"]:
        told = choice["logprobs"]
        for token, entries in zip(told["tokens"], told["top_logprobs"], strict=True):
            (entries or {}).pop(token, None)


def _hides_prompt(body: Any) -> None:
    for choice in body["choices"]:
        told = choice["logprobs"]
        start = sum(offset < len(SENTENCE) for offset in told["text_offset"])
        for name in LISTS:
            told[name] = told[name][start:]


MUTANTS = (
    Mutant(
        "completions-logprobs-ignored",
        "logprobs is ignored",
        ignores("logprobs", path=PATH),
        ("completions.logprobs.lists", "completions.stream.logprobs"),
    ),
    Mutant(
        "completions-logprobs-like-chat",
        "logprobs has the shape of a chat's",
        puts(LOGPROBS, _like_chat, PATH, ASKED),
        ("completions.logprobs.lists", "completions.logprobs.tokens"),
    ),
    *(
        Mutant(
            f"completions-logprobs-no-{name.replace('_', '-')}",
            f"logprobs has no {name}",
            drops(f"{LOGPROBS}.{name}", PATH, ASKED),
            ("completions.logprobs.lists",),
        )
        for name in LISTS
    ),
    *(
        Mutant(
            f"completions-logprobs-short-{name.replace('_', '-')}",
            f"{name} lacks the last token",
            _puts(name, lambda old: old[:-1]),
            ("completions.logprobs.lists",),
        )
        for name in LISTS
    ),
    Mutant(
        "completions-logprobs-tokens-stripped",
        "the tokens lack their spaces",
        _puts("tokens.*", str.strip),
        ("completions.logprobs.tokens",),
    ),
    Mutant(
        "completions-logprobs-tokens-ids",
        "the tokens are ids",
        _puts("tokens.*", hash),
        ("completions.logprobs.tokens",),
    ),
    Mutant(
        "completions-logprobs-not-logs",
        "token_logprobs are probabilities",
        _puts("token_logprobs.*", lambda old: exp(old or 0)),
        ("completions.logprobs.values",),
    ),
    Mutant(
        "completions-logprobs-null-values",
        "token_logprobs are null",
        _puts("token_logprobs.*", lambda _: None),
        ("completions.logprobs.values",),
    ),
    Mutant(
        "completions-logprobs-always-5",
        "five entries come, whatever was asked",
        _asks(lambda count: count and 5),
        ("completions.logprobs.top",),
    ),
    Mutant(
        "completions-logprobs-always-1",
        "the chosen token alone comes",
        _asks(lambda count: count and 1),
        ("completions.logprobs.top",),
    ),
    Mutant(
        "completions-logprobs-no-top",
        "top_logprobs are empty",
        _puts("top_logprobs.*", lambda _: {}),
        ("completions.logprobs.top", "completions.logprobs.chosen"),
    ),
    Mutant(
        "completions-logprobs-chosen-hidden",
        "top_logprobs lack the chosen token",
        edits(_hides_chosen, PATH, ASKED),
        ("completions.logprobs.chosen",),
    ),
    Mutant(
        "completions-logprobs-zero-none",
        "logprobs 0 is taken for none",
        _asks(lambda count: count or None),
        ("completions.logprobs.zero",),
    ),
    Mutant(
        "completions-logprobs-zero-five",
        "logprobs 0 is taken for 5",
        _asks(lambda count: 5 if count == 0 else count),
        ("completions.logprobs.zero",),
    ),
    Mutant(
        "completions-logprobs-unasked",
        "logprobs come unasked",
        _asks(lambda count: 1 if count is None else count),
        ("completions.logprobs.unasked",),
    ),
    Mutant(
        "completions-logprobs-clamped",
        "more than 5 are taken for 5",
        _asks(lambda count: count and min(5, count)),
        ("completions.logprobs.maximum",),
    ),
    Mutant(
        "completions-logprobs-offsets-zero",
        "every token starts at 0",
        _puts("text_offset.*", lambda _: 0),
        ("completions.logprobs.offsets",),
    ),
    Mutant(
        "completions-logprobs-offsets-count",
        "text_offset counts tokens",
        _puts("text_offset", lambda old: list(range(len(old)))),
        ("completions.logprobs.offsets",),
    ),
    Mutant(
        "completions-logprobs-offsets-end",
        "text_offset is where a token ends",
        _puts("text_offset", lambda old: old[1:] + old[-1:]),
        ("completions.logprobs.offsets",),
    ),
    Mutant(
        "completions-logprobs-prompt-hidden",
        "the prompt's tokens are not told",
        edits(_hides_prompt, PATH, has("logprobs", "echo")),
        ("completions.logprobs.echo", "completions.logprobs.first"),
    ),
    Mutant(
        "completions-logprobs-echo-none",
        "logprobs are ignored with echo",
        ignores("logprobs", path=PATH, when=has("echo")),
        ("completions.logprobs.echo", "completions.logprobs.first"),
    ),
    Mutant(
        "completions-logprobs-first-zero",
        "the first token has the log probability 0",
        _puts("token_logprobs.0", lambda _: 0.0, has("logprobs", "echo")),
        ("completions.logprobs.first",),
    ),
    Mutant(
        "completions-logprobs-first-empty",
        "the first token has empty top_logprobs",
        _puts("top_logprobs.0", lambda _: {}, has("logprobs", "echo")),
        ("completions.logprobs.first",),
    ),
    Mutant(
        "completions-logprobs-stream-none",
        "no logprobs are streamed",
        puts_in_chunks(LOGPROBS, None, PATH),
        ("completions.stream.logprobs",),
    ),
    Mutant(
        "completions-logprobs-stream-offsets",
        "offsets begin again with each chunk",
        puts_in_chunks(f"{LOGPROBS}.text_offset.*", 0, PATH),
        ("completions.stream.offsets",),
    ),
)
