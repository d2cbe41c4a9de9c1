"""Defects of the shape of a chat's `logprobs`."""

from typing import Any

from tests.mutants.families import CHAT, drops, edits_calls, has, ignores, puts, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

LOGPROBS = "choices.*.logprobs"
ENTRY = f"{LOGPROBS}.content.*"
KEYS = ("token", "logprob", "bytes", "top_logprobs")


def _off(call: Call) -> bool:
    return not call.param("logprobs")


def _no_top(call: Call) -> bool:
    return not call.param("top_logprobs")


def _twenty(call: Call) -> bool:
    return bool(call.param("top_logprobs") == 20)


def _legacy(logprobs: Any) -> Any:
    """The shape of the old completions."""
    if logprobs is None:
        return None
    entries = logprobs["content"]
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": None,
        "text_offset": [],
    }


MUTANTS = (
    Mutant(
        "logprobs-unasked",
        "everybody gets logprobs",
        edits_calls(lambda body: body.update(logprobs=True), CHAT),
        ("logprobs.absent",),
    ),
    Mutant(
        "logprobs-unasked-empty",
        "who has not asked gets an empty object",
        puts(LOGPROBS, {}, when=_off),
        ("logprobs.absent",),
    ),
    Mutant(
        "logprobs-ignored",
        "logprobs is accepted and ignored",
        ignores("logprobs", "top_logprobs"),
        ("logprobs.content", "logprobs.top.alone"),
    ),
    Mutant(
        "logprobs-legacy",
        "logprobs have the shape of the old completions",
        puts(LOGPROBS, _legacy),
        ("logprobs.content",),
    ),
    Mutant(
        "logprobs-empty",
        "the list of entries is empty",
        puts(f"{LOGPROBS}.content", []),
        ("logprobs.content",),
    ),
    Mutant(
        "logprobs-no-refusal",
        "logprobs have no refusal",
        drops(f"{LOGPROBS}.refusal"),
        ("logprobs.refusal",),
    ),
    *(
        Mutant(
            f"logprobs-no-{key}",
            f"entries have no {key}",
            drops(f"{ENTRY}.{key}"),
            (f"logprobs.entry.{key}",),
        )
        for key in KEYS
    ),
    *(
        Mutant(
            f"logprobs-{key}-wrong",
            f"{key} is {value!r}",
            puts(f"{ENTRY}.{key}", value),
            (f"logprobs.entry.{key}",),
        )
        for key, value in (
            ("token", 7),
            ("logprob", "-0.3"),
            ("bytes", "fox"),
            ("top_logprobs", None),
        )
    ),
    *(
        Mutant(
            f"logprobs-top-no-{key}",
            f"alternatives have no {key}",
            drops(f"{ENTRY}.top_logprobs.*.{key}"),
            ("logprobs.top.entry",),
        )
        for key in KEYS[:3]
    ),
    Mutant(
        "logprobs-top-none",
        "there are no alternatives",
        puts(f"{ENTRY}.top_logprobs", []),
        ("logprobs.top.count",),
    ),
    Mutant(
        "logprobs-top-many",
        "there are more alternatives than asked for",
        edits_calls(lambda body: body.update(top_logprobs=5), CHAT, has("top_logprobs")),
        ("logprobs.top.count", "logprobs.top.zero"),
    ),
    Mutant(
        "logprobs-top-default",
        "there are alternatives that nobody asked for",
        edits_calls(
            lambda body: body.update(top_logprobs=5),
            CHAT,
            lambda call: bool(call.param("logprobs")) and _no_top(call),
        ),
        ("logprobs.top.zero",),
    ),
    Mutant(
        "logprobs-top-zero-null",
        "no alternatives are null",
        puts(f"{ENTRY}.top_logprobs", None, when=_no_top),
        ("logprobs.top.zero",),
    ),
    Mutant(
        "logprobs-top-zero-none",
        "without alternatives there are no logprobs",
        ignores("logprobs", when=_no_top),
        ("logprobs.top.zero",),
    ),
    Mutant(
        "logprobs-top-twenty",
        "twenty alternatives are refused",
        refuses(_twenty),
        ("logprobs.top.twenty",),
    ),
    Mutant(
        "logprobs-top-alone",
        "top_logprobs without logprobs is ignored",
        ignores("top_logprobs", when=_off),
        ("logprobs.top.alone",),
    ),
)
