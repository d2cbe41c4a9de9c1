"""Defects of how unknown fields are treated."""

from contract_tests.checks.extras import FIELD
from tests.mutants.families import CHAT, has, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

EXTRA = has(FIELD)


def _streamed(call: Call) -> bool:
    return EXTRA(call) and call.param("stream") is True


MUTANTS = (
    Mutant(
        "extras-nameless",
        "an unknown field is a 400 that does not name it",
        refuses(EXTRA, path=CHAT),
        ("validation.extra.named",),
    ),
    Mutant(
        "extras-500",
        "an unknown field is a 500",
        refuses(EXTRA, status=500, path=CHAT),
        ("validation.extra.named",),
    ),
    Mutant(
        "extras-stream",
        "an unknown field is refused with stream alone",
        refuses(_streamed, path=CHAT),
        ("validation.extra.consistent",),
    ),
    Mutant(
        "extras-plain",
        "an unknown field is refused without stream alone",
        refuses(lambda call: EXTRA(call) and not _streamed(call), path=CHAT),
        ("validation.extra.consistent",),
    ),
)
