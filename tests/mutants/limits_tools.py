"""Defects of tool calls that the limit of tokens cuts off."""

from tests.mutants.families import puts, puts_in_chunks
from tests.mutants.limits import says
from tests.mutants.mutant import Mutant

MUTANTS = tuple(
    Mutant(
        f"limits-tools-{what}-{wrong}",
        f"a {what} that is cut says {wrong}",
        sets("choices.*.finish_reason", lambda old, wrong=wrong: says(old, wrong)),
        (kills,),
    )
    for what, sets, kills in (
        ("call", puts, "limits.tools"),
        ("stream", puts_in_chunks, "limits.stream.tools"),
    )
    for wrong in ("stop", "tool_calls")
)
