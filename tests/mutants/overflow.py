"""Defects of the refusal of too long a prompt."""

from tests.mutants.families import answers, edits_errors, puts, stack
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

LONG_BYTES = 200_000


def _long(call: Call) -> bool:
    return len(call.body) > LONG_BYTES


def _no_code(body: dict[str, dict[str, None]]) -> None:
    body["error"]["code"] = None


def _other_words(body: dict[str, dict[str, str]]) -> None:
    body["error"]["message"] = "The model reads 128000 tokens; the prompt has more."


def _in_stream(call: Call, answer: Answer) -> None:
    if _long(call) and call.param("stream"):
        answer.status = 200
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"


def _told(name: str) -> Layer:
    """The window is told with the models, and a prompt just longer than it is a 500."""
    return stack(puts(f"data.*.{name}", 128_000, "/models"), answers(400, 500, _long))


MUTANTS = (
    *(
        Mutant(
            f"overflow-{status}",
            f"too long a prompt is a {status}",
            answers(400, status, _long),
            ("errors.overflow.status",),
        )
        for status in (422, 500)
    ),
    *(
        Mutant(
            f"overflow-told-{name.replace('_', '-')}",
            f"a prompt longer than the window that is told as {name} is a 500",
            _told(name),
            ("errors.overflow.status",),
        )
        for name in ("max_model_len", "max_input_tokens")
    ),
    Mutant(
        "overflow-no-code",
        "the error of too long a prompt has no code",
        edits_errors(_no_code, _long),
        ("errors.overflow.code",),
    ),
    Mutant(
        "overflow-other-words",
        "the error of too long a prompt is told in words that no client knows",
        edits_errors(_other_words, _long),
        ("errors.overflow.words",),
    ),
    Mutant(
        "overflow-in-stream",
        "with stream, too long a prompt is an event",
        around(after=_in_stream),
        ("errors.overflow.stream",),
    ),
)
