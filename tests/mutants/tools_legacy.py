"""Defects of functions and of custom tools."""

from typing import Any

from tests.mutants.families import (
    drops,
    drops_in_chunks,
    edits,
    edits_calls,
    ignores,
    puts,
    refuses,
)
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

MESSAGE = "choices.*.message"
CUSTOM = f"{MESSAGE}.tool_calls.*"
INNOCENT = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def _as_tools(body: Any) -> None:
    for choice in body["choices"]:
        call = choice["message"].pop("function_call", None)
        if call:
            tool_call = {"id": "call_0", "type": "function", "function": call}
            choice["message"]["tool_calls"] = [tool_call]


def _roles(call: Call) -> set[Any]:
    return {one.get("role") for one in call.param("messages") or [] if isinstance(one, dict)}


def _none(call: Call) -> bool:
    return bool(call.param("function_call") == "none")


def _takes_names(body: Any) -> None:
    if any(" " in function.get("name", "") for function in body.get("functions") or ()):
        body["functions"] = [INNOCENT]


def _no_parameters(body: Any) -> None:
    for function in body.get("functions") or ():
        function.pop("parameters", None)


def _takes_no_name(body: Any) -> None:
    for tool in body.get("tools") or ():
        if "custom" in tool:
            tool["custom"].setdefault("name", "tool")


def _no_format(body: Any) -> None:
    for tool in body.get("tools") or ():
        if "custom" in tool:
            tool["custom"].pop("format", None)


def _replays_custom(call: Call) -> bool:
    messages = call.param("messages") or []
    return any("custom" in each for one in messages for each in one.get("tool_calls") or ())


def _named_custom(call: Call) -> bool:
    choice = call.param("tool_choice")
    return isinstance(choice, dict) and choice.get("type") == "custom"


MUTANTS = (
    Mutant(
        "tools-legacy-ignored",
        "functions are accepted and ignored",
        ignores("functions", "function_call"),
        (
            "tools.functions.named",
            "tools.functions.stream",
            "tools.functions.name",
            "tools.functions.empty",
            "tools.functions.unknown",
        ),
    ),
    Mutant(
        "tools-legacy-as-tools",
        "functions are answered with tool_calls",
        edits(_as_tools),
        ("tools.functions.named",),
    ),
    *(
        Mutant(
            f"tools-legacy-no-{key}",
            f"function calls have no {key}",
            drops(f"{MESSAGE}.function_call.{key}"),
            ("tools.functions.named",),
        )
        for key in ("name", "arguments")
    ),
    Mutant(
        "tools-legacy-no-schema",
        "the parameters of functions are ignored",
        edits_calls(_no_parameters),
        ("tools.functions.schema",),
    ),
    Mutant(
        "tools-legacy-finish",
        'function calls finish for "tool_calls"',
        puts(
            "choices.*.finish_reason", "tool_calls", when=lambda call: bool(call.param("functions"))
        ),
        ("tools.functions.finish",),
    ),
    Mutant(
        "tools-legacy-none",
        'function_call "none" is ignored',
        ignores("function_call", when=_none),
        ("tools.functions.none",),
    ),
    *(
        Mutant(
            f"tools-legacy-stream-no-{key}",
            f"streamed function calls have no {key}",
            drops_in_chunks(f"choices.*.delta.function_call.{key}"),
            ("tools.functions.stream",),
        )
        for key in ("name", "arguments")
    ),
    Mutant(
        "tools-legacy-role",
        "the role function is refused",
        refuses(lambda call: "function" in _roles(call)),
        ("tools.functions.replay",),
    ),
    Mutant(
        "tools-legacy-name",
        "a function may have any name",
        edits_calls(_takes_names),
        ("tools.functions.name",),
    ),
    *(
        Mutant(
            f"tools-legacy-custom-no-{key.replace('.', '-')}",
            f"custom calls have no {key}",
            drops(f"{CUSTOM}.{key}"),
            ("tools.custom.call",),
        )
        for key in ("id", "type", "custom.name", "custom.input")
    ),
    Mutant(
        "tools-legacy-custom-object",
        "the input of a custom call is an object",
        puts(f"{CUSTOM}.custom.input", lambda text: {"input": text}),
        ("tools.custom.call",),
    ),
    Mutant(
        "tools-legacy-custom-unnamed",
        "a named custom tool_choice is ignored",
        ignores("tool_choice", when=_named_custom),
        ("tools.custom.named",),
    ),
    Mutant(
        "tools-legacy-custom-no-grammar",
        "the grammar of a custom tool is ignored",
        edits_calls(_no_format),
        ("tools.custom.grammar",),
    ),
    Mutant(
        "tools-legacy-custom-replay",
        "a replayed custom call is refused",
        refuses(_replays_custom),
        ("tools.custom.replay",),
    ),
    Mutant(
        "tools-legacy-custom-nameless",
        "a custom tool needs no name",
        edits_calls(_takes_no_name),
        ("tools.custom.no_name",),
    ),
)
