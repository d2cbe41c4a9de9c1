"""Defects of the usage of a chat completion."""

from itertools import count
from typing import Any

from tests.mutants.families import drops, edits, edits_errors, has, puts
from tests.mutants.mutant import Mutant

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
REPLIES = count()
PROMPT, COMPLETION = "prompt_tokens_details", "completion_tokens_details"


def _puts(name: str, key: str, value: Any, *kills: str, when: Any = None) -> Mutant:
    layer = puts(f"usage.{key}", value, when=when) if when else puts(f"usage.{key}", value)
    return Mutant(f"usage-{name}", f"{key} is {value!r}", layer, kills)


def _no_reasoning(body: Any) -> None:
    usage = body["usage"]
    reasoned = usage[COMPLETION]["reasoning_tokens"]
    usage["completion_tokens"] -= reasoned
    usage["total_tokens"] -= reasoned


def _bill(body: Any) -> None:
    body["usage"] = dict.fromkeys(COUNTS, 1)


def _mutants_of(key: str) -> tuple[Mutant, ...]:
    name, check = key.replace("_", "-"), f"usage.{key}"
    wrong = {"null": None, "text": "7", "float": 7.0, "negative": -1}
    return (
        Mutant(f"usage-no-{name}", f"no {key}", drops(f"usage.{key}"), (check,)),
        *(_puts(f"{name}-{kind}", key, value, check) for kind, value in wrong.items()),
    )


MUTANTS = (
    Mutant("usage-absent", "there is no usage", drops("usage"), ("usage.present",)),
    Mutant("usage-null", "usage is null", puts("usage", None), ("usage.present",)),
    *(mutant for key in COUNTS for mutant in _mutants_of(key)),
    Mutant(
        "usage-zero",
        "every count is zero",
        puts("usage", dict.fromkeys(COUNTS, 0)),
        ("usage.nonzero", "usage.longer_prompt", "usage.length"),
    ),
    _puts("no-prompt", "prompt_tokens", 0, "usage.nonzero"),
    _puts("no-completion", "completion_tokens", 0, "usage.nonzero"),
    _puts("total-off-by-one", "total_tokens", lambda old: old + 1, "usage.total"),
    _puts("total-prompt-twice", "total_tokens", lambda old: old * 2, "usage.total"),
    _puts(
        "grows",
        "prompt_tokens",
        lambda old: old + next(REPLIES),
        "usage.same_prompt",
    ),
    _puts("fixed", "prompt_tokens", 24, "usage.longer_prompt"),
    _puts(
        "over-limit",
        "completion_tokens",
        lambda old: old + 1,
        "usage.length",
        when=has("max_completion_tokens"),
    ),
    _puts(
        "under-limit",
        "completion_tokens",
        lambda old: old - 1,
        "usage.length",
        when=has("max_completion_tokens"),
    ),
    _puts("n-prompts", "prompt_tokens", lambda old: old * 2, "usage.n.prompt", when=has("n")),
    _puts("details-text", f"{PROMPT}.cached_tokens", "0", "usage.details"),
    _puts("details-negative", f"{COMPLETION}.audio_tokens", -1, "usage.details"),
    _puts("details-list", COMPLETION, [], "usage.details"),
    _puts("cached-too-many", f"{PROMPT}.cached_tokens", 9999, "usage.cached"),
    _puts("reasoning-too-much", f"{COMPLETION}.reasoning_tokens", 999, "usage.reasoning.within"),
    Mutant(
        "usage-reasoning-left-out",
        "reasoning is counted nowhere but in the details",
        edits(_no_reasoning, when=has("reasoning_effort")),
        ("usage.reasoning.counted",),
    ),
    Mutant("usage-of-refused", "refusals have a usage", edits_errors(_bill), ("usage.refused",)),
)
