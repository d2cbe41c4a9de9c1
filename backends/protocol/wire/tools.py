"""What a model may call: functions, custom tools, and the functions of old."""

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from backends.protocol.wire.caching import Cacheable
from backends.protocol.wire.model import Array, Omittable, WireModel
from backends.protocol.wire.names import FunctionName
from backends.protocol.wire.unions import by_field


class FunctionObject(Cacheable):
    """A function; `parameters` is a JSON schema, which this room does not check."""

    name: FunctionName
    description: Omittable[str] = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatCompletionTool(Cacheable):
    """A function as a tool."""

    type: Literal["function"]
    function: FunctionObject


class TextFormat(WireModel):
    """Any text will do as the input of a custom tool."""

    type: Literal["text"]


class Grammar(WireModel):
    """The language of an input."""

    definition: str
    syntax: Literal["lark", "regex"]


class GrammarFormat(WireModel):
    """The input of a custom tool must follow a grammar."""

    type: Literal["grammar"]
    grammar: Grammar


CustomToolFormat = Annotated[
    Annotated[TextFormat, Tag("<text>")] | Annotated[GrammarFormat, Tag("<grammar>")],
    by_field("type"),
]


class CustomTool(WireModel):
    """A tool that takes text rather than JSON."""

    name: str
    description: Omittable[str] = None
    format: Omittable[CustomToolFormat] = None


class CustomToolChatCompletions(Cacheable):
    """A custom tool."""

    type: Literal["custom"]
    custom: CustomTool


Tool = Annotated[
    Annotated[ChatCompletionTool, Tag("<function>")]
    | Annotated[CustomToolChatCompletions, Tag("<custom>")],
    by_field("type"),
]
Tools = Annotated[Array[Tool], Field(max_length=128)]
"""An empty array is the same as none."""


class ChatCompletionFunctions(Cacheable):
    """A legacy function: one that is not wrapped in a tool."""

    name: FunctionName
    description: Omittable[str] = None
    parameters: Omittable[dict[str, Any]] = None


Functions = Annotated[Array[ChatCompletionFunctions], Field(min_length=1, max_length=128)]
