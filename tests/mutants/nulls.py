"""Defects of null parameters."""

from collections.abc import Callable
from typing import Any

from contract_tests.checks.nulls import NULLABLE, SERIALISED
from tests.mutants.families import CHAT, edits_calls, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant


def _null(field: str) -> Callable[[Call], bool]:
    def given(call: Call) -> bool:
        body = call.json
        return isinstance(body, dict) and field in body and body[field] is None

    return given


def _takes(field: str, value: Any) -> Callable[[Any], Any]:
    return lambda body: {**body, field: value}


MUTANTS = (
    *(
        Mutant(
            f"nulls-{field.replace('_', '-')}",
            f"{field}: null is refused",
            refuses(_null(field), path=CHAT),
            (f"validation.null.{field}",),
        )
        for field in (*NULLABLE, *SERIALISED)
    ),
    *(
        Mutant(
            f"nulls-{field}-is-{value}".lower(),
            f"{field}: null is taken for {value}",
            edits_calls(_takes(field, value), CHAT, _null(field)),
            (f"validation.null.{field}",),
        )
        for field, value in (("n", 2), ("stream", True))
    ),
)
