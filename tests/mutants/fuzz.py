"""Defects that the checks of single rules may miss, and fuzzing finds."""

from typing import Any

from tests.mutants.families import (
    drops,
    edits_calls,
    edits_errors,
    edits_frames,
    has,
    refuses,
)
from tests.mutants.layer import Answer, Call, around
from tests.mutants.mutant import Mutant


def _fails(call: Call) -> Answer | None:
    return Answer(500, body=b"Internal Server Error") if call.param("top_p") == 0 else None


def _clamps(body: Any) -> None:
    if isinstance(body.get("temperature"), int | float):
        body["temperature"] = min(2, max(0, body["temperature"]))


MUTANTS = (
    Mutant(
        "fuzz-fails-on-zero",
        "top_p 0 is a division by zero",
        around(before=_fails),
        ("fuzz.server_error", "fuzz.envelope"),
    ),
    Mutant(
        "fuzz-detail",
        "refusals are FastAPI's",
        edits_errors(lambda body: {"detail": body["error"]["message"]}),
        ("fuzz.envelope",),
    ),
    Mutant(
        "fuzz-clamps",
        "a temperature out of range is clamped",
        edits_calls(_clamps),
        ("fuzz.refuses_invalid",),
    ),
    Mutant(
        "fuzz-refuses-seed",
        "a seed is refused without its name",
        refuses(has("seed")),
        ("fuzz.refuses_by_name",),
    ),
    Mutant(
        "fuzz-no-finish-with-stop",
        "with stop, there is no finish_reason",
        drops("choices.*.finish_reason", when=has("stop")),
        ("fuzz.schema",),
    ),
    Mutant(
        "fuzz-no-done",
        "streams have no [DONE]",
        edits_frames(lambda frames: [one for one in frames if one != b"data: [DONE]"]),
        ("fuzz.stream",),
    ),
)
