"""Whether a model calls a tool, and which."""

from typing import Annotated, Any, Literal

from pydantic import Tag

from backends.protocol.wire.model import Array, WireModel
from backends.protocol.wire.unions import TextOrObject, by_field


class Named(WireModel):
    """The name of a tool."""

    name: str


class ChatCompletionNamedToolChoice(WireModel):
    """This function."""

    type: Literal["function"]
    function: Named


class ChatCompletionNamedToolChoiceCustom(WireModel):
    """This custom tool."""

    type: Literal["custom"]
    custom: Named


class ChatCompletionAllowedTools(WireModel):
    """A selection of the tools; each is an object like those that choose a tool by name."""

    mode: Literal["auto", "required"]
    tools: Array[dict[str, Any]]


class ChatCompletionAllowedToolsChoice(WireModel):
    """One of these."""

    type: Literal["allowed_tools"]
    allowed_tools: ChatCompletionAllowedTools


ChatCompletionToolChoiceOption = TextOrObject[
    Literal["none", "auto", "required"],
    Annotated[
        Annotated[ChatCompletionAllowedToolsChoice, Tag("<allowed_tools>")]
        | Annotated[ChatCompletionNamedToolChoice, Tag("<function>")]
        | Annotated[ChatCompletionNamedToolChoiceCustom, Tag("<custom>")],
        by_field("type"),
    ],
]


class ChatCompletionFunctionCallOption(WireModel):
    """This legacy function."""

    name: str


FunctionCallOption = TextOrObject[Literal["none", "auto"], ChatCompletionFunctionCallOption]
