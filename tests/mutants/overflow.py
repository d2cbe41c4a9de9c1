"""Defects of the refusal of too long a prompt."""

from starlette.types import ASGIApp

from tests.mutants.families import answers, edits_errors, puts
from tests.mutants.layer import Answer, Call, around
from tests.mutants.mutant import Mutant

LONG_BYTES = 200_000


def _long(call: Call) -> bool:
    return len(call.body) > LONG_BYTES


def _no_code(body: dict[str, dict[str, None]]) -> None:
    body["error"]["code"] = None


def _in_stream(call: Call, answer: Answer) -> None:
    if _long(call) and call.param("stream"):
        answer.status = 200
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"


def _told(app: ASGIApp) -> ASGIApp:
    """The window is told with the models, and a prompt just longer than it is a 500."""
    return answers(400, 500, _long)(puts("data.*.max_model_len", 128_000, "/models")(app))


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
    Mutant(
        "overflow-told",
        "a prompt longer than the window that is told is a 500",
        _told,
        ("errors.overflow.status",),
    ),
    Mutant(
        "overflow-no-code",
        "the error of too long a prompt has no code",
        edits_errors(_no_code, _long),
        ("errors.overflow.code",),
    ),
    Mutant(
        "overflow-in-stream",
        "with stream, too long a prompt is an event",
        around(after=_in_stream),
        ("errors.overflow.stream",),
    ),
)
