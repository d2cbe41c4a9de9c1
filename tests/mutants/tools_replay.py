"""Defects of the turn after a tool call."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import has, puts, puts_in_chunks, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant


def _results(call: Call) -> list[Any]:
    messages = call.param("messages") or []
    return [one for one in messages if isinstance(one, dict) and one.get("role") == "tool"]


def _replayed(call: Call) -> list[Any]:
    """The arguments of all calls in the messages."""
    messages = [one for one in call.param("messages") or [] if isinstance(one, dict)]
    calls = [each for one in messages for each in one.get("tool_calls") or ()]
    return [each["function"]["arguments"] for each in calls if "function" in each]


def _replays(arguments: str) -> Callable[[Call], bool]:
    return lambda call: arguments in _replayed(call)


def _annotated(call: Call) -> bool:
    return any("annotations" in one for one in call.param("messages") or [])


MUTANTS = (
    Mutant(
        "tools-replay-refused",
        "the role tool is refused",
        refuses(lambda call: bool(_results(call))),
        ("tools.replay.one", "tools.replay.several", "tools.replay.stream"),
    ),
    Mutant(
        "tools-replay-own-message",
        "the server refuses a key of its own messages",
        refuses(_annotated),
        ("tools.replay.one",),
    ),
    Mutant(
        "tools-replay-one-result",
        "only one result is taken",
        refuses(lambda call: len(_results(call)) > 1),
        ("tools.replay.several",),
    ),
    Mutant(
        "tools-replay-null-answer",
        "the answer to a result is null",
        puts("choices.*.message.content", None, when=lambda call: bool(_results(call))),
        ("tools.replay.one",),
    ),
    Mutant(
        "tools-replay-finish",
        'the answer to a result finishes for "tool_calls"',
        puts("choices.*.finish_reason", "tool_calls", when=lambda call: bool(_results(call))),
        ("tools.replay.one",),
    ),
    Mutant(
        "tools-replay-stream-empty",
        "the streamed answer to a result has no text",
        puts_in_chunks("choices.*.delta.content", None, when=lambda call: bool(_results(call))),
        ("tools.replay.stream",),
    ),
    Mutant(
        "tools-replay-needs-tools",
        "results without tools are refused",
        refuses(lambda call: bool(_results(call)) and not has("tools")(call)),
        ("tools.replay.without_tools",),
    ),
    Mutant(
        "tools-replay-arguments-invented",
        "a tool without parameters gets some",
        puts("choices.*.message.tool_calls.*.function.arguments", '{"input": "status"}'),
        ("tools.replay.no_arguments",),
    ),
    *(
        Mutant(
            f"tools-replay-refuses-{name}",
            f"a replayed call with the arguments {arguments!r} is refused",
            refuses(_replays(arguments)),
            (f"tools.replay.{name}",),
        )
        for name, arguments in (("empty_object", "{}"), ("empty_text", ""))
    ),
)
