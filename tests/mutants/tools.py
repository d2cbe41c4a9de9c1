"""Defects of tool calls."""

import json
from typing import Any

from tests.mutants.families import drops, edits, puts
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

MESSAGE = "choices.*.message"
CALLS = f"{MESSAGE}.tool_calls.*"
FINISH = "choices.*.finish_reason"


def calls_tools(call: Call) -> bool:
    return bool(call.param("tools"))


def _cut(body: Any) -> None:
    for choice in body["choices"]:
        if choice["finish_reason"] == "length":
            choice["finish_reason"] = "tool_calls"


def _shown_as_text(body: Any) -> None:
    for choice in body["choices"]:
        message = choice["message"]
        message["content"] = json.dumps(message.get("tool_calls"))


MUTANTS = (
    *(
        Mutant(f"tools-no-{key}", f"calls have no {key}", drops(f"{CALLS}.{key}"), (killed,))
        for key, killed in (("id", "tools.call.id"), ("type", "tools.call.type"))
    ),
    Mutant("tools-id-empty", "ids are empty", puts(f"{CALLS}.id", ""), ("tools.call.id",)),
    Mutant("tools-id-number", "ids are numbers", puts(f"{CALLS}.id", 7), ("tools.call.id",)),
    Mutant(
        "tools-id-same",
        "all calls have one id",
        puts(f"{CALLS}.id", "call_0"),
        ("tools.call.id_unique",),
    ),
    Mutant(
        "tools-type-tool",
        'calls are of type "tool"',
        puts(f"{CALLS}.type", "tool"),
        ("tools.call.type",),
    ),
    Mutant(
        "tools-no-function",
        "calls have their name and arguments on top",
        puts(CALLS, lambda call: {"id": call["id"], "type": "function", **call["function"]}),
        ("tools.call.name", "tools.call.arguments"),
    ),
    Mutant(
        "tools-name-spoilt",
        "names have a prefix that no tool has",
        puts(f"{CALLS}.function.name", lambda name: f"functions.{name}"),
        ("tools.call.name",),
    ),
    Mutant(
        "tools-arguments-object",
        "arguments are an object",
        puts(f"{CALLS}.function.arguments", json.loads, when=calls_tools),
        ("tools.call.arguments",),
    ),
    Mutant(
        "tools-arguments-null",
        "arguments are null",
        puts(f"{CALLS}.function.arguments", None),
        ("tools.call.arguments",),
    ),
    Mutant(
        "tools-arguments-cut",
        "arguments lose their last brace",
        puts(f"{CALLS}.function.arguments", lambda text: text[:-1]),
        ("tools.call.arguments_json",),
    ),
    Mutant(
        "tools-arguments-twice",
        "arguments are JSON within JSON",
        puts(f"{CALLS}.function.arguments", json.dumps),
        ("tools.call.arguments_json",),
    ),
    *(
        Mutant(
            f"tools-finish-{reason}",
            f'replies with calls finish for "{reason}"',
            puts(FINISH, reason, when=calls_tools),
            ("tools.call.finish",),
        )
        for reason in ("stop", "tool_call", "function_call")
    ),
    Mutant(
        "tools-content-raw",
        "the calls stand in the content too",
        edits(_shown_as_text, when=calls_tools),
        ("tools.call.content",),
    ),
    Mutant(
        "tools-cut-unsaid",
        'a call cut off finishes for "tool_calls"',
        edits(_cut),
        ("tools.call.cut",),
    ),
)
