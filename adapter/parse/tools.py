"""Tools and tool choices, of today and of old, to the seam's `Tool` and `ToolChoice`."""

from collections.abc import Sequence
from typing import Any

from adapter.parse.schemas import require_schema
from backends.protocol import Tool, ToolChoice
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import CreateChatCompletionRequest
from backends.protocol.wire.tools import ChatCompletionFunctions, FunctionObject


def tools_of(body: CreateChatCompletionRequest) -> list[Tool]:
    """The tools of a chat request; legacy functions are tools too.

    Raises:
        BadRequestError: a tool's parameters are no JSON schema.
    """
    tools = []
    for index, tool in enumerate(body.tools or ()):
        if tool.type == "function":
            tools.append(_function(tool.function, f"tools.{index}.function"))
            tools[-1].strict = bool(tool.function.strict)
            tools[-1].cache_control = tool.cache_mark() or tools[-1].cache_control
        else:
            custom = tool.custom
            format_ = custom.format.model_dump() if custom.format else None
            param = f"tools.{index}.custom.format"
            description = custom.description or ""
            tools.append(Tool(custom.name, description, kind="custom", format=format_, param=param))
    for index, function in enumerate(body.functions or ()):
        tools.append(_function(function, f"functions.{index}"))
    return tools


def _function(function: FunctionObject | ChatCompletionFunctions, place: str) -> Tool:
    param = f"{place}.parameters"
    parameters = function.parameters or {}
    require_schema(parameters, param)
    return Tool(
        function.name,
        function.description or "",
        parameters,
        param=param,
        cache_control=function.cache_mark(),
    )


def tool_choice_of(body: CreateChatCompletionRequest, tools: Sequence[Tool]) -> ToolChoice:
    """The tool choice of a chat request: `auto` where there are tools and no word of it.

    Raises:
        BadRequestError: the choice needs tools and there are none, or names one that is not there.
    """
    if body.function_call is not None:
        return _legacy_choice(body, tools)
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
        named = [("function", choice.function.name)]
        return _named(named, tools, "tool_choice", parallel=parallel)
    if choice.type == "custom":
        named = [("custom", choice.custom.name)]
        return _named(named, tools, "tool_choice", parallel=parallel)
    named = [_allowed(tool, number) for number, tool in enumerate(choice.allowed_tools.tools)]
    if not named:
        raise BadRequestError(
            "'allowed_tools' must name a tool; to allow none, send 'none'.",
            param="tool_choice.allowed_tools.tools",
        )
    allowed = _named(named, tools, "tool_choice", parallel=parallel)
    allowed.mode = choice.allowed_tools.mode
    return allowed


def _legacy_choice(body: CreateChatCompletionRequest, tools: Sequence[Tool]) -> ToolChoice:
    """The choice of `function_call`, which is one call at most."""
    call = body.function_call
    if not body.functions:
        raise BadRequestError(
            "'function_call' is only allowed when 'functions' are given.", param="function_call"
        )
    if call is None or isinstance(call, str):
        return ToolChoice(call or "auto", parallel=False)
    return _named([("function", call.name)], tools, "function_call", parallel=False)


def _allowed(tool: dict[str, Any], index: int) -> tuple[str, str]:
    """The kind and the name of an entry of `allowed_tools`."""
    kind = str(tool.get("type"))
    named = tool.get(kind)
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str):
        raise BadRequestError(
            'An allowed tool is an object such as {"type": "function", "function": {"name": "…"}}.',
            param=f"tool_choice.allowed_tools.tools.{index}",
        )
    return kind, name


def _named(
    wanted: Sequence[tuple[str, str]], tools: Sequence[Tool], param: str, *, parallel: bool
) -> ToolChoice:
    known = {(tool.kind, tool.name) for tool in tools}
    for kind, name in wanted:
        if (kind, name) not in known:
            raise BadRequestError(
                f"'{param}' names the {kind[:16]} '{name[:64]}', which is none of the tools.",
                param=param,
            )
    return ToolChoice("required", tuple(name for _, name in wanted), parallel)
