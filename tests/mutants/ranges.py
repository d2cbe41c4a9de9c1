"""Defects of bounds: what is out of range is clamped in silence, or breaks the server."""

from typing import Any

from contract_tests.samples import CHAT, COMPLETIONS
from tests.mutants.families import answers, edits_calls, has
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

BOUNDS: tuple[tuple[str, str, float, float], ...] = (
    (CHAT, "temperature", 0, 2),
    (CHAT, "top_p", 0, 1),
    (CHAT, "frequency_penalty", -2, 2),
    (CHAT, "presence_penalty", -2, 2),
    (CHAT, "n", 1, 128),
    (CHAT, "top_logprobs", 0, 20),
    (COMPLETIONS, "temperature", 0, 2),
    (COMPLETIONS, "top_p", 0, 1),
    (COMPLETIONS, "n", 1, 128),
)
ONE_SIDED = {"top_logprobs": "high"}


def _clamps(path: str, field: str, low: float, high: float) -> Layer:
    def edit(body: dict[str, Any]) -> None:
        # Few choices are enough to be wrong.
        body[field] = 1 if field == "n" else max(low, min(high, body[field]))

    return edits_calls(edit, path, has(field))


def _kills(path: str, field: str) -> tuple[str, ...]:
    prefix = "" if path == CHAT else f"{path.removeprefix('/')}_"
    sides = ("low", "high") if path == CHAT else ("high",)
    if field in ONE_SIDED:
        sides = (ONE_SIDED[field],)
    return tuple(f"validation.range.{prefix}{field}_{side}" for side in sides)


MUTANTS = (
    *(
        Mutant(
            f"ranges-clamp-{path.removeprefix('/').replace('/', '-')}-{field.replace('_', '-')}",
            f"a {field} out of range is clamped",
            _clamps(path, field, low, high),
            _kills(path, field),
        )
        for path, field, low, high in BOUNDS
    ),
    Mutant(
        "ranges-500",
        "what is out of range is a 500",
        answers(400, 500),
        tuple(one for path, field, *_ in BOUNDS for one in _kills(path, field)),
    ),
)
