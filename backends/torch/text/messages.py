"""The wire's messages as chat templates expect them: plain dictionaries of a few roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from backends.protocol.errors import UnsupportedParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from backends.protocol import Tool
    from backends.protocol.wire import (
        ChatCompletionRequestAssistantMessage,
        ChatCompletionRequestMessage,
    )

Message = dict[str, Any]
# A custom tool takes plain text; a template that knows functions alone is told of one string.
CUSTOM_INPUT = "input"
CUSTOM = {
    "type": "object",
    "properties": {CUSTOM_INPUT: {"type": "string"}},
    "required": [CUSTOM_INPUT],
    "additionalProperties": False,
}


def plain_messages(messages: Sequence[ChatCompletionRequestMessage]) -> list[Message]:
    """The messages as dictionaries with `role` and a text as `content`.

    Calls are in `tool_calls`, their arguments read where they are a JSON object; a legacy
    function call is a tool call. The name of a tool stands in its result too.

    Raises:
        UnsupportedParameter: a message has something that is no text.
    """
    called: dict[str, str] = {}
    plain: list[Message] = []
    for index, message in enumerate(messages):
        if message.role == "tool":
            result = {"tool_call_id": message.tool_call_id, "content": _text(message.content)}
            name = called.get(message.tool_call_id)
            plain.append({"role": "tool", **result, **({"name": name} if name else {})})
        elif message.role == "function":
            plain.append({"role": "tool", "name": message.name, "content": message.content or ""})
        elif message.role == "assistant":
            plain.append(_assistant(message, f"messages.{index}", called))
        else:
            named = {"name": message.name} if message.name else {}
            plain.append({"role": message.role, "content": _text(message.content), **named})
    return plain


def plain_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """The tools as dictionaries in OpenAI's form, all of them functions."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters) if tool.kind == "function" else CUSTOM,
            },
        }
        for tool in tools
    ]


def _text(content: str | list[Any] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.refusal if part.type == "refusal" else part.text for part in content)


def _assistant(
    message: ChatCompletionRequestAssistantMessage, param: str, called: dict[str, str]
) -> Message:
    if message.audio is not None:
        raise UnsupportedParameter(
            "This model has no spoken answers to look back on.", param=f"{param}.audio"
        )
    plain: Message = {
        "role": "assistant",
        "content": _text(message.content) + (message.refusal or ""),
    }
    if message.name:
        plain["name"] = message.name
    calls = []
    for call in message.tool_calls or ():
        if call.type == "custom":
            name, arguments = call.custom.name, {CUSTOM_INPUT: call.custom.input}
        else:
            name, arguments = call.function.name, _arguments(call.function.arguments)
        called[call.id] = name
        calls.append(_call(name, arguments, call.id))
    if (legacy := message.function_call) is not None:
        calls.append(_call(legacy.name, _arguments(legacy.arguments), legacy.name))
    return plain | ({"tool_calls": calls} if calls else {})


def _call(name: str, arguments: object, call_id: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def _arguments(arguments: str) -> Any:  # noqa: ANN401 - an object, or the text as it came
    """The object that the arguments write: templates write them as JSON themselves."""
    try:
        found = json.loads(arguments)
    except ValueError:
        return arguments
    return found if isinstance(found, dict) else arguments
