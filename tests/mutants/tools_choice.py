"""Defects of tool_choice and parallel_tool_calls."""

from typing import Any

from tests.mutants.families import edits_calls, ignores, puts, puts_in_chunks, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant


def _chooses(*words: str) -> Any:
    """Whether the choice is one of those words, or an object of that type."""

    def chooses(call: Call) -> bool:
        choice = call.param("tool_choice")
        kind = choice.get("type") if isinstance(choice, dict) else choice
        return kind in words

    return chooses


def _is_odd(call: Call) -> bool:
    choice = call.param("tool_choice")
    return choice in ("sometimes", 1) or choice == {}


def _required(body: Any) -> None:
    if "tool_choice" in body:
        body["tool_choice"] = "required"


def _without_tools(call: Call) -> bool:
    return not call.param("tools")


def _drops_mode(body: Any) -> None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice["allowed_tools"]["mode"] = "auto"


NONE = _chooses("none")
CHOICES = "choices.*"

MUTANTS = (
    Mutant(
        "tools-choice-none-ignored",
        'tool_choice "none" is ignored',
        ignores("tool_choice", when=NONE),
        ("tools.choice.none",),
    ),
    Mutant(
        "tools-choice-none-finish",
        'a text under "none" finishes for "tool_calls"',
        puts(f"{CHOICES}.finish_reason", "tool_calls", when=NONE),
        ("tools.choice.none",),
    ),
    Mutant(
        "tools-choice-none-empty",
        "a text has an empty list of calls",
        puts(f"{CHOICES}.message.tool_calls", [], when=NONE),
        ("tools.choice.none_absent",),
    ),
    Mutant(
        "tools-choice-stream-none-ignored",
        'tool_choice "none" is ignored',
        ignores("tool_choice", when=NONE),
        ("tools.choice.none_stream",),
    ),
    Mutant(
        "tools-choice-stream-none-empty",
        "each delta of a text has an empty list of calls",
        puts_in_chunks("choices.*.delta.tool_calls", [], when=NONE),
        ("tools.choice.none_stream",),
    ),
    Mutant(
        "tools-choice-auto-refused",
        'tool_choice "auto" is refused',
        refuses(_chooses("auto")),
        ("tools.choice.auto",),
    ),
    Mutant(
        "tools-choice-required-ignored",
        'tool_choice "required" is taken for "auto"',
        ignores("tool_choice", when=_chooses("required")),
        ("tools.choice.required",),
    ),
    Mutant(
        "tools-choice-named-ignored",
        "a named tool_choice is ignored",
        ignores("tool_choice", when=_chooses("function")),
        ("tools.choice.named", "tools.choice.unknown"),
    ),
    Mutant(
        "tools-choice-named-required",
        "a named tool_choice lets any tool be called",
        edits_calls(_required, when=_chooses("function")),
        ("tools.choice.named",),
    ),
    Mutant(
        "tools-choice-named-finish",
        'a named call finishes for "function_call"',
        puts(f"{CHOICES}.finish_reason", "function_call", when=_chooses("function")),
        ("tools.choice.named_finish",),
    ),
    Mutant(
        "tools-choice-without-tools",
        "a tool_choice without tools is ignored",
        ignores("tool_choice", when=_without_tools),
        ("tools.choice.without_tools",),
    ),
    Mutant(
        "tools-choice-invalid-ignored",
        "a tool_choice that is none is ignored",
        ignores("tool_choice", when=_is_odd),
        ("tools.choice.invalid",),
    ),
    Mutant(
        "tools-choice-parallel-ignored",
        "parallel_tool_calls is ignored",
        ignores("parallel_tool_calls"),
        ("tools.parallel.off",),
    ),
    Mutant(
        "tools-choice-parallel-ids",
        "the calls of one reply share an id",
        puts(f"{CHOICES}.message.tool_calls.*.id", "call_0"),
        ("tools.parallel.ids",),
    ),
    Mutant(
        "tools-choice-allowed-ignored",
        "allowed_tools are ignored",
        ignores("tool_choice", when=_chooses("allowed_tools")),
        ("tools.allowed.auto", "tools.allowed.required", "tools.choice.allowed_unknown"),
    ),
    Mutant(
        "tools-choice-allowed-mode",
        "the mode of allowed_tools is ignored",
        edits_calls(_drops_mode),
        ("tools.allowed.required",),
    ),
)
