"""Defects of the refusal of an unknown model."""

from typing import Any

from contract_tests.samples import CHAT, NO_MODEL
from tests.mutants.families import answers, edits_calls, edits_errors
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant
from tests.mutants.references import MODELS

PLACES = (
    ("chat", CHAT, False),
    ("chat_stream", CHAT, True),
    ("completions", "/completions", False),
    ("completions_stream", "/completions", True),
)


def _known(path: str) -> Any:
    kind = {CHAT: "chat"}.get(path, path.removeprefix("/"))
    return lambda body: {**body, "model": MODELS[kind]}


def _asked(stream: bool) -> Any:
    return lambda call: call.param("model") == NO_MODEL and bool(call.param("stream")) == stream


def _unknown(call: Call) -> bool:
    return bool(call.param("model") == NO_MODEL)


def _with(key: str, value: Any) -> Any:
    return lambda body: {"error": {**body["error"], key: value}}


def _twice(call: Call) -> bool:
    return call.body.count(b'"model"') > 1


MUTANTS = (
    Mutant(
        "unknown-model-twice",
        "one part of the server reads the first of two models, another the second",
        edits_calls(_known(CHAT), CHAT, _twice),
        ("errors.unknown_model.twice",),
    ),
    *(
        Mutant(
            f"unknown-model-any-{name}",
            f"any model is served ({name})",
            edits_calls(_known(path), path, _asked(stream)),
            (f"errors.unknown_model.{name}",),
        )
        for name, path, stream in PLACES
    ),
    *(
        Mutant(
            f"unknown-model-{status}",
            f"an unknown model is a {status}",
            answers(404, status, _unknown),
            tuple(f"errors.unknown_model.{name}" for name, *_ in PLACES),
        )
        for status in (400, 500, 503)
    ),
    Mutant(
        "unknown-model-no-code",
        "the error of an unknown model has no code",
        edits_errors(_with("code", None), _unknown),
        ("errors.unknown_model.code",),
    ),
    Mutant(
        "unknown-model-nameless",
        "the error of an unknown model does not name it",
        edits_errors(_with("message", "No such model."), _unknown),
        ("errors.unknown_model.named",),
    ),
)
