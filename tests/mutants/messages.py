"""Defects of how messages are read."""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

from tests.mutants.families import When, edits_calls, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

ROLES = ("system", "developer")
PARTS = ("user", "system", "assistant")


def _messages(call: Call) -> list[Any]:
    messages = call.param("messages")
    return [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []


def _any(holds: Callable[[Any], Any]) -> When:
    return lambda call: any(holds(message) for message in _messages(call))


def _is(role: str, message: Any) -> bool:
    return bool(message.get("role") == role)


def _in_parts(role: str, message: Any) -> bool:
    return _is(role, message) and isinstance(message.get("content"), list)


def _role(call: Call, place: int) -> Any:
    messages = _messages(call)
    return messages[place].get("role") if place < len(messages) else None


def _edits(edit: Callable[[list[Any]], list[Any]]) -> Any:
    def of_body(body: Any) -> None:
        if isinstance(body.get("messages"), list):
            body["messages"] = edit(body["messages"])

    return edits_calls(of_body, "/chat/completions")


def _of_parts(edit: Callable[[list[Any]], Any]) -> Any:
    """Replaces each content that is a list of parts."""

    def each(messages: list[Any]) -> list[Any]:
        for message in messages:
            if isinstance(message.get("content"), list):
                message["content"] = edit(message["content"])
        return messages

    return _edits(each)


def _without(role: str) -> Callable[[list[Any]], list[Any]]:
    return lambda messages: [one for one in messages if one["role"] != role]


MUTANTS = (
    *(
        Mutant(
            f"messages-{role}-refused",
            f"the role {role} is refused",
            refuses(_any(partial(_is, role))),
            (f"messages.{role}.accepted",),
        )
        for role in ROLES
    ),
    *(
        Mutant(
            f"messages-{role}-dropped",
            f"messages of the role {role} are left out of the prompt",
            _edits(_without(role)),
            (f"messages.{role}.read",),
        )
        for role in ROLES
    ),
    Mutant(
        "messages-system-first-only",
        "a system message must come first",
        refuses(lambda call: "system" in [one.get("role") for one in _messages(call)][1:]),
        ("messages.system.middle",),
    ),
    Mutant(
        "messages-no-history",
        "more than one user message is refused",
        refuses(lambda call: _role(call, 0) == "user" and _role(call, 2) == "user"),
        ("messages.history.accepted", "messages.replay"),
    ),
    Mutant(
        "messages-last-only",
        "only the last message is read",
        _edits(lambda messages: messages[-1:]),
        ("messages.history.read", "messages.system.read"),
    ),
    Mutant(
        "messages-user-only",
        "only messages of the user are read",
        _edits(lambda messages: [one for one in messages if one["role"] == "user"] or messages),
        ("messages.history.read", "messages.developer.read"),
    ),
    Mutant(
        "messages-name-refused",
        "a name is refused",
        refuses(_any(lambda one: "name" in one)),
        ("messages.name",),
    ),
    Mutant(
        "messages-replay-refused",
        "keys of a reply that a request does not have are refused",
        refuses(_any(lambda one: "annotations" in one)),
        ("messages.replay",),
    ),
    *(
        Mutant(
            f"messages-{role}-parts-refused",
            f"a list of parts is refused in a {role} message",
            refuses(_any(partial(_in_parts, role))),
            (f"messages.parts.{role}",),
        )
        for role in PARTS
    ),
    *(
        Mutant(
            f"messages-parts-{name}",
            f"of several parts only the {name} one is read",
            _of_parts(itemgetter(kept)),
            ("messages.parts.read",),
        )
        for name, kept in {"first": slice(1), "last": slice(-1, None)}.items()
    ),
    Mutant(
        "messages-parts-as-json",
        "parts reach the model as JSON",
        _of_parts(str),
        ("messages.parts.same", "messages.parts.unknown"),
    ),
    Mutant(
        "messages-unknown-part-dropped",
        "parts of an unknown type are left out",
        _of_parts(lambda parts: [part for part in parts if "text" in part]),
        ("messages.parts.unknown",),
    ),
    Mutant(
        "messages-no-content-accepted",
        "a missing content is taken for an empty one",
        _edits(lambda messages: [{"content": "", **one} for one in messages]),
        ("messages.content.required",),
    ),
)
