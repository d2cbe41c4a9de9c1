"""Tools and tool choices, of today and of old, to the seam's `Tool` and `ToolChoice`."""

from collections.abc import Sequence
from typing import Any

from adapter.parse.schemas import require_schema
from backends.protocol import Tool, ToolChoice
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import CreateChatCompletionRequest


def tools_of(body: CreateChatCompletionRequest) -> list[Tool]:
    """The tools of a chat request; legacy functions are tools too.

    Raises:
        BadRequestError: a tool's parameters are no JSON schema.
    """
    tools = []
    for index, tool in enumerate(body.tools or ()):
        if tool.type == "function":
            function = tool.function
            parameters = function.parameters or {}
            require_schema(parameters, f"tools.{index}.function.parameters")
            tools.append(
                Tool(function.name, function.description or "", parameters, bool(function.strict))
            )
        else:
            format_ = tool.custom.format.model_dump() if tool.custom.format else None
            name, description = tool.custom.name, tool.custom.description or ""
            tools.append(Tool(name, description, kind="custom", format=format_))
    for index, legacy in enumerate(body.functions or ()):
        require_schema(legacy.parameters or {}, f"functions.{index}.parameters")
        tools.append(Tool(legacy.name, legacy.description or "", legacy.parameters or {}))
    return tools


def tool_choice_of(body: CreateChatCompletionRequest, tools: Sequence[Tool]) -> ToolChoice:
    """The tool choice of a chat request: `auto` where there are tools and no word of it.

    Raises:
        BadRequestError: the choice needs tools and there are none, or names one that is not there.
    """
    call = body.function_call
    if call is not None:
        if not body.functions:
            raise BadRequestError(
                "'function_call' is only allowed when 'functions' are given.", param="function_call"
            )
        if isinstance(call, str):
            return ToolChoice(call, parallel=False)
        return _named([call.name], tools, "function_call", parallel=False)
    parallel = body.parallel_tool_calls is not False and not body.functions
    choice = body.tool_choice
    if choice is None:
        return ToolChoice("auto" if tools else "none", parallel=parallel)
    if choice == "none" or (choice == "auto" and not tools):
        return ToolChoice("none")
    if not tools:
        raise BadRequestError(
            "'tool_choice' is only allowed when 'tools' are given.", param="tool_choice"
        )
    if isinstance(choice, str):
        return ToolChoice(choice, parallel=parallel)
    if choice.type == "function":
        return _named([choice.function.name], tools, "tool_choice", parallel=parallel)
    if choice.type == "custom":
        return _named([choice.custom.name], tools, "tool_choice", parallel=parallel)
    names = [_allowed_name(tool, n) for n, tool in enumerate(choice.allowed_tools.tools)]
    allowed = _named(names, tools, "tool_choice", parallel=parallel)
    allowed.mode = choice.allowed_tools.mode
    return allowed


def _allowed_name(tool: dict[str, Any], index: int) -> str:
    named = tool.get(str(tool.get("type")))
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str):
        raise BadRequestError(
            'An allowed tool is an object such as {"type": "function", "function": {"name": "…"}}.',
            param=f"tool_choice.allowed_tools.tools.{index}",
        )
    return name


def _named(
    names: Sequence[str], tools: Sequence[Tool], param: str, *, parallel: bool
) -> ToolChoice:
    known = {tool.name for tool in tools}
    for name in names:
        if name not in known:
            raise BadRequestError(
                f"'{param}' names '{name[:64]}', which is none of the tools.", param=param
            )
    return ToolChoice("required", tuple(names), parallel)
