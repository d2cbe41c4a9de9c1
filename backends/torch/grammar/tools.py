r"""The grammar of tool calls, in the form that Hermes, Qwen and many others are trained on.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>

Space outside the arguments is fixed, so that a call costs few tokens and is read as it comes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.torch.grammar.cost import count_properties
from backends.torch.grammar.schemas import json_grammar, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.protocol import Tool

OPEN, CLOSE = "<tool_call>", "</tool_call>"
MAX_CALLS = 16
"""Calls in one answer: small models repeat themselves."""
MAX_PROPERTIES = 4_000
"""Of all tools together; llguidance takes a second over so many."""
INPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
"""The arguments of a custom tool: its plain input, as a string."""
NONE: Mapping[str, Any] = {"type": "object", "additionalProperties": False}
"""The arguments of a function without parameters."""


@dataclass(slots=True, frozen=True)
class Marks:
    """The ids of the tokens that are marks of a call, if the vocabulary has them.

    `words` are tokens of their own that may stand in free text, such as `<think>`.
    """

    open: int | None = None
    close: int | None = None
    words: Sequence[int] = ()


def require_bounded(tools: Sequence[Tool]) -> None:
    """Refuse tools that cannot be told apart, or whose schemas would take too long together.

    Raises:
        BadRequestError: two of different kinds have one name, or there is too much of them.
    """
    kinds: dict[str, str] = {}
    for tool in tools:
        if kinds.setdefault(tool.name, tool.kind) != tool.kind:
            reason = f"a function and a custom tool have one name, '{tool.name[:64]}'"
            raise refusal(reason, tool.param)
    properties = sum(count_properties(tool.parameters) for tool in tools)
    if properties > MAX_PROPERTIES:
        raise refusal(f"the schemas have {properties} 'properties' in all, too many", "tools")


def tool_grammar(tool: Tool) -> dict[str, Any]:
    """The grammar of a tool's arguments; what cannot be enforced is refused if it is strict.

    Raises:
        BadRequestError: the schema or format cannot be kept to.
    """
    if tool.kind == "custom":
        if (tool.format or {}).get("type", "text") != "text":
            raise refusal("a custom tool's grammar inside a call is not supported", tool.param)
        return json_grammar(INPUT, tool.param)
    if not tool.parameters:
        return json_grammar(NONE, tool.param)
    types = tool.parameters.get("type", "object")
    if types != "object" and not (isinstance(types, list) and "object" in types):
        raise refusal("arguments are an object, and its 'type' allows none", tool.param)
    schema = {**tool.parameters, "type": "object"}
    return json_grammar(schema, tool.param, lenient=not tool.strict)


def calls_lark(
    tools: Sequence[Tool], marks: Marks, *, several: bool, otherwise: str | None = None
) -> str:
    """Calls of the tools in Lark, with `@tool0`, `@tool1`, … for their arguments.

    Instead of calls there may be `otherwise`: `"TEXT"`, in which an opening mark begins a call, or
    a grammar by its name.
    """
    free = otherwise == "TEXT"
    first = "head" if free else "open"
    calls = f"{first} call" + (f' ("\\n" open call){{0,{MAX_CALLS - 1}}}' if several else "")
    opening, closing = _mark(OPEN, marks.open), _mark(CLOSE, marks.close)
    words = "word* " if free and marks.words else ""
    lines = [
        f"start: {words}calls" + (f" | {words}{otherwise}" if otherwise else ""),
        f"calls: {calls}",
        f"open: {opening}",
        f'call: "\\n" body "\\n" ({closing})',
        "body: " + " | ".join(f"body{index}" for index in range(len(tools))),
        *(
            f"body{index}: {_before(tool)} @tool{index} {_lark('}')}"
            for index, tool in enumerate(tools)
        ),
    ]
    if free:
        special = f" | TEXT <[{marks.open}]>" if marks.open is not None else ""
        lines += [
            r"TEXT: /(.|\n)*/",
            f"head: spelled{special}",
            f"spelled[lazy]: TEXT {_lark(OPEN)}",
        ]
    if words:
        lines.append(f"word: TEXT <[{','.join(map(str, marks.words))}]>")
    return "\n".join(lines)


def _before(tool: Tool) -> str:
    """What stands before the arguments of a call."""
    return _lark(f'{{"name": {json.dumps(tool.name, ensure_ascii=False)}, "arguments": ')


def _mark(text: str, token: int | None) -> str:
    return _lark(text) if token is None else f"{_lark(text)} | <[{token}]>"


def _lark(text: str) -> str:
    """A literal of Lark, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
