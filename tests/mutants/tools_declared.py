"""Defects of declared tools: good ones refused, bad ones taken."""

from collections.abc import Callable
from typing import Any

from contract_tests.samples import WEATHER
from tests.mutants.families import answers, edits_calls, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant


def _declares(fits: Callable[[Any], bool]) -> Callable[[Call], bool]:
    """Whether a call declares a tool with such a function."""

    def declares(call: Call) -> bool:
        tools = call.param("tools") or ()
        return any(isinstance(one, dict) and fits(one.get("function") or {}) for one in tools)

    return declares


def _takes(fits: Callable[[Any], bool]) -> Layer:
    """Declares an innocent tool instead of such a one."""

    def edit(body: Any) -> None:
        tools = body.get("tools") or ()
        body["tools"] = [WEATHER if fits(one) else one for one in tools]
        if not tools:
            del body["tools"]

    return edits_calls(edit)


def _name(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None


_BAD: dict[str, Callable[[Any], bool]] = {
    "name": lambda tool: " " in str(_name(tool)) or "." in str(_name(tool)),
    "name_letters": lambda tool: not str(_name(tool)).isascii(),
    "name_length": lambda tool: len(str(_name(tool))) > 64,
    "no_name": lambda tool: isinstance(tool, dict) and _name(tool) is None and "function" in tool,
    "no_function": lambda tool: tool == {"type": "function"},
    "type": lambda tool: isinstance(tool, dict) and tool.get("type") == "telepathy",
    "no_object": lambda tool: isinstance(tool, str),
    "parameters": lambda tool: (
        isinstance(tool, dict) and "hiccup" in str(tool.get("function", {}).get("parameters"))
    ),
}

MUTANTS = (
    *(
        Mutant(
            f"tools-declared-{id_}",
            f"refuses a tool with {defect}",
            refuses(_declares(fits)),
            (f"tools.declared.{id_}",),
        )
        for id_, defect, fits in (
            ("strict", "strict: true", lambda function: function.get("strict") is True),
            ("lenient", "strict: false", lambda function: function.get("strict") is False),
            ("no_parameters", "no parameters", lambda one: "parameters" not in one),
            ("no_description", "no description", lambda one: "description" not in one),
            ("long_name", "64 characters", lambda one: len(one.get("name", "")) == 64),
        )
    ),
    *(
        Mutant(
            f"tools-declared-bad-{id_}",
            f"takes a bad tool: {id_}",
            _takes(bad),
            ("tools.invalid.name" if id_ == "name_letters" else f"tools.invalid.{id_}",),
        )
        for id_, bad in _BAD.items()
    ),
    Mutant(
        "tools-declared-bad-500",
        "fails on parameters that are no schema",
        answers(400, 500, lambda call: "hiccup" in str(call.param("tools"))),
        ("tools.invalid.parameters",),
    ),
)
