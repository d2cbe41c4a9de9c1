"""Defects of `logit_bias` in chat."""

from collections.abc import Callable
from typing import Any

from contract_tests.checks.logit_bias import WRONG
from tests.mutants.families import CHAT, When, edits_calls, edits_errors, has, ignores
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

ID = "sampling.logit_bias"


def _values(edit: Callable[[int], int]) -> Layer:
    """Each whole bias is taken for another."""

    def edited(body: Any) -> None:
        bias = body["logit_bias"]
        if isinstance(bias, dict):
            whole = {key: edit(value) for key, value in bias.items() if isinstance(value, int)}
            body["logit_bias"] = {**bias, **whole}

    return edits_calls(edited, CHAT, has("logit_bias"))


def _keys(edit: Callable[[int], int]) -> Layer:
    def edited(body: Any) -> None:
        bias = body["logit_bias"]
        if isinstance(bias, dict) and all(key.isdecimal() for key in bias):
            body["logit_bias"] = {str(edit(int(key))): value for key, value in bias.items()}

    return edits_calls(edited, CHAT, has("logit_bias"))


def _is(bias: Any) -> When:
    return lambda call: bool(call.param("logit_bias") == bias)


def _no_object(call: Call) -> bool:
    bias = call.param("logit_bias")
    return bias is not None and not isinstance(bias, dict)


def _mute(body: Any) -> None:
    body["error"] |= {"message": "Invalid logit_bias.", "param": "logit_bias"}


MUTANTS = (
    Mutant(
        "logit-bias-ignored",
        "logit_bias is accepted and ignored",
        ignores("logit_bias"),
        (f"{ID}.force", f"{ID}.ban"),
    ),
    Mutant(
        "logit-bias-weak",
        "a bias of 100 is taken for one of 1",
        _values(lambda value: round(value / 100)),
        (f"{ID}.force", f"{ID}.range"),
    ),
    Mutant(
        "logit-bias-sign",
        "biases have the wrong sign",
        _values(lambda value: -value),
        (f"{ID}.force",),
    ),
    Mutant(
        "logit-bias-no-ban",
        "a bias below zero is taken for none",
        _values(lambda value: max(value, 0)),
        (f"{ID}.ban",),
    ),
    Mutant(
        "logit-bias-only-bans",
        "a bias above zero is taken for none",
        _values(lambda value: min(value, 0)),
        (f"{ID}.force",),
    ),
    Mutant(
        "logit-bias-other-token",
        "the bias is the next token's",
        _keys(lambda key: key + 1),
        (f"{ID}.ban",),
    ),
    Mutant(
        "logit-bias-zero-forces",
        "any bias forces its token",
        _values(lambda _: 100),
        (f"{ID}.none", f"{ID}.range"),
    ),
    *(
        Mutant(
            f"logit-bias-{wrong}",
            f"the bias {bias} is ignored",
            ignores("logit_bias", when=_is(bias)),
            (f"{ID}.{wrong}",),
        )
        for wrong, bias in WRONG.items()
    ),
    Mutant(
        "logit-bias-no-object",
        "an array is ignored",
        ignores("logit_bias", when=_no_object),
        (f"{ID}.object",),
    ),
    Mutant(
        "logit-bias-unnamed",
        "a refusal does not say which bias is wrong",
        edits_errors(_mute, has("logit_bias")),
        (f"{ID}.named",),
    ),
)
