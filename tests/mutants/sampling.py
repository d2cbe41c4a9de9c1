"""Defects of sampling in chat: parameters that are refused, or accepted and ignored."""

from itertools import count
from typing import Any

from tests.mutants.families import CHAT, When, edits_calls, has, ignores, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

HOT = ("sampling.temperature.high", "sampling.seed.differs")


def _random_seeds() -> Layer:
    """Whatever the seed is, another one is drawn."""
    drawn = count()
    return edits_calls(lambda body: body.update(seed=next(drawn)), CHAT, has("seed"))


def _is(name: str, value: Any) -> When:
    return lambda call: call.param(name) == value


def _big(call: Call) -> bool:
    seed = call.param("seed")
    return isinstance(seed, int) and abs(seed) >= 2**63


def _sets(name: str, value: Any, when: When) -> Layer:
    return edits_calls(lambda body: body.update({name: value}), CHAT, when)


MUTANTS = (
    *(
        Mutant(
            f"sampling-{name.replace('_', '-')}-{value}-refused",
            f"{name} of {value} is refused",
            refuses(_is(name, value)),
            (f"sampling.{name}.accepted",),
        )
        for name, value in (
            ("temperature", 0),
            ("temperature", 1),
            ("top_p", 0),
            ("top_p", 1),
            ("frequency_penalty", -2),
            ("frequency_penalty", 2),
            ("presence_penalty", -2),
            ("presence_penalty", 2),
            ("seed", 0),
            ("seed", -1),
        )
    ),
    Mutant(
        "sampling-temperature-two-refused",
        "temperatures above 1 are refused",
        refuses(lambda call: (call.param("temperature") or 0) > 1),
        ("sampling.temperature.two",),
    ),
    Mutant("sampling-temperature-ignored", "temperature is ignored", ignores("temperature"), HOT),
    Mutant(
        "sampling-temperature-zero-ignored",
        "temperature 0 is taken for unset, and unset is 2",
        _sets("temperature", 2, _is("temperature", 0)),
        ("sampling.temperature.zero",),
    ),
    Mutant(
        "sampling-top-p-ignored", "top_p is ignored", ignores("top_p"), ("sampling.top_p.tiny",)
    ),
    Mutant(
        "sampling-seed-ignored",
        "every request has a seed of its own",
        _random_seeds(),
        ("sampling.seed.repeats", "sampling.seed.range", "sampling.seed.integer"),
    ),
    Mutant(
        "sampling-seed-pinned",
        "the seed is always the same",
        _sets("seed", 3, has("seed")),
        ("sampling.seed.differs",),
    ),
    Mutant(
        "sampling-seed-clamped",
        "a seed outside 64 bits is clamped",
        _sets("seed", 2**63 - 1, _big),
        ("sampling.seed.range",),
    ),
    Mutant(
        "sampling-seed-cast",
        "a seed that is no integer is made one",
        _sets("seed", 1, lambda call: isinstance(call.param("seed"), float | str)),
        ("sampling.seed.integer",),
    ),
    *(
        Mutant(
            f"sampling-{name}-penalty-ignored",
            f"{name}_penalty is ignored",
            ignores(f"{name}_penalty"),
            (f"sampling.{name}_penalty.shows",),
        )
        for name in ("frequency", "presence")
    ),
)
