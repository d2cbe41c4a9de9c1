"""Defects of n, echo, suffix, best_of, stop and seed of a legacy completion."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.mutants.families import When, edits_calls, has, ignores, puts, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

PATH = "/completions"
TEXT = "choices.*.text"
STOPS = ("completions.stop.string", "completions.stop.array")
FIVE = ("completions.stop.five", "completions.stop.maximum")


def _reads(when: When = lambda _: True, **changes: Callable[[Any], Any]) -> Layer:
    """Reads other values than those sent; None leaves the parameter out."""

    def edit(body: Any) -> None:
        for name, change in changes.items():
            value = change(body)
            body.pop(name, None)
            if value is not None:
                body[name] = value

    return edits_calls(edit, PATH, when)


def _stops_with(kind: type) -> When:
    return lambda call: isinstance(call.param("stop"), kind)


def _keeps_stop() -> Layer:
    """Leaves the stop sequence in the text."""

    def after(call: Call, answer: Answer) -> None:
        stop = call.param("stop")
        if call.path == PATH and stop and answer.status == 200:
            body = json.loads(answer.body)
            for choice in body["choices"]:
                choice["text"] += stop if isinstance(stop, str) else stop[-1]
            answer.body = json.dumps(body).encode()

    return around(after=after)


def _no_tokens(call: Call) -> bool:
    return bool(call.param("max_tokens") == 0)


_drawn = count()

MUTANTS = (
    Mutant(
        "completions-options-n-ignored",
        "n is ignored",
        ignores("n", path=PATH),
        ("completions.n",),
    ),
    Mutant(
        "completions-options-n-index",
        "all choices have the index 0",
        puts("choices.*.index", 0, PATH),
        ("completions.n",),
    ),
    Mutant(
        "completions-options-echo-ignored",
        "echo is ignored",
        ignores("echo", path=PATH),
        ("completions.echo.text", "completions.echo.only"),
    ),
    Mutant(
        "completions-options-echo-newline",
        "a line end stands before the echo",
        puts(TEXT, lambda text: f"\n{text}", PATH, has("echo")),
        ("completions.echo.text", "completions.echo.only"),
    ),
    Mutant(
        "completions-options-echo-goes-on",
        "max_tokens 0 is taken for the default",
        ignores("max_tokens", path=PATH, when=_no_tokens),
        ("completions.echo.only", "completions.echo.usage"),
    ),
    Mutant(
        "completions-options-echo-500",
        "max_tokens 0 is a 500",
        refuses(_no_tokens, 500, path=PATH),
        ("completions.echo.only", "completions.echo.usage"),
    ),
    Mutant(
        "completions-options-echo-counted",
        "the echo is counted as completion tokens",
        puts("usage.completion_tokens", 1, PATH, _no_tokens),
        ("completions.echo.usage",),
    ),
    Mutant(
        "completions-options-suffix-ignored",
        "suffix is ignored",
        ignores("suffix", path=PATH),
        ("completions.suffix",),
    ),
    Mutant(
        "completions-options-best-of-ignored",
        "best_of is ignored",
        ignores("best_of", path=PATH),
        (
            "completions.best_of.maximum",
            "completions.best_of.less_than_n",
            "completions.best_of.stream",
            "completions.best_of.usage",
        ),
    ),
    Mutant(
        "completions-options-best-of-clamped",
        "a best_of above 20 is taken for 20",
        _reads(has("best_of"), best_of=lambda body: min(20, body["best_of"])),
        ("completions.best_of.maximum",),
    ),
    Mutant(
        "completions-options-best-of-raised",
        "a best_of below n is taken for n",
        _reads(has("best_of", "n"), best_of=lambda body: max(body["n"], body["best_of"])),
        ("completions.best_of.less_than_n",),
    ),
    Mutant(
        "completions-options-best-of-streamed",
        "best_of is ignored in a stream",
        ignores("best_of", path=PATH, when=has("stream")),
        ("completions.best_of.stream",),
    ),
    Mutant(
        "completions-options-best-of-all",
        "all candidates are returned",
        _reads(has("best_of"), n=lambda body: body["best_of"]),
        ("completions.best_of.choices",),
    ),
    Mutant(
        "completions-options-best-of-usage",
        "the best candidate alone is counted",
        puts("usage.completion_tokens", lambda old: old // 3, PATH, has("best_of")),
        ("completions.best_of.usage",),
    ),
    Mutant(
        "completions-options-stop-ignored",
        "stop is ignored",
        ignores("stop", path=PATH),
        (*STOPS, *FIVE),
    ),
    Mutant(
        "completions-options-stop-string-ignored",
        "a stop that is no array is ignored",
        ignores("stop", path=PATH, when=_stops_with(str)),
        ("completions.stop.string",),
    ),
    Mutant(
        "completions-options-stop-array-first",
        "the first stop sequence alone counts",
        _reads(_stops_with(list), stop=lambda body: body["stop"][0]),
        ("completions.stop.array", *FIVE),
    ),
    Mutant(
        "completions-options-stop-kept",
        "the stop sequence stays in the text",
        _keeps_stop(),
        ("completions.stop.string", "completions.stop.array"),
    ),
    Mutant(
        "completions-options-stop-length",
        "finish_reason is length after a stop",
        puts("choices.*.finish_reason", "length", PATH, has("stop")),
        ("completions.stop.finish",),
    ),
    Mutant(
        "completions-options-stop-clamped",
        "stop sequences above four are left out",
        _reads(_stops_with(list), stop=lambda body: body["stop"][:4]),
        FIVE,
    ),
    Mutant(
        "completions-options-stop-five",
        "five stop sequences are accepted, and those that occur stop",
        _reads(_stops_with(list), stop=lambda body: body["stop"][-4:]),
        ("completions.stop.maximum",),
    ),
    Mutant(
        "completions-options-seed-ignored",
        "the same seed gives other texts",
        puts(TEXT, lambda text: f"{text} {next(_drawn)}", PATH, has("seed")),
        ("completions.seed",),
    ),
)
