"""Defects of the limits of a chat's length."""

from typing import Any

from tests.mutants.families import (
    CHAT,
    When,
    edits,
    edits_calls,
    edits_chunks,
    has,
    ignores,
    puts,
    puts_in_chunks,
    refuses,
)
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

NEW, OLD = "max_completion_tokens", "max_tokens"
BOUNDED = ("limits.max_completion_tokens", "limits.one", "limits.prefix")


def _streams(call: Call) -> bool:
    return call.param("stream") is True


def _is(name: str, value: Any) -> When:
    return lambda call: call.param(name) == value and call.param(name) is not True


def _generous(body: Any) -> None:
    """The limit is two tokens too high."""
    for name in (NEW, OLD):
        if isinstance(body.get(name), int) and body[name] > 0:
            body[name] += 2


def _wordy(choice: Any) -> None:
    choice["message"]["content"] = "Sorry: " + choice["message"]["content"]


def says(old: str | None, wrong: str) -> str | None:
    """Another finish_reason where it was for the limit."""
    return wrong if old == "length" else old


MUTANTS = (
    Mutant(
        "limits-new-refused",
        "max_completion_tokens is refused",
        refuses(has(NEW)),
        ("limits.accepted",),
    ),
    Mutant(
        "limits-new-ignored",
        "max_completion_tokens is accepted and ignored",
        ignores(NEW),
        (*BOUNDED, "limits.stream.bound", "limits.alias", "limits.reasoning", "limits.zero"),
    ),
    Mutant(
        "limits-old-ignored",
        "max_tokens is accepted and ignored",
        ignores(OLD),
        ("limits.max_tokens", "limits.alias", "limits.negative"),
    ),
    Mutant(
        "limits-generous",
        "an answer has two tokens more than the limit",
        edits_calls(_generous, CHAT),
        ("limits.max_completion_tokens", "limits.max_tokens", "limits.one", "limits.stream.bound"),
    ),
    *(
        Mutant(
            f"limits-length-{wrong}",
            f"a cut answer says {wrong}",
            puts("choices.*.finish_reason", lambda old, wrong=wrong: says(old, wrong)),
            ("limits.length",),
        )
        for wrong in ("stop", "max_tokens", "tool_calls")
    ),
    *(
        Mutant(
            f"limits-stream-length-{wrong}",
            f"a cut stream says {wrong}",
            puts_in_chunks("choices.*.finish_reason", lambda old, wrong=wrong: says(old, wrong)),
            ("limits.stream.length",),
        )
        for wrong in ("stop", "tool_calls")
    ),
    Mutant(
        "limits-rewrites",
        "a limited answer is another one",
        edits(lambda body: _wordy(body["choices"][0]), when=has(NEW, "temperature")),
        ("limits.prefix", "limits.alias"),
    ),
    Mutant(
        "limits-always-length",
        "whatever has a limit says length",
        puts("choices.*.finish_reason", "length", when=has(NEW)),
        ("limits.enough",),
    ),
    Mutant(
        "limits-reasoning-free",
        "reasoning does not count",
        edits_calls(
            lambda body: body.update({NEW: body[NEW] + 16}), CHAT, has("reasoning_effort", NEW)
        ),
        ("limits.reasoning",),
    ),
    *(
        Mutant(
            f"limits-{kind}-{name.replace('_', '-')}",
            f"{name} of {value!r} is accepted",
            ignores(name, when=_is(name, value)),
            (f"limits.{kind}",),
        )
        for kind, value in (("zero", 0), ("negative", -1), ("fraction", 1.5), ("text", "5"))
        for name in (NEW, OLD)
    ),
    Mutant(
        "limits-stream-ignored",
        "a stream has no limit",
        ignores(NEW, when=_streams),
        ("limits.stream.bound", "limits.stream.text"),
    ),
    Mutant(
        "limits-stream-short",
        "a stream loses its last token",
        edits_chunks(lambda chunks: [*chunks[:-2], chunks[-1]], when=_streams),
        ("limits.stream.text",),
    ),
)
