"""Defects of the tokenizer's extensions."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import (
    answers,
    drops,
    edits,
    edits_calls,
    has,
    puts,
    refuses,
)
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

PATH = "/tokenize"
BACK = "/detokenize"


def _puts(name: str, defect: str, where: str, value: Any, *kills: str) -> Mutant:
    path = BACK if where == "prompt" else PATH
    kills = tuple(f"tokenize.{name}" for name in kills)
    return Mutant(f"tokenize-{name}", defect, puts(where, value, path), kills)


def _reads(path: str, name: str, change: Callable[[Any], Any]) -> Layer:
    """Reads another value of a parameter than the one sent."""

    def edit(body: Any) -> None:
        body[name] = change(body[name])

    return edits_calls(edit, path, has(name))


def _cuts(body: Any) -> None:
    body["tokens"] = body["tokens"][:3]
    body["count"] = len(body["tokens"])


def _unknown(call: Call) -> bool:
    return bool(call.param("model")) and "such" in str(call.param("model"))


MUTANTS = (
    _puts("strings", "tokens are strings", "tokens.*", str, "tokens"),
    _puts("negative", "token ids are negative", "tokens.*", lambda old: -old - 1, "tokens"),
    _puts("none", "no tokens come", "tokens", [], "tokens", "count", "grows"),
    Mutant(
        "tokenize-no-tokens",
        "the answer has no tokens",
        drops("tokens", PATH),
        ("tokenize.tokens", "tokenize.count"),
    ),
    Mutant("tokenize-no-count", "no count comes", drops("count", PATH), ("tokenize.count",)),
    _puts("count-off", "count is one more", "count", lambda old: old + 1, "count"),
    Mutant(
        "tokenize-cut",
        "three tokens come at most",
        edits(_cuts, PATH),
        ("tokenize.grows", "tokenize.messages", "tokenize.round_trip", "tokenize.usage"),
    ),
    Mutant(
        "tokenize-messages-ignored",
        "the messages' text is not counted",
        _reads(PATH, "messages", lambda old: [{**one, "content": "fox"} for one in old]),
        ("tokenize.messages",),
    ),
    Mutant(
        "tokenize-messages-500",
        "messages are a 500",
        refuses(has("messages"), 500, path=PATH),
        ("tokenize.messages",),
    ),
    _puts(
        "ascii",
        "what is not ASCII is lost",
        "prompt",
        lambda old: old.encode("ascii", "replace").decode(),
        "round_trip",
    ),
    _puts("spaces", "spaces are lost", "prompt", lambda old: old.replace(" ", ""), "round_trip"),
    Mutant(
        "tokenize-usage-off",
        "a completion counts a token that the tokenizer does not know",
        puts("usage.prompt_tokens", lambda old: old + 1, "/completions"),
        ("tokenize.usage",),
    ),
    Mutant(
        "tokenize-any-model",
        "an unknown model is tokenized by another",
        _reads(PATH, "model", lambda old: "gpt-4o" if "such" in old else old),
        ("tokenize.unknown_model",),
    ),
    Mutant(
        "tokenize-unknown-model-500",
        "an unknown model is a 500",
        refuses(_unknown, 500, path=PATH),
        ("tokenize.unknown_model",),
    ),
    Mutant(
        "tokenize-vocabulary-wraps",
        "unknown token ids are taken for others",
        _reads(BACK, "tokens", lambda old: [one % 1000 for one in old]),
        ("tokenize.vocabulary",),
    ),
    Mutant(
        "tokenize-vocabulary-500",
        "unknown token ids are a 500",
        answers(400, 500, lambda call: call.path == BACK),
        ("tokenize.vocabulary",),
    ),
)
