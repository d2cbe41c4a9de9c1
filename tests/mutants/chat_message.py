"""Defects of the message of a chat completion."""

from typing import Any

from tests.mutants.families import drops, edits, puts
from tests.mutants.mutant import Mutant

MESSAGE = "choices.*.message"


def _puts(name: str, key: str, value: Any, *kills: str) -> Mutant:
    layer = puts(f"{MESSAGE}.{key}", value)
    return Mutant(f"chat-message-{name}", f"{key} is {value!r}", layer, kills)


def _reasons(body: Any) -> None:
    message = body["choices"][0]["message"]
    message["reasoning_content"], message["content"] = message["content"], None


MUTANTS = (
    *(
        Mutant(
            f"chat-message-no-{key}",
            f"the message has no {key}",
            drops(f"{MESSAGE}.{key}"),
            (f"chat.message.{key}",),
        )
        for key in ("role", "content", "refusal")
    ),
    _puts("role-system", "role", "system", "chat.message.role"),
    _puts("role-null", "role", None, "chat.message.role"),
    _puts(
        "content-parts",
        "content",
        lambda text: [{"type": "text", "text": text}],
        "chat.message.content",
    ),
    _puts("content-empty", "content", "", "chat.message.text"),
    _puts("refusal-false", "refusal", False, "chat.message.refusal"),
    _puts("tool-calls-empty", "tool_calls", [], "chat.message.tool_calls"),
    Mutant(
        "chat-message-only-reasoning",
        "the text is in reasoning_content alone",
        edits(_reasons),
        ("chat.message.text",),
    ),
)
