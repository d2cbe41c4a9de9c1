"""Tools for a template that knows none: told, called and answered as plain text.

The form is that of the Hermes models, which the Qwen family has too and small models take up:

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from backends.torch.text.messages import Message

OPEN, CLOSE = "<tool_call>\n", "\n</tool_call>"
RESULT_OPEN, RESULT_CLOSE = "<tool_response>\n", "\n</tool_response>"
INSTRUCTIONS = """\
You may call functions to answer the user. These are the functions, one a line:
<tools>
{tools}
</tools>

To call a function, write its name and its arguments as JSON between these tags, once a call:
<tool_call>
{{"name": "the function's name", "arguments": {{"an argument": "its value"}}}}
</tool_call>
Each result comes back between <tool_response> and </tool_response>. \
Where no function helps, answer in plain text."""


def told(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages with calls and results as text, and the tools in the system prompt."""
    said = _merged(map(_said, messages))
    if not tools:
        return said
    lines = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    instructions = INSTRUCTIONS.format(tools=lines)
    if said and said[0]["role"] in {"system", "developer"}:
        content = f"{said[0]['content']}\n\n{instructions}".lstrip()
        return [said[0] | {"content": content}, *said[1:]]
    return [{"role": "system", "content": instructions}, *said]


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The messages with a leading system prompt moved into the first turn of the user."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":  # noqa: PLR2004 - a prompt and a turn
        return list(messages)
    content = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [messages[1] | {"content": content}, *messages[2:]]


def call_text(name: str, arguments: object) -> str:
    """A call as the model is taught to write it."""
    if isinstance(arguments, str):  # no object: it goes back as it came
        quoted = json.dumps(name, ensure_ascii=False)
        return f'{OPEN}{{"name": {quoted}, "arguments": {arguments}}}{CLOSE}'
    content = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"{OPEN}{content}{CLOSE}"


def _said(message: Message) -> Message:
    if message["role"] == "tool":
        content = f"{RESULT_OPEN}{message['content']}{RESULT_CLOSE}"
        return {"role": "user", "content": content, "result": True}
    calls = message.get("tool_calls")
    if not calls:
        return message
    functions = [call["function"] for call in calls]
    texts = [call_text(function["name"], function["arguments"]) for function in functions]
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    return rest | {"content": "\n".join(filter(None, [message["content"], *texts]))}


def _merged(messages: Iterable[Message]) -> list[Message]:
    """Results in a row, and what the user says right after them, as one turn of the user."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last and last.get("result") and message["role"] == "user":
            last["content"] += f"\n{message['content']}"
        else:
            merged.append(dict(message))
    for message in merged:
        message.pop("result", None)
    return merged
