"""Tools and tool choices in Anthropic's words.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
"""

from typing import Any

from backends.protocol import GenerationRequest, Tool
from backends.protocol.errors import UnsupportedParameter


def tools_of(request: GenerationRequest) -> dict[str, Any]:
    """The `tools` and `tool_choice` of a request, where there are tools.

    Raises:
        UnsupportedParameter: a custom tool, whose input would be plain text.
    """
    choice = request.tool_choice
    if not request.tools:
        return {}
    # A choice among some is kept by offering only these; one named tool Anthropic can be told.
    named = choice.mode == "required" and choice.allowed is not None and len(choice.allowed) == 1
    offered = request.tools if named or choice.mode == "none" else request.callable_tools
    members: dict[str, Any] = {"tools": [_tool(tool) for tool in offered]}
    if choice.mode == "none":
        members["tool_choice"] = {"type": "none"}
    elif named and choice.allowed:
        members["tool_choice"] = {"type": "tool", "name": choice.allowed[0]}
    elif choice.mode == "required":
        members["tool_choice"] = {"type": "any"}
    elif not choice.parallel:
        members["tool_choice"] = {"type": "auto"}
    if choice.mode != "none" and not choice.parallel:
        members["tool_choice"]["disable_parallel_tool_use"] = True
    return members


def _tool(tool: Tool) -> dict[str, Any]:
    if tool.kind == "custom":
        raise UnsupportedParameter(
            f"Claude's tools take JSON; '{tool.name[:64]}' is a custom tool.",
            param=tool.param.partition(".custom")[0],
        )
    made: dict[str, Any] = {
        "name": tool.name,
        "input_schema": {"type": "object", **tool.parameters},
    }
    if tool.description:
        made["description"] = tool.description
    if tool.strict:
        made["strict"] = True
    if tool.cache_control is not None:
        made["cache_control"] = dict(tool.cache_control)
    return made
