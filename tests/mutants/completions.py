"""Defects of a legacy completion's shape, and of its limits."""

from typing import Any

from tests.mutants.families import drops, edits_calls, ignores, puts
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

PATH = "/completions"
CHOICE = "choices.*"


def _defaults_to(count: int) -> Layer:
    def edit(body: Any) -> None:
        body.setdefault("max_tokens", count)

    return edits_calls(edit, PATH)


def _one_more(body: Any) -> None:
    body["max_tokens"] = body.get("max_tokens", 16) + 1


def _wrong(key: str, value: Any, *kills: str) -> Mutant:
    return Mutant(
        f"completions-{key.rpartition('.')[2].replace('_', '-')}-{type(value).__name__.lower()}",
        f"{key} is {value!r}",
        puts(key, value, PATH),
        kills,
    )


MUTANTS = (
    *(
        Mutant(
            f"completions-no-{key}",
            f"the answer has no {key}",
            drops(key, PATH),
            (f"completions.{key}",),
        )
        for key in ("id", "object", "created", "model", "choices", "usage")
    ),
    _wrong("id", 7, "completions.id"),
    _wrong("id", "", "completions.id"),
    _wrong("created", 1735689600.5, "completions.created"),
    _wrong("created", "2026-01-01", "completions.created"),
    _wrong("model", None, "completions.model"),
    _wrong("choices", [], "completions.choices"),
    _wrong("object", "chat.completion", "completions.object"),
    _wrong("created", 1735689600000, "completions.created.seconds"),
    Mutant(
        "completions-id-chatcmpl",
        "the id is one of a chat",
        puts("id", lambda old: old.replace("cmpl-", "chatcmpl-"), PATH),
        ("completions.id.prefix",),
    ),
    Mutant(
        "completions-id-constant",
        "every answer has the same id",
        puts("id", "cmpl-1", PATH),
        ("completions.id.unique",),
    ),
    *(
        Mutant(
            f"completions-choice-no-{key.replace('_', '-')}",
            f"a choice has no {key}",
            drops(f"{CHOICE}.{key}", PATH),
            ("completions.choice.keys",),
        )
        for key in ("text", "index", "logprobs", "finish_reason")
    ),
    _wrong(f"{CHOICE}.text", None, "completions.choice.keys"),
    _wrong(f"{CHOICE}.index", "0", "completions.choice.keys"),
    _wrong(f"{CHOICE}.finish_reason", None, "completions.choice.keys", "completions.finish.known"),
    _wrong(f"{CHOICE}.finish_reason", "eos_token", "completions.finish.known"),
    Mutant(
        "completions-finish-never-length",
        "finish_reason is always stop",
        puts(f"{CHOICE}.finish_reason", "stop", PATH),
        ("completions.finish.length",),
    ),
    Mutant(
        "completions-max-tokens-ignored",
        "max_tokens is ignored",
        ignores("max_tokens", path=PATH),
        ("completions.max_tokens.limit",),
    ),
    Mutant(
        "completions-max-tokens-plus-one",
        "one token too many is generated",
        edits_calls(_one_more, PATH),
        ("completions.max_tokens.limit",),
    ),
    Mutant(
        "completions-default-unlimited",
        "without max_tokens there is no limit",
        _defaults_to(1000),
        ("completions.max_tokens.default",),
    ),
    Mutant(
        "completions-default-8",
        "without max_tokens, 8 tokens come",
        _defaults_to(8),
        ("completions.max_tokens.default",),
    ),
    *(
        Mutant(
            f"completions-usage-no-{key.replace('_', '-')}",
            f"the usage has no {key}",
            drops(f"usage.{key}", PATH),
            ("completions.usage",),
        )
        for key in ("prompt_tokens", "completion_tokens", "total_tokens")
    ),
    Mutant(
        "completions-usage-zero",
        "prompt_tokens is 0",
        puts("usage.prompt_tokens", 0, PATH),
        ("completions.usage",),
    ),
    Mutant(
        "completions-usage-total-off",
        "total_tokens counts one token more",
        puts("usage.total_tokens", lambda old: old + 1, PATH),
        ("completions.usage.total",),
    ),
)
