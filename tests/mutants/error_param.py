"""Defects of what an error says of the wrong field."""

from typing import Any

from tests.mutants.families import answers, edits_errors
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

NAMING = tuple(f"validation.param.{name}" for name in ("wrong", "missing", "deep"))
MARKED = {
    "body": "body.{}",
    "type": "{}.str",
    "union": "{}.list[union[text,image]].0",
    "class": "{}.ChatCompletionUserMessageParam",
    "function": "{}.function-after[check(), str]",
}


def _param(form: str | None) -> Layer:
    def edit(body: dict[str, Any]) -> None:
        given = body["error"]["param"]
        body["error"]["param"] = form.format(given) if form and given else None

    return edits_errors(edit)


MUTANTS = (
    Mutant("error-param-null", "param is always null", _param(None), NAMING),
    Mutant("error-param-other", "param names another field", _param("stream"), NAMING),
    *(
        Mutant(
            f"error-param-{name}",
            f"param shows the framework ({name})",
            _param(form),
            ("validation.param.clean",),
        )
        for name, form in MARKED.items()
    ),
    Mutant(
        "error-param-422", "an invalid request is a 422", answers(400, 422), ("validation.status",)
    ),
)
