"""Defects of tool calls and their results as messages."""

from collections.abc import Callable
from functools import partial
from operator import eq
from typing import Any

from tests.mutants.families import edits_calls, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

ABSENT = object()


def _messages(call: Call) -> list[Any]:
    messages = call.param("messages")
    return messages if isinstance(messages, list) else []


def _refuses(role: str, holds: Callable[[Any], bool]) -> Layer:
    """Refuses a message of that role with such a content."""
    return refuses(
        lambda call: any(
            message.get("role") == role and holds(message.get("content", ABSENT))
            for message in _messages(call)
        )
    )


def _edits(edit: Callable[[list[Any]], list[Any]]) -> Layer:
    def of_body(body: Any) -> None:
        body["messages"] = edit(body["messages"])

    return edits_calls(of_body, "/chat/completions")


def _results(**edits: Any) -> Layer:
    """Reads something else for what a tool message says."""
    return _edits(
        lambda messages: [
            {**one, **edits} if one.get("role") == "tool" else one for one in messages
        ]
    )


def _matched(messages: list[Any]) -> list[Any]:
    """The messages without the results of calls that are not among them."""
    ids = [call["id"] for one in messages for call in one.get("tool_calls") or []]
    return [one for one in messages if one["role"] != "tool" or one.get("tool_call_id") in ids]


def _numbered(messages: list[Any]) -> list[Any]:
    """The messages, with an id made up for each result that has none."""
    ids = [call["id"] for one in messages for call in one.get("tool_calls") or []]
    given = {"tool_call_id": ids[0]} if ids else {}
    return [{**given, **one} if one["role"] == "tool" else one for one in messages]


MUTANTS = (
    *(
        Mutant(
            f"tool-messages-{name}-content-refused",
            f"a message with calls and {name} content is refused",
            _refuses("assistant", partial(eq, value)),
            (f"tool_messages.content.{name}",),
        )
        for name, value in {"null": None, "empty": "", "absent": ABSENT}.items()
    ),
    Mutant(
        "tool-messages-parts-refused",
        "a tool's result must be a string",
        _refuses("tool", lambda content: isinstance(content, list)),
        ("tool_messages.result.parts",),
    ),
    Mutant(
        "tool-messages-one-result",
        "a second tool message is refused",
        refuses(lambda call: [one.get("role") for one in _messages(call)][3:] == ["tool"]),
        ("tool_messages.result.both",),
    ),
    Mutant(
        "tool-messages-results-ignored",
        "results are left out of the prompt",
        _results(content="-"),
        ("tool_messages.result.read",),
    ),
    Mutant(
        "tool-messages-no-id-accepted",
        "a result without an id belongs to the first call",
        _edits(_numbered),
        ("tool_messages.result.no_id",),
    ),
    Mutant(
        "tool-messages-unmatched-dropped",
        "results that belong to no call are left out",
        _edits(_matched),
        ("tool_messages.result.orphan", "tool_messages.result.unmatched"),
    ),
)
