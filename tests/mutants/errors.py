"""Defects of the envelope."""

from typing import Any

from tests.mutants.families import edits_errors, sets_header
from tests.mutants.layer import Answer, Call
from tests.mutants.mutant import Mutant

KEYS = ("message", "type", "param", "code")


def _refused(_: Call, answer: Answer) -> bool:
    return answer.status >= 400


def _without(key: str) -> Any:
    return lambda body: {"error": {k: v for k, v in body["error"].items() if k != key}}


def _with(key: str, value: Any) -> Any:
    return lambda body: {"error": {**body["error"], key: value}}


MUTANTS = (
    Mutant(
        "errors-detail",
        "errors are FastAPI's own",
        edits_errors(lambda body: {"detail": body["error"]["message"]}),
        ("errors.envelope.object", "errors.envelope.message"),
    ),
    Mutant(
        "errors-text",
        "the error is a text",
        edits_errors(lambda body: {"error": body["error"]["message"]}),
        ("errors.envelope.object", "errors.envelope.type"),
    ),
    Mutant(
        "errors-flat",
        "the error's fields stand outside of `error`",
        edits_errors(lambda body: {"object": "error", **body["error"]}),
        ("errors.envelope.object",),
    ),
    *(
        Mutant(
            f"errors-no-{key}",
            f"errors have no {key}",
            edits_errors(_without(key)),
            (f"errors.envelope.{key}",),
        )
        for key in KEYS
    ),
    Mutant(
        "errors-message-list",
        "the message is a list",
        edits_errors(_with("message", ["No."])),
        ("errors.envelope.message",),
    ),
    Mutant(
        "errors-type-null",
        "the type is null",
        edits_errors(_with("type", None)),
        ("errors.envelope.type",),
    ),
    Mutant(
        "errors-code-number",
        "the code is the status",
        edits_errors(_with("code", 400)),
        ("errors.envelope.code_type",),
    ),
    Mutant(
        "errors-param-list",
        "param is a list",
        edits_errors(_with("param", ["body", "messages"])),
        ("errors.envelope.param_type",),
    ),
    Mutant(
        "errors-text-plain",
        "errors are text/plain",
        sets_header("content-type", "text/plain; charset=utf-8", _refused),
        ("errors.media_type",),
    ),
)
