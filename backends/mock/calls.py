"""Which tools the mock calls."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from backends.mock.instance import instance, matching
from backends.protocol import GenerationRequest, Tool, ToolCallDelta
from backends.protocol.errors import BadRequestError
from backends.protocol.tokenizer import count, split

WORD_CHARACTERS = 4
_DECLARING_NOTHING = frozenset(
    {"type", "properties", "additionalProperties", "$schema", "title", "description"}
)
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


def called_tools(request: GenerationRequest) -> list[Tool]:
    """The tools to call: those that the user's words mention, and one at least if one is required.

    Under `auto` a conversation that ends with a tool's result is answered in text.
    """
    tools = request.callable_tools
    if not tools:
        return []
    required = request.tool_choice.mode == "required"
    if not required and request.messages[-1].role in {"tool", "function"}:
        return []
    text = request.last_user_text().lower()
    called = [tool for tool in tools if _is_mentioned(tool.name, text)]
    if required and not called:
        called = tools[:1]
    return called if request.tool_choice.parallel else called[:1]


def call_deltas(tools: list[Tool], text: str) -> Iterator[ToolCallDelta]:
    """The calls, token by token: arguments that the tool's schema accepts, or a custom input.

    Raises:
        BadRequestError: a schema or grammar that nothing satisfies.
    """
    for index, tool in enumerate(tools):
        yield ToolCallDelta(index, name=tool.name, tokens=count(tool.name))
        for piece in split(_arguments(tool, text)):
            yield ToolCallDelta(index, arguments=piece, tokens=1)


def _arguments(tool: Tool, text: str) -> str:
    try:
        if tool.kind == "function":
            return "{}" if _takes_nothing(tool.parameters) else instance(tool.parameters)
        if tool.format is not None and tool.format["type"] == "grammar":
            return matching(tool.format["grammar"])
    except BadRequestError as error:
        error.param = tool.param
        raise
    return text


def _takes_nothing(parameters: Mapping[str, Any]) -> bool:
    """Whether the schema declares no parameter at all, so that inventing one would surprise."""
    return not parameters.get("properties") and parameters.keys() <= _DECLARING_NOTHING


def _is_mentioned(name: str, text: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    long_words = [word for word in words if len(word) >= WORD_CHARACTERS]
    return any(re.search(rf"\b{word}", text) for word in [*long_words, re.escape(name.lower())])
